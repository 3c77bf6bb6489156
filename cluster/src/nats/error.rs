//! Errors of services and their names.

use farcall_core::protocol::output::Foreign;

use super::subject;

/// Not a name of a service or an id of an instance.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a name of a service or an instance: it has 1 to 128 ASCII letters, digits, `-` and \
     `_`",
    Foreign::excerpt(.0)
)]
pub struct InvalidName(pub(super) String);

farcall_core::debug_errors!(InvalidName);

/// Checks the name of a service, or the id of an instance.
pub(super) fn check_name(name: &str) -> Result<(), InvalidName> {
    if subject::is_name(name) {
        Ok(())
    } else {
        Err(InvalidName(name.to_owned()))
    }
}

/// The connection to a NATS server cannot be opened. The text contains no URL, which may have a
/// password.
#[derive(thiserror::Error)]
#[error("cannot connect to NATS")]
pub struct ConnectionError(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);

farcall_core::debug_errors!(ConnectionError);

/// A message was not sent.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no connection to a NATS server at the moment.
    #[error("there is no connection to a NATS server")]
    NotConnected,
    /// The message is longer than the server accepts.
    #[error(
        "the message has {len} bytes with its headers, and the NATS server takes at most {max}: \
         send much data as a stream over a session, or raise `max_payload` of the server"
    )]
    TooLarge {
        /// Length of the message with its headers, in bytes.
        len: usize,
        /// The limit of the server, in bytes.
        max: usize,
    },
    /// The subject of the message, or that of its answer, is longer than servers accept: the name
    /// of a method, for instance.
    #[error("the subjects of the message have {len} bytes, and NATS servers take at most {max}")]
    LongSubject {
        /// Length of both subjects, in bytes.
        len: usize,
        /// Their maximum length, in bytes.
        max: usize,
    },
    /// The message could not be passed on.
    #[error("the connection to NATS was closed")]
    Closed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

farcall_core::debug_errors!(SendError);

/// A service cannot be offered.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The name of the service, or the id of the instance, is not one.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The version is not a semantic version, which ADR-32 demands.
    #[error("the version of a service has the form 1.2.3")]
    Version,
    /// The connection to NATS is closed, or does not permit the subscription.
    #[error("cannot subscribe to the subjects of the service")]
    Subscribe(#[source] Box<dyn std::error::Error + Send + Sync>),
}

farcall_core::debug_errors!(BindError);

impl From<async_nats::SubscribeError> for BindError {
    fn from(error: async_nats::SubscribeError) -> Self {
        Self::Subscribe(error.into())
    }
}

impl From<SendError> for BindError {
    fn from(error: SendError) -> Self {
        Self::Subscribe(error.into())
    }
}
