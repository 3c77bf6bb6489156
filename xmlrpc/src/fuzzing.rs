//! Internals of this crate for the fuzz targets. Only compiled for them.

use bytes::Bytes;
use farcall_core::protocol::{Format, Payload};

use crate::de::{De, Raw};
use crate::document::reply_fault;
pub use farcall_http::fuzzing::{read_response, read_scgi_head, url};

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
