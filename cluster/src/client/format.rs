//! The format of calls to hosts of any protocol.

use farcall_conn::rpc::Encoding;
use farcall_core::protocol::{Args, Call, Format, FromArgs, Payload};
use farcall_core::{CallError, Context, FormatError, FormatErrorKind, Json};
use farcall_xmlrpc::XmlRpc;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "managers")]
use super::manager::ManagerFormat;
#[cfg(feature = "nats")]
use crate::nats::ContentType;

/// The format of a [`Client`](super::Client): that of its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnyFormat {
    /// The documents of XML-RPC.
    XmlRpc(XmlRpc),
    /// An encoding of calls over connections.
    Rpc(Encoding),
    /// JSON, of JSON-RPC.
    Json(Json),
    /// A format of calls over NATS.
    #[cfg(feature = "nats")]
    #[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
    Nats(ContentType),
    /// Pickles, of Python's managers.
    #[cfg(feature = "managers")]
    #[cfg_attr(docsrs, doc(cfg(feature = "managers")))]
    Manager(ManagerFormat),
}

/// Passes a method on to the format of the protocol.
macro_rules! delegate {
    ($format:ident, $inner:ident => $call:expr) => {
        match $format {
            AnyFormat::XmlRpc($inner) => $call,
            AnyFormat::Rpc($inner) => $call,
            AnyFormat::Json($inner) => $call,
            #[cfg(feature = "nats")]
            AnyFormat::Nats($inner) => $call,
            #[cfg(feature = "managers")]
            AnyFormat::Manager($inner) => $call,
        }
    };
}

impl AnyFormat {
    /// Returns the call of a method, with its arguments encoded.
    ///
    /// # Errors
    /// If an argument cannot be represented in this format.
    pub(crate) fn call(self, context: Context, args: &impl Args) -> Result<Call<Self>, CallError> {
        Ok(Call {
            params: self.params(args).map_err(CallError::Encode)?,
            format: self,
            context,
        })
    }
}

impl Format for AnyFormat {
    const NAME: &'static str = "any protocol";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        delegate!(self, format => format.encode_args(args, out))
    }

    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        delegate!(self, format => format.params(args))
    }

    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        delegate!(self, format => format.reply(value))
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        delegate!(self, format => format.decode_args(params))
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        delegate!(self, format => format.encode_reply(value, out))
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        delegate!(self, format => format.decode_reply(reply))
    }
}

/// A format that is one of [`AnyFormat`], so that a caller with it can be a
/// [`Client`](super::Client).
pub trait ClientFormat: Format + Into<AnyFormat> {
    /// Returns the format, if `any` is of this type.
    fn of(any: AnyFormat) -> Option<Self>;
}

impl ClientFormat for AnyFormat {
    fn of(any: AnyFormat) -> Option<Self> {
        Some(any)
    }
}

macro_rules! formats {
    ($($variant:ident: $format:ty;)*) => {$(
        impl From<$format> for AnyFormat {
            fn from(format: $format) -> Self {
                Self::$variant(format)
            }
        }

        impl ClientFormat for $format {
            fn of(any: AnyFormat) -> Option<Self> {
                match any {
                    AnyFormat::$variant(format) => Some(format),
                    _ => None,
                }
            }
        }
    )*};
}

formats! {
    XmlRpc: XmlRpc;
    Rpc: Encoding;
    Json: Json;
}

#[cfg(feature = "nats")]
formats! {
    Nats: ContentType;
}

#[cfg(feature = "managers")]
formats! {
    Manager: ManagerFormat;
}

/// Returns the error of a call in the format of another protocol.
pub(super) fn mismatch(expected: AnyFormat) -> FormatError {
    let name = match expected {
        AnyFormat::XmlRpc(_) => XmlRpc::NAME,
        AnyFormat::Rpc(_) => Encoding::NAME,
        AnyFormat::Json(_) => Json::NAME,
        #[cfg(feature = "nats")]
        AnyFormat::Nats(_) => ContentType::NAME,
        #[cfg(feature = "managers")]
        AnyFormat::Manager(_) => ManagerFormat::NAME,
    };
    let message = format!("the call is encoded for another protocol than {name}");
    FormatError::new(FormatErrorKind::Unrepresentable, message)
}
