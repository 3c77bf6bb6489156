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

/// Reads the head of an SCGI request at once, and again with only a part of its bytes.
///
/// # Panics
/// If a part of a head is a head, or an error that the whole is not.
pub fn read_scgi_head(bytes: &[u8], part: usize) {
    let whole = crate::server::scgi::head::parse(bytes).map(|head| head.map(|(_, length)| length));
    let part = bytes.get(..part).unwrap_or(bytes);
    let read = crate::server::scgi::head::parse(part).map(|head| head.map(|(_, length)| length));
    match (whole, read) {
        (whole, Ok(None)) => drop(whole),
        (Ok(Some(length)), Ok(Some(read))) => assert!(read == length && length <= part.len()),
        (Err(whole), Err(read)) => assert_eq!(whole, read),
        (whole, read) => panic!("{whole:?}, and for a part {read:?}"),
    }
}
