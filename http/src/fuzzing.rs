//! Internals of this crate for the fuzz targets. Only compiled for them.

use crate::client::{InvalidUrl, Target, Wire, read_segments_over};

/// Parses a URL, and returns its text without secrets, its host and its port.
///
/// # Errors
/// If a client cannot call the URL.
pub fn url(text: &str) -> Result<(String, (String, u16)), InvalidUrl> {
    let target = Target::parse(text, "/RPC2")?;
    Ok((target.to_string(), target.host_and_port()))
}

/// Reads a response of HTTP, and of SCGI, at once, and again in pieces of these sizes.
///
/// # Panics
/// If the two results differ.
pub fn read_response(stream: &[u8], pieces: &[usize], max_body: usize) {
    for wire in [Wire::Http, Wire::Scgi] {
        let outcome = read_segments_over(wire, &[], stream, max_body);
        assert_eq!(read_segments_over(wire, pieces, stream, max_body), outcome);
        assert!(outcome.length() <= max_body);
    }
}
