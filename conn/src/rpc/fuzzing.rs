//! Internals of this module for the fuzz targets. Compiled only for fuzzing.

use super::message::Message;

/// Maximum number of references in a message.
const MAX_REFERENCES: u64 = 1000;

/// Reads a message, writes it, reads the result, and compares both.
///
/// # Panics
/// If they differ.
pub fn message(bytes: &[u8]) {
    let Ok(message) = Message::read(bytes, MAX_REFERENCES) else {
        return;
    };
    let written = write(&message, bytes);
    match Message::read(&written, MAX_REFERENCES) {
        Ok(again) => assert_eq!(write(&again, &written), written),
        Err(error) => panic!("a written message cannot be read: {error}"),
    }
}

fn write(message: &Message<'_>, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    message.write(&mut out);
    if let Message::Call(_, payload)
    | Message::Return { payload, .. }
    | Message::Item { payload, .. } = message
    {
        out.extend_from_slice(&bytes[*payload..]);
    }
    out
}
