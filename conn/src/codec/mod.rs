//! Codecs: encoding of values as messages, and decoding.
//!
//! A [`Codec`] is a type parameter of a connection. Both sides must use the same one: a message
//! does not name its encoding.
//!
//! | codec | for |
//! |---|---|
//! | [`Bincode`] (default) | Rust programs among themselves: small, fast, identical types |
//! | [`Pickle`] | CPython's `Connection.send` and `recv` |
//! | [`Json`] | every language, readable by people |
//! | [`MessagePack`] | every language, smaller than JSON |
//! | [`Postcard`] | Rust programs on small devices |

pub(crate) mod bincode;
mod json;
pub(crate) mod limits;
pub(crate) mod message_pack;
pub mod pickle;
mod postcard;
#[cfg(test)]
mod tests;

use farcall_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use bincode::Bincode;
pub use json::Json;
pub use message_pack::MessagePack;
pub use pickle::Pickle;
pub use postcard::Postcard;

/// Encodes and decodes the values of a connection.
///
/// A codec is a small value that holds its settings and limits. Connections start with its
/// `Default`.
pub trait Codec: Clone + Default + Send + Sync + 'static {
    /// Name of the encoding, for error messages about a mismatch.
    const NAME: &'static str;

    /// Appends the encoded value to `out`. After an error, the bytes appended so far are invalid.
    ///
    /// # Errors
    /// If the value cannot be represented in this encoding.
    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError>;

    /// Decodes the value of a message. The value must take up the whole message.
    ///
    /// # Errors
    /// If the message is malformed, breaks a limit, or does not fit the type.
    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError>;
}

/// Appends to the caller's buffer, which cannot fail.
struct Appender<'a>(&'a mut Vec<u8>);

/// Returns an error if bytes are left after the value: a message holds one value and nothing else.
pub(crate) fn expect_end(left: usize) -> Result<(), FormatError> {
    if left == 0 {
        return Ok(());
    }
    let message =
        format!("{left} bytes are left over after the value: the types of the peers may differ");
    Err(FormatError::new(FormatErrorKind::Structure, message))
}
