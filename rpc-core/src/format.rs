//! Wire formats: the encoding of arguments and results.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::{Args, FromArgs};
use crate::budget::Budget;
use crate::error::FormatError;
use crate::payload::Payload;

/// Initial capacity of the buffer for arguments or a result, in bytes. Most fit into it, so that
/// the buffer does not grow.
const INITIAL_CAPACITY: usize = 256;

/// A wire format, such as the XML of XML-RPC, bincode or JSON.
///
/// A `Format` is a small value that holds the settings and limits of the local side. Each
/// [`Call`](crate::protocol::Call) carries one. It converts directly between bytes and the types of
/// the handler, without an intermediate tree of values.
///
/// A result has two forms, which a [`Payload`] keeps together: its message is what a server sends,
/// and its range in the message is the result alone, which a batch copies into its own reply. A
/// format whose results stand alone has one form, and the range is the whole message. A
/// [raw method](crate::Method::raw) replies with such a payload too: that of `reply`, or what the
/// documentation of the format permits beside it.
///
/// The default implementations of `params` and `reply` return the output of `encode_args` and
/// `encode_reply`. A format with [attachments](crate::protocol::Payload::attachments), or with
/// something around a result, implements them itself.
pub trait Format: Clone + Send + Sync + 'static {
    /// The name of the format, for messages about a mismatch.
    const NAME: &'static str;

    /// The protocol of the calls, as figures and spans name it (`rpc.system.name`). Default:
    /// `farcall`.
    const SYSTEM: &'static str = "farcall";

    /// Appends the encoded arguments of a call.
    ///
    /// # Errors
    /// If an argument cannot be represented in this format.
    fn encode_args<A: Args + ?Sized>(&self, args: &A, out: &mut Vec<u8>)
    -> Result<(), FormatError>;

    /// Encodes the arguments of a call, including their attachments.
    ///
    /// # Errors
    /// If an argument cannot be represented in this format.
    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        let mut out = Vec::with_capacity(INITIAL_CAPACITY);
        self.encode_args(args, &mut out)?;
        Ok(out.into())
    }

    /// Encodes the result of a call, including its attachments, as a range of the message that a
    /// server sends ([`Payload::of_reply`] if there is more in it than the result).
    ///
    /// # Errors
    /// If the result cannot be represented in this format.
    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        encoded_reply(|out| self.encode_reply(value, out)).map(Payload::from)
    }

    /// Decodes the arguments of a call.
    ///
    /// # Errors
    /// If the parameters are malformed, exceed a limit, or do not match the types.
    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError>;

    /// Appends the encoded result of a call, as the whole message that a server sends.
    ///
    /// # Errors
    /// If the result cannot be represented in this format.
    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError>;

    /// Decodes the result of a call, from a payload of [`reply`](Self::reply) or from a whole
    /// message.
    ///
    /// # Errors
    /// If the reply is malformed, exceeds a limit, or does not match the type.
    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError>;
}

/// Returns the message of a reply that `encode` appends to a new buffer.
///
/// # Errors
/// The error of `encode`.
pub fn encoded_reply(
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::with_capacity(INITIAL_CAPACITY);
    encode(&mut out)?;
    // A large reply may stay in memory until a slow peer has read it, and the budget counts its
    // length, not its capacity.
    if out.capacity() - out.len() > Budget::FREE {
        out.shrink_to_fit();
    }
    Ok(out)
}

/// Lets `write` append to a buffer, all or nothing: after an error or a panic, the buffer is as it
/// was before.
///
/// Encoding runs code of the program: the `Serialize` implementations of its types. If the buffer
/// outlived a failure with half a value in it, whatever is appended next would complete that value.
///
/// # Errors
/// The error of `write`.
///
/// # Examples
///
/// ```
/// let mut out = b"whole".to_vec();
/// let failed = farcall::protocol::all_or_nothing(&mut out, |out| {
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
        len: out.len(),
        out,
    };
    let written = write(guard.out)?;
    guard.len = guard.out.len();
    Ok(written)
}

/// Truncates the buffer on drop, unless the append succeeded.
struct AppendGuard<'a> {
    out: &'a mut Vec<u8>,
    /// The length to truncate the buffer to.
    len: usize,
}

impl Drop for AppendGuard<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.len);
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
