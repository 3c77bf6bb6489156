//! What the fuzz targets need of this module's insides. It is there only where they are built.

use super::message::{Message, plain_call, plain_return};

/// How many references a message may have here.
const MAX_REFERENCES: u64 = 1000;

/// Reads a message, and holds what is written of it against what is read of that.
///
/// # Panics
/// If the two differ.
pub fn message(bytes: &[u8]) {
    let plain = plain_return(bytes);
    let call = plain_call(bytes);
    let Ok(message) = Message::read(bytes, MAX_REFERENCES) else {
        assert_eq!(plain, None, "a result that is no message");
        assert_eq!(call, None, "a call that is no message");
        return;
    };
    if let Some((call, payload)) = call {
        assert_eq!(
            message,
            Message::Call(call, payload),
            "two calls of one message"
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
            "two results of one message"
        );
    } else {
        assert_eq!(plain, None, "what is no plain result");
    }
    let written = write(&message, bytes);
    match Message::read(&written, MAX_REFERENCES) {
        Ok(again) => assert_eq!(write(&again, &written), written),
        Err(error) => panic!("what was written is not read: {error}"),
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
