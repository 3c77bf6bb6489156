//! The place of TLS in builds without it.

use std::future::Ready;

use crate::auth::{AuthError, Role};
use crate::connection::SplitStream;

/// Settings of TLS, which this build does not have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TlsSettings {}

/// TLS, which this build does not have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tls {}

pub(crate) type Securing = Ready<Result<SplitStream, AuthError>>;

impl TlsSettings {
    pub(crate) const fn is_by_authkey(&self) -> bool {
        match *self {}
    }

    pub(crate) const fn build(self, _: Role) -> Result<Tls, AuthError> {
        match self {}
    }
}

impl Tls {
    #[cfg(feature = "rpc")]
    pub(crate) const fn scheme(&self) -> &'static str {
        match *self {}
    }

    pub(crate) fn secure(&self, _: SplitStream, _: Option<&str>) -> Securing {
        match *self {}
    }
}
