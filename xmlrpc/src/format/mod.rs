//! XML-RPC as a format of `farcall_core`.

use std::marker::PhantomData;
use std::num::NonZeroUsize;

use farcall_core::protocol::{Args, Format, FromArgs, Payload, all_or_nothing};
use farcall_core::{FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::de::{De, Params};
use crate::document::{REPLY_EPILOGUE, REPLY_PROLOGUE, reply_result};
use crate::ser::{self, Role};
use crate::xml::Forbidden;
use crate::xml::read::{Markup, Tag, plain};

/// The XML-RPC format: its settings and limits.
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
#[derive(Clone, Copy, Debug)]
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

    /// Maximum number of values in a received message, nested values included. Default:
    /// 1,000,000. An empty value is a few bytes on the wire, and many more in memory.
    pub const fn max_values(self, max_values: usize) -> Self {
        Self { max_values, ..self }
    }

    /// Writes `None` and `()` as `<nil/>`. Default: on, because most peers support it.
    ///
    /// When off, a struct member that is `None` is left out, a result that is `()` becomes the
    /// boolean `true`, and any other nil is an error. Nil can always be read.
    pub const fn nil(self, nil: bool) -> Self {
        Self { nil, ..self }
    }

    /// Writes integers beyond 32 bits as `<i8>`. Default: on, because most peers support it. When
    /// off, such integers are an error. `<i8>` can always be read.
    pub const fn i8(self, i8: bool) -> Self {
        Self { i8, ..self }
    }

    /// Writes the fraction of a second and the UTC offset of dates that have them. Default: off,
    /// because the specification has neither and CPython, for one, cannot read them. When off,
    /// they are left out, and the date and time of day are written unconverted. Both can always
    /// be read.
    pub const fn full_dates(self, full_dates: bool) -> Self {
        Self { full_dates, ..self }
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

    /// Writes infinite doubles and NaN as `inf`, `-inf` and `nan`, as CPython spells them. Default:
    /// off, because they are not in the specification and most peers cannot read them. When off,
    /// they are an error that names the value. They can always be read, in the spellings of all
    /// languages.
    pub const fn non_finite(self, non_finite: bool) -> Self {
        Self { non_finite, ..self }
    }

    /// Sets the handling of characters that XML forbids in received documents. Default: refused,
    /// with their position, because a text that lost characters is a different text. A replaced
    /// character takes up to three times the space.
    pub const fn read_forbidden(self, read_forbidden: Forbidden) -> Self {
        Self {
            read_forbidden,
            ..self
        }
    }

    /// Sets the handling of characters that XML forbids in written texts and member names. Default:
    /// refused, because no peer is obliged to read them and they do not survive a round trip. In
    /// method names they are always refused, because the result would name a different method.
    pub const fn write_forbidden(self, write_forbidden: Forbidden) -> Self {
        Self {
            write_forbidden,
            ..self
        }
    }

    /// Maximum nesting depth of elements: each nested value takes three or four, and the document
    /// around them a few.
    pub(crate) fn max_open(self) -> usize {
        4 * usize::from(self.max_depth) + 16
    }

    /// Reads a payload that is one `<value>` element.
    ///
    /// # Errors
    /// If the payload is malformed, exceeds a limit, or does not match the type.
    pub(crate) fn decode_value<T: DeserializeOwned>(
        &self,
        value: &Payload,
    ) -> Result<T, FormatError> {
        let mut de = De::new(value, *self);
        let start = de.reader.expect_start(&plain::VALUE, "<value>")?;
        let value = de.value(start, PhantomData)?;
        de.eof()?;
        Ok(value)
    }

    /// Appends one `<value>` element.
    ///
    /// # Errors
    /// If the value cannot be represented. In this case nothing is appended.
    #[cfg(test)]
    pub(crate) fn write_value<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        all_or_nothing(out, |out| ser::write(value, *self, Role::Inner, out))
    }

    /// Appends the arguments of a call as one `<value>` with an array.
    ///
    /// # Errors
    /// If an argument cannot be represented. In this case nothing is appended.
    pub(crate) fn write_args_array<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.write_args(args, Role::ParamsArray, b"<value><array>", out)
    }

    fn write_args<A: Args + ?Sized>(
        &self,
        args: &A,
        role: Role,
        opening: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        struct AsValue<'a, A: ?Sized>(&'a A);

        impl<A: Args + ?Sized> Serialize for AsValue<'_, A> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize_args(serializer)
            }
        }

        all_or_nothing(out, |out| {
            let start = out.len();
            ser::write(&AsValue(args), *self, role, out)?;
            if out[start..].starts_with(opening) {
                return Ok(());
            }
            Err(FormatError::new(
                FormatErrorKind::Unrepresentable,
                "the arguments are not a tuple or a list",
            ))
        })
    }
}

#[cold]
fn too_long(max: usize) -> FormatError {
    let message = format!("the message is over the limit of {max} bytes");
    FormatError::new(FormatErrorKind::Limit, message)
}

impl Format for XmlRpc {
    const NAME: &'static str = "XML-RPC";

    /// Appends `<params>…</params>`.
    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.write_args(args, Role::Params, b"<params>", out)
    }

    /// Reads the rest of a call document after `</methodName>`; or `<params>` alone; or an array of
    /// the parameters, as calls in a multicall have it.
    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        let mut de = De::new(params, *self);
        // A payload that is the whole message has no call around it, and no `</methodCall>`.
        let alone = params.range().start == 0;
        let token = de.reader.tag_or(&plain::PARAMS)?;
        let args = match token.markup {
            Markup::Start(Tag::Params) => {
                let args = A::deserialize_args(Params::open(&mut de))?;
                if alone || !de.reader.close_plain(&plain::METHOD_CALL) {
                    let token = de.reader.tag()?;
                    match token.markup {
                        Markup::Eof if alone => return Ok(args),
                        Markup::End(Tag::MethodCall) if !alone => {}
                        _ => return Err(de.reader.unexpected(token, "</methodCall>")),
                    }
                }
                args
            }
            Markup::End(Tag::MethodCall) if !alone => A::deserialize_args(Params::none(&mut de))?,
            Markup::Eof if alone => return A::deserialize_args(Params::none(&mut de)),
            Markup::Start(Tag::Array) => A::deserialize_args(Params::of_array(&mut de)?)?,
            Markup::Start(Tag::Value) => {
                de.reader.expect_start(&plain::ARRAY, "<array>")?;
                let args = A::deserialize_args(Params::of_array(&mut de)?)?;
                de.end("</value>")?;
                args
            }
            _ => return Err(de.reader.unexpected(token, "<params> or </methodCall>")),
        };
        de.eof()?;
        Ok(args)
    }

    /// Appends a whole `methodResponse` document.
    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        all_or_nothing(out, |out| {
            out.extend_from_slice(REPLY_PROLOGUE.as_bytes());
            ser::write(value, *self, Role::Result, out)?;
            out.extend_from_slice(REPLY_EPILOGUE.as_bytes());
            self.check_written(out.len(), 0)
        })
    }

    /// Reads a whole `methodResponse` document. `()` accepts any result, because servers without
    /// nil return arbitrary values. A reply without a result (`<params/>`, a `<param/>` without a
    /// value, or no `<params>`) is nil.
    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        let mut de = De::of_response(reply, *self);
        de.reader
            .expect_start(&plain::METHOD_RESPONSE, "<methodResponse>")?;
        let token = de.reader.tag_or(&plain::PARAMS)?;
        match token.markup {
            Markup::Start(Tag::Params) | Markup::End(_) => reply_result(&mut de),
            _ => Err(de.reader.unexpected(token, "<params>")),
        }
    }
}

#[cfg(test)]
mod tests;
