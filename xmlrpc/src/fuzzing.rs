//! Internals of this crate for the fuzz targets. Only compiled for them.

use bytes::Bytes;
use farcall_core::protocol::{Format, Payload};

use crate::client::{Target, Wire, read_segments_over};
use crate::de::{De, Raw};
use crate::document::reply_fault;
pub use crate::subject::{Forbidden, Texts, outcomes, tag_of, tokens};
use crate::xml::encoding::decode_document;
use crate::{InvalidUrl, XmlRpc};

/// Returns `true` if this is a whole document with a result or a fault.
#[must_use]
pub fn is_reply(document: Bytes) -> bool {
    let (format, payload) = (XmlRpc::default().max_depth(255), Payload::from(document));
    matches!(
        reply_fault(&mut De::of_response(&payload, format)),
        Ok(Some(_))
    ) || format.decode_reply::<Raw>(&payload).is_ok()
}

/// Converts a document to UTF-8, if it can be decoded.
#[must_use]
pub fn to_utf8(mut document: Bytes, charset: Option<&str>) -> Option<Bytes> {
    decode_document(&mut document, charset).ok()?;
    Some(document)
}

/// Parses a URL, and returns its text without secrets, its host and its port.
///
/// # Errors
/// If a client cannot call the URL.
pub fn url(text: &str) -> Result<(String, (String, u16)), InvalidUrl> {
    let target = Target::parse(text)?;
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
