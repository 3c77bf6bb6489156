//! Replies of managers as results of calls.

use bytes::Bytes;
use farcall_core::protocol::Payload;
use farcall_core::{CallError, Fault, FaultKind, FormatError, FormatErrorKind};
use farcall_pickle::Pickle;

use crate::managers::wire::{Exception, Reply, Token};

/// The class that Python raises for a failure of the server.
const REMOTE_ERROR: &str = "multiprocessing.managers.RemoteError";

/// The beginnings of a pickled tuple whose first element is `#RETURN`, behind PROTO and FRAME.
const RETURNS: [&[u8]; 2] = [b"\x8c\x07#RETURN", b"X\x07\0\0\0#RETURN"];

/// Numbers the value before it in the memo.
const MEMOIZE: &[u8] = b"\x94";

/// A reply as far as a call needs it.
pub(super) enum Answer {
    /// The method returned a value, which is the second element of the message.
    Value,
    /// It returned an object of the server, which counts a reference for the local side.
    Proxy {
        exposed: Vec<String>,
        token: Token,
    },
    Failed(CallError),
}

/// Reads the kind of a reply to a call of the object `ident`. The value of a result is not decoded.
pub(super) fn read(pickle: &Pickle, message: &Bytes, ident: Option<&str>) -> Answer {
    if is_return(message) {
        return Answer::Value;
    }
    match Reply::decode(pickle, message.clone()) {
        Ok(Reply::Return(_)) => Answer::Value,
        Ok(Reply::Proxy { exposed, token }) => Answer::Proxy { exposed, token },
        Ok(Reply::Error(exception)) => Answer::Failed(CallError::Fault(exception.into())),
        Ok(Reply::Traceback(text)) => Answer::Failed(CallError::Fault(traceback(&text, ident))),
        // The method ran.
        Ok(Reply::Unserializable(text)) => Answer::Failed(CallError::Decode(FormatError::new(
            FormatErrorKind::Unrepresentable,
            format!("the manager cannot pickle the result: {text}"),
        ))),
        Err(error) => Answer::Failed(CallError::NotAReply(Box::new(error))),
    }
}

/// Reads the reply of a function of the server, or of a method that returns no object.
pub(super) fn value(
    pickle: &Pickle,
    message: Bytes,
    ident: Option<&str>,
) -> Result<Payload, CallError> {
    match read(pickle, &message, ident) {
        Answer::Value => Ok(Payload::from(message)),
        Answer::Failed(error) => Err(error),
        Answer::Proxy { .. } => {
            let message = "the result is an object, where a value is expected";
            let error = FormatError::new(FormatErrorKind::Mismatch, message);
            Err(CallError::Decode(error))
        }
    }
}

fn is_return(message: &[u8]) -> bool {
    result_of(message).is_some()
}

/// Returns the part of a message `('#RETURN', …)` behind that text.
fn result_of(message: &[u8]) -> Option<&[u8]> {
    let [0x80, _, rest @ ..] = message else {
        return None;
    };
    // `Pickler.save_tuple` of a tuple with two elements writes no MARK.
    let rest = without_frame(rest);
    RETURNS.iter().find_map(|begin| rest.strip_prefix(*begin))
}

/// Returns the code behind FRAME, if it begins with one.
fn without_frame(code: &[u8]) -> &[u8] {
    match code {
        [0x95, _, _, _, _, _, _, _, _, rest @ ..] => rest,
        code => code,
    }
}

/// Returns the bytes that a method returned, in the memory of the message. Returns the message if
/// it is anything else: another kind of reply or value, or bytes in a pickle of protocol 3 or
/// older.
pub(super) fn into_bytes(message: Bytes) -> Result<Bytes, Bytes> {
    match bytes_in(&message) {
        Some(bytes) => Ok(message.slice_ref(bytes)),
        None => Err(message),
    }
}

fn bytes_in(message: &[u8]) -> Option<&[u8]> {
    let [_, 4 | 5, ..] = message else { return None };
    // Both picklers of CPython end the frame before bytes of 64 KiB or more.
    let code = result_of(message)?;
    let code = without_frame(code.strip_prefix(MEMOIZE).unwrap_or(code));
    let (length, rest) = match code {
        [b'C', length, rest @ ..] => (u64::from(*length), rest),
        [b'B', rest @ ..] => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from(u32::from_le_bytes(*length)), rest)
        }
        [0x8e, rest @ ..] => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_le_bytes(*length), rest)
        }
        _ => return None,
    };
    let (bytes, end) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    // TUPLE2 and STOP, with or without MEMOIZE.
    matches!(without_frame(end), b"\x86." | b"\x94\x86\x94.").then_some(bytes)
}

/// Returns the fault of a failure of the server itself. CPython sends the text of a traceback,
/// whose last line is the exception.
fn traceback(text: &str, ident: Option<&str>) -> Fault {
    let lines = text.lines().map(str::trim);
    let mut kind = FaultKind::Application;
    let mut message = lines.clone().rfind(|line| !line.is_empty());
    // `Server.serve_client`: a method that raises these is answered with `#ERROR`.
    if let Some(ident) = ident {
        let is_gone = |line: &str| line.starts_with("KeyError") && line.contains(ident);
        let is_hidden = |line: &str| line.starts_with("AttributeError: method ");
        // Behind this one, CPython has looked for a replacement, which is another `KeyError`.
        if let Some(line) = lines.clone().find(|line| is_hidden(line)) {
            (kind, message) = (FaultKind::UnknownMethod, Some(line));
        } else if message.is_some_and(is_gone) {
            kind = FaultKind::Gone;
        }
    }
    let exception = Exception::with_text(REMOTE_ERROR, text).with_trace(text);
    Fault::of(kind, message.unwrap_or("the manager failed")).with_source(exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_in_the_memory_of_the_message() {
        let long = vec![7; 100_000];
        for bytes in [&b""[..], b"\x86.", &long] {
            let encoded = Reply::value(&serde_bytes::Bytes::new(bytes)).encode();
            let message = Bytes::from(encoded.unwrap());
            let memory = message.as_ptr_range();
            let taken = into_bytes(message).unwrap();
            assert_eq!(taken, bytes);
            assert!(taken.is_empty() || memory.contains(&taken.as_ptr()));
        }
        // Of CPython, which ends the frame before long bytes: ('#RETURN', bytes(100_000)).
        let framed = [
            &b"\x80\x04\x95\x0a\0\0\0\0\0\0\0\x8c\x07#RETURN\x94B\xa0\x86\x01\0"[..],
            &long,
            b"\x95\x04\0\0\0\0\0\0\0\x94\x86\x94.",
        ]
        .concat();
        assert_eq!(into_bytes(framed.into()).unwrap(), long);
        let longest = b"\x80\x05\x8c\x07#RETURN\x94\x8e\x01\0\0\0\0\0\0\0a\x94\x86\x94.";
        assert_eq!(into_bytes(Bytes::from_static(longest)).unwrap(), "a");
        for other in [
            &b"\x80\x04\x8c\x07#RETURN\x8c\x01a\x86."[..],
            b"\x80\x04\x8c\x07#RETURNC\x02a\x86.",
            b"\x80\x04\x8c\x07#RETURNC\x01ab\x86.",
            b"\x80\x04\x8c\x07#RETURNB\xff\xff\xff\xffa\x86.",
            b"\x80\x04\x8c\x07#RETURN\x8e\xff\xff\xff\xff\xff\xff\xff\xffa\x86.",
            b"\x80\x04\x8c\x07#RETURNC\x01a\x86..",
            b"\x80\x03X\x07\0\0\0#RETURNq\0C\x01aq\x01\x86q\x02.",
            b"\x80\x06\x8c\x07#RETURNC\x01a\x86.",
            b"\x80\x04\x8c\x06#ERRORC\x01a\x86.",
            b"",
        ] {
            assert_eq!(into_bytes(Bytes::from_static(other)).unwrap_err(), other);
        }
    }

    #[test]
    fn results_are_recognized_without_decoding() {
        let pickle = Pickle::default();
        let message = Reply::value(&vec![1, 2]).encode().unwrap();
        assert!(is_return(&message));
        // Of CPython, with a frame: ('#RETURN', None).
        let framed = b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x07#RETURN\x94N\x86\x94.";
        assert!(is_return(framed));
        assert!(is_return(b"\x80\x03X\x07\0\0\0#RETURNq\0N\x86q\x01."));
        let failed = Reply::Traceback("Traceback\nKeyError: '7f'\n".to_owned());
        let message = Bytes::from(failed.encode().unwrap());
        let Answer::Failed(CallError::Fault(fault)) = read(&pickle, &message, Some("7f")) else {
            panic!("it is a fault");
        };
        assert_eq!(fault.kind(), FaultKind::Gone);
        assert_eq!(fault.message(), "KeyError: '7f'");
        for wrong in [
            &b""[..],
            b"\x80\x04.",
            b"\x80\x04N.",
            b"\x80\x04\x8c\x01a\x8c\x01b\x86.",
        ] {
            let answer = read(&pickle, &Bytes::copy_from_slice(wrong), None);
            assert!(matches!(answer, Answer::Failed(CallError::NotAReply(_))));
        }
    }
}
