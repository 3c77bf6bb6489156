//! How arguments and results become bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::{Args, FromArgs};
use crate::error::FormatError;
use crate::payload::Payload;

/// Room in bytes for arguments or a result: most fit, and take no larger memory in between.
const INITIAL_CAPACITY: usize = 256;

/// A wire format: XML-RPC's XML, bincode, JSON.
///
/// A `Format` is a small value that holds the settings and limits of its side; it travels with
/// each [`Call`](crate::Call). It goes straight from bytes to the handler's types and back: there
/// is no tree in between.
///
/// A format that lets references to objects travel beside the bytes writes `params` and `reply` itself;
/// for all others they are what the encoders give.
pub trait Format: Clone + Send + Sync + 'static {
    /// The name of the format, for messages about a mismatch.
    const NAME: &'static str;

    /// Appends the encoded arguments of a call.
    ///
    /// # Errors
    /// If an argument cannot be represented in this format.
    fn encode_args<A: Args + ?Sized>(&self, args: &A, out: &mut Vec<u8>)
    -> Result<(), FormatError>;

    /// The encoded arguments of a call, along with what travels beside the bytes.
    ///
    /// # Errors
    /// If an argument cannot be represented in this format.
    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        let mut out = Vec::with_capacity(INITIAL_CAPACITY);
        self.encode_args(args, &mut out)?;
        Ok(out.into())
    }

    /// The encoded result of a call, along with what travels beside the bytes.
    ///
    /// # Errors
    /// If the result cannot be represented in this format.
    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        let mut out = Vec::with_capacity(INITIAL_CAPACITY);
        self.encode_reply(value, &mut out)?;
        Ok(out.into())
    }

    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// If the parameters are malformed, break a limit, or do not fit the types.
    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError>;

    /// Appends the encoded result of a call.
    ///
    /// # Errors
    /// If the result cannot be represented in this format.
    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError>;

    /// Reads the result of a call.
    ///
    /// # Errors
    /// If the reply is malformed, breaks a limit, or does not fit the type.
    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError>;
}

/// Has `write` append to a buffer, all or nothing: after an error or a panic, the buffer is as it was before.
///
/// Encoding runs code of the program, the `Serialize` of its types. Where the buffer outlives that, half a
/// value in it would be completed by whatever is appended next.
///
/// # Errors
/// That of `write`.
///
/// # Examples
///
/// ```
/// let mut out = b"whole".to_vec();
/// let failed = rpc_core::all_or_nothing(&mut out, |out| {
///     out.extend_from_slice(b", and half a val");
///     Err::<(), _>("the rest cannot be written")
/// });
/// assert!(failed.is_err());
/// assert_eq!(out, b"whole");
/// ```
pub fn all_or_nothing<T, E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
) -> Result<T, E> {
    let mut guard = AppendGuard {
        begin: out.len(),
        out,
    };
    let written = write(guard.out)?;
    guard.begin = guard.out.len();
    Ok(written)
}

/// Takes back what was appended, unless it is complete.
struct AppendGuard<'a> {
    out: &'a mut Vec<u8>,
    /// Up to where the buffer stays as it is.
    begin: usize,
}

impl Drop for AppendGuard<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.begin);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_panic_leaves_nothing_appended() {
        let mut out = b"whole".to_vec();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            all_or_nothing(&mut out, |out| -> Result<(), ()> {
                out.extend_from_slice(b"half");
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(out, b"whole");
        let written = all_or_nothing(&mut out, |out| {
            out.extend_from_slice(b" again");
            Ok::<_, ()>(out.len())
        });
        assert_eq!((written, &out[..]), (Ok(11), &b"whole again"[..]));
    }
}
