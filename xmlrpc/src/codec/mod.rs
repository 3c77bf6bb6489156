//! XML-RPC as a format of `farcall_core`: arguments and results from and to documents.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use farcall_core::protocol::{Args, Format, FromArgs, Payload, all_or_nothing, encoded_reply};
use farcall_core::{FormatError, FormatErrorKind, Variadic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::de::{De, Params, Raw};
use crate::document::{REPLY_EPILOGUE, REPLY_PROLOGUE, reply_payload, reply_result};
use crate::format::XmlRpc;
use crate::ser::{self, Role};
use crate::xml::read::{Markup, Tag, plain};

/// A payload is a range of a document: the parameters of a call are what follows its
/// `</methodName>`, a reply is the `<value>` of its result. A payload that is its whole message is
/// `<params>` alone, or a whole reply.
///
/// The reply of a method that this format has encoded is sent as it is. Any other payload that a
/// method or layer returns, such as a part of its call, is copied into a new document.
impl Format for XmlRpc {
    const NAME: &'static str = "XML-RPC";
    const SYSTEM: &'static str = "xmlrpc";

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
        let alone = params.is_whole();
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
            ser::write(value, self, Role::Result, out)?;
            out.extend_from_slice(REPLY_EPILOGUE.as_bytes());
            self.check_written(out.len(), 0)
        })
    }

    /// Returns the `<value>` of the result, as a range of a whole `methodResponse` document.
    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        encoded_reply(|out| self.encode_reply(value, out)).map(reply_payload)
    }

    /// Reads the `<value>` that is a range of its document, or a whole `methodResponse` document.
    /// `()` accepts any result, because servers without nil return arbitrary values. A document
    /// without a result (`<params/>`, a `<param/>` without a value, or no `<params>`) is nil.
    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        let mut de = De::of_response(reply, *self);
        if !reply.is_whole() {
            return de.only_value();
        }
        de.reader
            .expect_start(&plain::METHOD_RESPONSE, "<methodResponse>")?;
        let token = de.reader.tag_or(&plain::PARAMS)?;
        match token.markup {
            Markup::Start(Tag::Params) | Markup::End(_) => reply_result(&mut de),
            _ => Err(de.reader.unexpected(token, "<params>")),
        }
    }
}

impl XmlRpc {
    /// Reads a payload that is one `<value>` element.
    ///
    /// # Errors
    /// If the payload is malformed, exceeds a limit, or does not match the type.
    pub(crate) fn decode_value<T: DeserializeOwned>(
        &self,
        value: &Payload,
    ) -> Result<T, FormatError> {
        De::new(value, *self).only_value()
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
        all_or_nothing(out, |out| ser::write(value, self, Role::Inner, out))
    }

    /// Returns the document that a server sends for a reply: its message if that was written as a
    /// reply, or a new document around the value of another message, such as a request or the reply
    /// of another server.
    ///
    /// # Errors
    /// If a foreign document is malformed, or is a fault.
    pub(crate) fn reply_document(self, reply: Payload) -> Result<Bytes, FormatError> {
        if reply.is_of_reply() {
            return Ok(reply.into_message());
        }
        let value = self.located_reply(reply)?;
        let (prologue, epilogue) = (REPLY_PROLOGUE.as_bytes(), REPLY_EPILOGUE.as_bytes());
        Ok([prologue, value.as_slice(), epilogue].concat().into())
    }

    /// Returns a reply whose range is the `<value>` of its result, which is looked up in a foreign
    /// document.
    ///
    /// # Errors
    /// If a foreign document is malformed, or is a fault.
    pub(crate) fn located_reply(self, reply: Payload) -> Result<Payload, FormatError> {
        if !reply.is_whole() {
            return Ok(reply);
        }
        let Raw { range } = self.decode_reply(&reply)?;
        Ok(match (range.is_empty(), self.nil) {
            (false, _) => reply.with_range(range),
            // The document has no result, so the result of `()` is sent instead.
            (true, true) => Payload::copied(b"<value><nil/></value>"),
            (true, false) => Payload::copied(b"<value><boolean>1</boolean></value>"),
        })
    }

    /// Returns `<params>` with the arguments of a call, which are a part of another message: of a
    /// call that is relayed, or of a multicall.
    ///
    /// # Errors
    /// If the message is malformed, or exceeds a limit.
    pub(crate) fn params_of(&self, args: &Payload) -> Result<Vec<u8>, FormatError> {
        let Variadic(values) = self.decode_args::<Variadic<Raw>>(args)?;
        let mut params = b"<params>".to_vec();
        for Raw { range } in values {
            params.extend_from_slice(b"<param>");
            params.extend_from_slice(&args.message()[range]);
            params.extend_from_slice(b"</param>");
        }
        params.extend_from_slice(b"</params>");
        Ok(params)
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
            ser::write(&AsValue(args), self, role, out)?;
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
