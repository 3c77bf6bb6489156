//! The parts that only protocols and middleware need.
//!
//! A protocol implements [`Format`], carries [`Call`]s to a [`Registry`](crate::Registry), and
//! completes them with the [`CallReply`] that it returns. Middleware sees the same calls, as a
//! tower layer around a service of them.

pub use crate::args::{Arg, Args, FromArgs};
pub use crate::budget::{Account, Hold, NoRoom};
pub use crate::call::{Call, CallReply};
pub use crate::context::{CancelOnDrop, Origin};
pub use crate::credentials::InvalidCredentials;
pub use crate::describe::Catalog;
pub use crate::format::{Format, all_or_nothing, encoded_reply};
pub use crate::limit::{CallLimit, CallPermit};
pub use crate::name::Name;
pub use crate::payload::{Attachment, Payload, TextMessage};
pub use crate::registry::{Dispatch, Layers, Registrar};
pub use crate::trace::{TRACEPARENT, TRACESTATE};
// Its path is that of the module.
#[doc(hidden)]
pub use crate::transport::parse_port;
pub use crate::type_identity::TypeIdentity;
pub use crate::value::NEWTYPE as VALUE_NEWTYPE;
pub use crate::value::datetime::{NEWTYPE as DATETIME_NEWTYPE, TEXT as DATETIME_TEXT_NEWTYPE};

/// The references and streams that travel beside the bytes of a payload.
pub mod attachment {
    pub use crate::attachment::{
        Carrier, JsonItems, JsonStream, NAME, decode_with_attachments, deserialize,
        deserialize_stream, encode_with_attachments, serialize,
    };
}

/// The common part of blocking clients and servers.
pub mod blocking {
    pub use crate::blocking::{check_allowed, wait};
}

/// Connecting to a name with several addresses (RFC 8305).
pub mod happy_eyeballs {
    pub use crate::transport::happy_eyeballs::{DELAY, no_address, order};
}

/// The traits by which functions become methods, and the markers that tell their forms apart.
pub mod handler {
    pub use crate::handler::{
        Fallible, FromCall, Function, IntoReply, IntoResult, Later, Now, Plain,
        TheErrorMustConvertToFaultAndNotBeSerialize, WithContext, WithoutContext,
    };
}

/// Names and values of headers: [`Context::with_header`](crate::Context::with_header).
pub mod http {
    pub use http::header::{HeaderMap, HeaderName, HeaderValue};
}

/// Limits of all codecs, for decoders that have none of their own.
pub mod limits {
    pub use crate::limits::{CodecLimits, DecodeLimiter, Limited, PICKLE_VALUE, depth};
}

/// Observation of calls and refusals: figures, spans and logs.
pub mod observe {
    pub use crate::counts::{Refusal, is_draining, refused};
    pub use crate::observe::ClientSpan;
}

/// Foreign text in logs and on terminals.
pub mod output {
    pub use crate::output::{Admitted, Causes, Foreign, Quota, debug_error, is_harmless};
}

/// Timers that cost little while they do not expire.
pub mod time {
    pub use crate::time::{Countdown, LONGEST, LazySleep, deadline, within};
}
