//! Errors of services and their names.

use farcall_core::protocol::output::Foreign;

use super::connection::SendError;
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
