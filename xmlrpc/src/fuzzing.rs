//! What the fuzz targets need of this crate's insides. It is there only where they are built.

use bytes::Bytes;
use rpc_core::{Format, Payload};

use crate::client::{Target, read_in};
use crate::de::outcomes::outcomes;
use crate::de::{De, Raw};
use crate::document::reply_fault;
use crate::xml::encoding::decode_document;
use crate::xml::read::reference;
use crate::{InvalidUrl, XmlRpc};

/// Reads a document with the reader and with quick-xml alone.
///
/// # Panics
/// If the two differ in a result, a refusal, or the position of one.
pub fn read_by_both(document: &[u8], max_depth: u8, max_values: usize) {
    let limits = (max_depth, max_values);
    let plain = outcomes(document, limits);
    let reference = reference::with_reference(|| outcomes(document, limits));
    assert_eq!(plain, reference, "the two readers differ");
}

/// Whether this is a whole document that holds a result or a fault.
#[must_use]
pub fn is_reply(document: Bytes) -> bool {
    let (format, payload) = (XmlRpc::default().max_depth(255), Payload::from(document));
    matches!(
        reply_fault(&mut De::of_response(&payload, format)),
        Ok(Some(_))
    ) || format.decode_reply::<Raw>(&payload).is_ok()
}

/// Brings a document to UTF-8, if that can be done.
#[must_use]
pub fn to_utf8(mut document: Bytes, charset: Option<&str>) -> Option<Bytes> {
    decode_document(&mut document, charset).ok()?;
    Some(document)
}

/// What a URL leads to: its text without secrets, the host and the port.
///
/// # Errors
/// If it is none that a client can call.
pub fn url(text: &str) -> Result<(String, (String, u16)), InvalidUrl> {
    let target = Target::parse(text)?;
    Ok((target.to_string(), target.host_and_port()))
}

/// Reads an HTTP response all at once, and in pieces of these sizes.
///
/// # Panics
/// If that makes a difference.
pub fn read_response(stream: &[u8], pieces: &[usize], max_body: usize) {
    let outcome = read_in(&[], stream, max_body);
    assert_eq!(read_in(pieces, stream, max_body), outcome);
    assert!(outcome.length() <= max_body);
}
