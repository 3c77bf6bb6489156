//! Codecs: encoding of values as messages, and decoding.

#[cfg(feature = "bincode")]
pub(crate) mod bincode;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "msgpack")]
pub(crate) mod message_pack;
#[cfg(feature = "pickle")]
mod pickle;
#[cfg(feature = "postcard")]
mod postcard;
#[cfg(test)]
mod tests;

use farcall_core::FormatError;
#[cfg(feature = "json")]
pub use farcall_core::Json;
#[cfg(any(feature = "bincode", feature = "msgpack"))]
pub(crate) use farcall_core::protocol::limits;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "bincode")]
pub use bincode::Bincode;
#[cfg(feature = "msgpack")]
pub use message_pack::MessagePack;
#[cfg(feature = "managers")]
pub(crate) use pickle::format_error as pickle_error;
#[cfg(feature = "postcard")]
pub use postcard::Postcard;

/// The name of the default codec. It is a codec only with the feature `bincode`.
// The compiler shows the line of the struct, and its comment, where a method needs the codec.
#[cfg(not(feature = "bincode"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bincode(()); // a codec only with the feature `bincode` of the crate `farcall`

/// [`Codec::NAME`] of pickles, whose peers may be CPython and then confirm descriptors.
pub(crate) const PICKLE: &str = "pickle";

/// Encodes and decodes the values of a connection.
///
/// It is a type parameter of a connection. Both sides must use the same one: a message does not
/// name its encoding.
///
/// | codec | feature | for |
/// |---|---|---|
/// | [`Bincode`] (default) | `bincode` | Rust programs among themselves: small, fast, identical types |
/// | [`farcall::pickle::Pickle`](farcall_pickle::Pickle) | `pickle` | CPython's `Connection.send` and `recv` |
/// | [`Json`] | `json` | every language, readable by people |
/// | [`MessagePack`] | `msgpack` | every language, smaller than JSON |
/// | [`Postcard`] | `postcard` | Rust programs on small devices |
///
/// A codec is a small value that holds its settings and limits. Connections start with its
/// `Default`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec of connections",
    note = "the codecs of Farcall need features of the crate `farcall`: `Bincode`, the default, \
            needs `bincode`; `Pickle` needs `conn` and `pickle`"
)]
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

/// Implements `Debug` for a connection, or a half of one, with its codec and these fields.
macro_rules! debug_with_codec {
    ($name:ident<$($type:ident),*> $(, $field:ident: $first:ident $(.$inner:ident)?)*) => {
        impl<$($type,)* C: Codec> fmt::Debug for $name<$($type,)* C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$first$(.$inner)?))*
                    .field("codec", &C::NAME)
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use debug_with_codec;

/// Appends to the caller's buffer, which cannot fail.
#[cfg(any(feature = "bincode", feature = "postcard"))]
struct Appender<'a>(&'a mut Vec<u8>);

/// Returns an error if bytes are left after the value: a message holds one value and nothing else.
#[cfg(any(feature = "bincode", feature = "msgpack", feature = "postcard"))]
#[inline(always)]
pub(crate) fn expect_end(left: usize) -> Result<(), FormatError> {
    if left == 0 {
        return Ok(());
    }
    Err(left_over(left))
}

#[cfg(any(feature = "bincode", feature = "msgpack", feature = "postcard"))]
#[cold]
fn left_over(left: usize) -> FormatError {
    let message =
        format!("{left} bytes are left over after the value: the types of the peers may differ");
    let kind = farcall_core::FormatErrorKind::Structure;
    FormatError::new(kind, message)
}
