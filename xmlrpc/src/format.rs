//! XML-RPC as a format of `rpc-core`.

use std::marker::PhantomData;
use std::num::NonZeroUsize;

use rpc_core::{Args, Format, FormatError, FormatErrorKind, FromArgs, Payload, all_or_nothing};
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
/// use rpc_core::{Format, Payload};
/// use xmlrpc::XmlRpc;
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
/// # Ok::<(), rpc_core::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct XmlRpc {
    pub(crate) max_depth: u8,
    pub(crate) max_values: usize,
    pub(crate) nil: bool,
    pub(crate) i8: bool,
    pub(crate) full_dates: bool,
    /// The most bytes that a message written can have, where a server says so.
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
    /// How deep values can be nested in each other, on reading and on writing. 64 by default: more
    /// than real services use. Types are read by recursion, so that no setting goes beyond 255.
    #[must_use]
    pub const fn max_depth(self, max_depth: u8) -> Self {
        Self { max_depth, ..self }
    }

    /// How many values a message that is read can have, those within others included. 1,000,000
    /// by default: an empty value is a few bytes on the wire, and many more in memory.
    #[must_use]
    pub const fn max_values(self, max_values: usize) -> Self {
        Self { max_values, ..self }
    }

    /// Whether `None` and `()` are written as `<nil/>`. On by default, since most peers know it.
    ///
    /// Without it, a member of a struct that is `None` is left out, a result that is `()` becomes
    /// a true boolean, and everything else that would be nil is an error. Nil is always read.
    #[must_use]
    pub const fn nil(self, nil: bool) -> Self {
        Self { nil, ..self }
    }

    /// Whether integers beyond 32 bits are written, as `<i8>`. On by default, since most peers
    /// know it; without it they are an error. `<i8>` is always read.
    #[must_use]
    pub const fn i8(self, i8: bool) -> Self {
        Self { i8, ..self }
    }

    /// Whether a date and time is written with its fraction of a second and its offset from UTC,
    /// where it has them. Off by default: the specification has neither, and CPython for one
    /// cannot read them; the date and the time of day are then written as they stand, and the rest
    /// is left out. Both are always read.
    #[must_use]
    pub const fn full_dates(self, full_dates: bool) -> Self {
        Self { full_dates, ..self }
    }

    /// How many bytes a reply can have.
    pub(crate) const fn max_reply(self, bytes: usize) -> Self {
        Self {
            // Not even an empty reply fits into none, nor into one.
            max_written: NonZeroUsize::new(if bytes == 0 { 1 } else { bytes }),
            ..self
        }
    }

    /// Checks that there is room for more bytes behind `length` others.
    // Inlined, since it is asked for every value.
    #[inline(always)]
    pub(crate) fn check_written(self, length: usize, more: usize) -> Result<(), FormatError> {
        match self.max_written {
            Some(max) if length.saturating_add(more) > max.get() => Err(too_long(max.get())),
            _ => Ok(()),
        }
    }

    /// Whether doubles that are infinite or no number are written, as `inf`, `-inf` and `nan`, which is how CPython
    /// spells them. Off by default: the specification has none of them and most peers read none, so that they are an
    /// error, which says in which value. They are always read, in the spellings of all languages.
    #[must_use]
    pub const fn non_finite(self, non_finite: bool) -> Self {
        Self { non_finite, ..self }
    }

    /// What becomes of characters that XML does not allow in what is read. They are refused by default, with their
    /// position, since a text that lost characters is another text. A character that is replaced takes up to three
    /// times the room.
    #[must_use]
    pub const fn read_forbidden(self, read_forbidden: Forbidden) -> Self {
        Self {
            read_forbidden,
            ..self
        }
    }

    /// What becomes of characters that XML does not allow in texts and names of members that are written. They are
    /// refused by default, as no peer is bound to read them and they do not come back as they were. In the name of a
    /// method they are always refused: it would be that of another one.
    #[must_use]
    pub const fn write_forbidden(self, write_forbidden: Forbidden) -> Self {
        Self {
            write_forbidden,
            ..self
        }
    }

    /// How deep elements can be nested: each value within another takes three or four, and the
    /// document around them a few.
    pub(crate) fn max_open(self) -> usize {
        4 * usize::from(self.max_depth) + 16
    }

    /// Reads a payload that is one `<value>` element.
    ///
    /// # Errors
    /// If it is malformed, breaks a limit, or does not fit the type.
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
    /// If the value cannot be represented. Nothing is appended then.
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
    /// If an argument cannot be represented. Nothing is appended then.
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

    /// Reads what follows `</methodName>` in a call, to the end of the document; or `<params>`
    /// alone; or an array that holds the parameters, which is how calls come within a multicall.
    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        let mut de = De::new(params, *self);
        // Parameters that stand alone have no call around them that could be cut short.
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

    /// Reads a whole `methodResponse` document. As `()`, any result will do: servers without nil
    /// answer with whatever they have at hand. A reply without a result (`<params/>`, a `<param/>` without a value, or
    /// no `<params>`) is nil.
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
