//! Internals of this module for the fuzz targets. Compiled only for fuzzing.

use super::message::{Message, plain_call, plain_return};

/// Maximum number of references in a message.
const MAX_REFERENCES: u64 = 1000;

/// Reads a message, writes it, reads the result, and compares both.
///
/// # Panics
/// If they differ.
pub fn message(bytes: &[u8]) {
    let plain = plain_return(bytes);
    let call = plain_call(bytes);
    let Ok(message) = Message::read(bytes, MAX_REFERENCES) else {
        assert_eq!(plain, None, "a plain return that is no message");
        assert_eq!(call, None, "a plain call that is no message");
        return;
    };
    if let Some((call, payload)) = call {
        assert_eq!(
            message,
            Message::Call(call, payload),
            "two readers return different calls"
        );
    }
    if let Message::Return {
        id,
        references,
        payload,
    } = &message
        && references.is_empty()
    {
        let whole = Some((*id, &bytes[*payload..]));
        assert!(
            plain.is_none() || plain == whole,
            "two readers return different results"
        );
    } else {
        assert_eq!(plain, None, "a plain return that is another message");
    }
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
