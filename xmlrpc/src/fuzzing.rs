//! Internals of this crate for the fuzz targets. Only compiled for them.

use bytes::Bytes;
use farcall_core::protocol::{Format, Payload};

use crate::de::{De, Raw};
use crate::document::reply_fault;
pub use farcall_http::fuzzing::{read_response, url};

use crate::XmlRpc;
pub use crate::subject::{Forbidden, Texts, outcomes, tag_of, tokens};
use crate::xml::encoding::decode_document;

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
