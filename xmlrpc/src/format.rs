//! Settings and limits of the format.

use std::num::NonZeroUsize;

use farcall_core::{FormatError, FormatErrorKind};
use farcall_http::setters;

use crate::xml::Forbidden;

/// The XML-RPC format: its settings and limits.
///
/// The payload of a reply is the `<value>` of the result, as a range of the document that a server
/// sends. A raw method can also reply with a payload that is a whole document, such as the reply of
/// another server: only its `<value>` is sent on, since its prologue may name an encoding that it
/// no longer has, or one that callers cannot read.
///
/// ```
/// use farcall::protocol::{Format, Payload};
/// use farcall::xmlrpc::XmlRpc;
///
/// let format = XmlRpc::default();
/// let mut params = Vec::new();
/// format.encode_args(&(3, "five"), &mut params)?;
/// assert_eq!(
///     String::from_utf8_lossy(&params),
///     "<params><param><value><int>3</int></value></param>\
///      <param><value><string>five</string></value></param></params>"
/// );
/// let (a, b): (i64, String) = format.decode_args(&Payload::from(params))?;
/// assert_eq!((a, b.as_str()), (3, "five"));
/// # Ok::<(), farcall::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a format does nothing until it is given to a client or a server"]
pub struct XmlRpc {
    pub(crate) max_depth: u8,
    pub(crate) max_values: usize,
    pub(crate) nil: bool,
    pub(crate) i8: bool,
    pub(crate) full_dates: bool,
    /// Maximum bytes of a written message. Only a server sets it.
    pub(crate) max_written: Option<NonZeroUsize>,
    pub(crate) non_finite: bool,
    pub(crate) read_forbidden: Forbidden,
    pub(crate) write_forbidden: Forbidden,
}

impl Default for XmlRpc {
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_values: 1_000_000,
            nil: true,
            i8: true,
            full_dates: false,
            max_written: None,
            non_finite: false,
            read_forbidden: Forbidden::Refuse,
            write_forbidden: Forbidden::Refuse,
        }
    }
}

impl XmlRpc {
    /// Maximum nesting depth of values, on reading and on writing. Default: 64, more than real
    /// services use. At most 255, since types are read by recursion, which takes stack.
    pub const fn max_depth(self, max_depth: usize) -> Self {
        Self {
            max_depth: if max_depth < 255 {
                max_depth as u8
            } else {
                255
            },
            ..self
        }
    }

    setters! {
        /// Maximum number of values in a received message, nested values included. Default:
        /// 1,000,000. An empty value is a few bytes on the wire, and many more in memory.
        max_values: usize,

        /// Writes `None` and `()` as `<nil/>`. Default: on, because most peers support it.
        ///
        /// When off, a struct member that is `None` is left out, a result that is `()` becomes the
        /// boolean `true`, and any other nil is an error. Nil can always be read.
        nil: bool,

        /// Writes integers beyond 32 bits as `<i8>`. Default: on, because most peers support it.
        /// When off, such integers are an error. `<i8>` can always be read.
        ///
        /// Integers beyond 64 bits with a sign are an error in either case, on reading as on
        /// writing. They can be read as `<ex:biginteger>`, which one Java library sends, but are
        /// never written: a value of such a server that is passed on needs another type first,
        /// such as a string.
        i8: bool,

        /// Writes the fraction of a second and the UTC offset of dates that have them. Default:
        /// off, because the specification has neither and CPython, for one, cannot read them. When
        /// off, they are left out, and the date and time of day are written unconverted. Both can
        /// always be read.
        full_dates: bool,

        /// Writes infinite doubles and NaN as `inf`, `-inf` and `nan`, as CPython spells them.
        /// Default: off, because they are not in the specification and most peers cannot read them.
        /// When off, they are an error that names the value. They can always be read, in the
        /// spellings of all languages.
        non_finite: bool,

        /// Sets the handling of characters that XML forbids in received documents. Default:
        /// refused, with their position, because a text that lost characters is a different text. A
        /// replaced character takes up to three times the space.
        read_forbidden: Forbidden,

        /// Sets the handling of characters that XML forbids in written texts and member names.
        /// Default: refused, because no peer is obliged to read them and they do not survive a
        /// round trip. In method names they are always refused, because the result would name a
        /// different method.
        write_forbidden: Forbidden,
    }

    /// Maximum bytes of a reply.
    pub(crate) const fn max_reply(self, bytes: usize) -> Self {
        Self {
            // A limit of 1 stands for 0: not even an empty reply fits into either.
            max_written: NonZeroUsize::new(if bytes == 0 { 1 } else { bytes }),
            ..self
        }
    }

    /// Checks that a message of `length` bytes has room for `more` bytes.
    // Inlined, because it runs for every value.
    #[inline(always)]
    pub(crate) fn check_written(self, length: usize, more: usize) -> Result<(), FormatError> {
        match self.max_written {
            Some(max) if length.saturating_add(more) > max.get() => Err(too_long(max.get())),
            _ => Ok(()),
        }
    }

    /// Maximum nesting depth of elements: each nested value takes three or four, and the document
    /// around them a few.
    pub(crate) fn max_open(self) -> usize {
        4 * usize::from(self.max_depth) + 16
    }
}

#[cold]
fn too_long(max: usize) -> FormatError {
    let message = format!("the message is over the limit of {max} bytes");
    FormatError::new(FormatErrorKind::Limit, message)
}
