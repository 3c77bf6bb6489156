//! The pickle codec: the crate `farcall-pickle` as a codec of connections.

use std::fmt::Write as _;

use farcall_core::{FormatError, FormatErrorKind};
use farcall_pickle::{Error, ErrorKind, Pickle};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;

impl Codec for Pickle {
    const NAME: &'static str = super::PICKLE;

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        Self::encode(self, value, out).map_err(|error| format_error(&error))
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        Self::decode(self, message).map_err(|error| format_error(&error))
    }
}

/// Converts an error to one with the same kind and text.
#[cold]
pub(crate) fn format_error(error: &Error) -> FormatError {
    let kind = match error.kind() {
        ErrorKind::Encoding => FormatErrorKind::Encoding,
        ErrorKind::Character => FormatErrorKind::Character,
        ErrorKind::Structure => FormatErrorKind::Structure,
        ErrorKind::Limit => FormatErrorKind::Limit,
        ErrorKind::Mismatch => FormatErrorKind::Mismatch,
        ErrorKind::Unrepresentable => FormatErrorKind::Unrepresentable,
        // `Syntax`, and kinds that do not exist yet.
        _ => FormatErrorKind::Syntax,
    };
    let mut message = error.message().to_owned();
    if let Some(position) = error.position() {
        let _ = write!(message, ", at byte {position}");
    }
    let converted = FormatError::new(kind, message);
    match error.path() {
        Some(path) => converted.within(|| path),
        None => converted,
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::protocol::limits;
    use farcall_pickle::{VALUE_NAME, Value};

    use super::*;

    #[test]
    fn the_limits_recognise_values() {
        assert_eq!(limits::PICKLE_VALUE, VALUE_NAME);
    }

    #[test]
    fn errors_keep_their_kind_and_text() {
        let decode = |message: &[u8]| Codec::decode::<Vec<i32>>(&Pickle::default(), message);
        for (message, kind, text) in [
            (
                &b"\x80\x04]."[..1],
                FormatErrorKind::Syntax,
                "the pickle ends before STOP, at byte 1",
            ),
            (
                b"\x80\x06N.",
                FormatErrorKind::Encoding,
                "protocol 6 is not supported, only 0 to 5, at byte 0",
            ),
            (
                b"\x80\x04\x8c\x01\xff.",
                FormatErrorKind::Character,
                "the text is not UTF-8, at byte 2",
            ),
            (
                b"\x80\x04]\x94h\0a.",
                FormatErrorKind::Structure,
                "list contains itself, at byte 2",
            ),
            (
                b"\x80\x04](K\x01\x8c\x03sixe.",
                FormatErrorKind::Mismatch,
                "[1]: expected i32, found str, at byte 6",
            ),
        ] {
            let error = decode(message).unwrap_err();
            assert_eq!((error.kind(), &*error.to_string()), (kind, text));
        }
        let strict = Pickle::default().max_values(2);
        let error = Codec::decode::<Value>(&strict, b"\x80\x04](NNe.").unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Limit);
        let flat = Pickle::default().max_depth(1);
        let error = Codec::encode(&flat, &[[1]], &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Unrepresentable);
        assert_eq!(error.to_string(), "the values are nested more than 1 deep");
    }
}
