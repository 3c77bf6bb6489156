//! Internals of this crate for the fuzz targets. Only compiled for them.

use crate::client::{InvalidUrl, Target, read_segments};

/// Parses a URL, and returns its text without secrets, its host and its port.
///
/// # Errors
/// If a client cannot call the URL.
pub fn url(text: &str) -> Result<(String, (String, u16)), InvalidUrl> {
    let target = Target::parse(text, "/RPC2")?;
    Ok((target.to_string(), target.host_and_port()))
}

/// Reads an HTTP response at once, and again in pieces of these sizes.
///
/// # Panics
/// If the two results differ.
pub fn read_response(stream: &[u8], pieces: &[usize], max_body: usize) {
    let outcome = read_segments(&[], stream, max_body);
    assert_eq!(read_segments(pieces, stream, max_body), outcome);
    assert!(outcome.length() <= max_body);
}
