//! How arguments and results become bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::{Args, FromArgs};
use crate::error::FormatError;
use crate::payload::Payload;

/// Room in bytes for arguments or a result: most fit, and take no larger memory in between.
const SMALL: usize = 256;

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
        let mut out = Vec::with_capacity(SMALL);
        self.encode_args(args, &mut out)?;
        Ok(out.into())
    }

    /// The encoded result of a call, along with what travels beside the bytes.
    ///
    /// # Errors
    /// If the result cannot be represented in this format.
    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        let mut out = Vec::with_capacity(SMALL);
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
