//! Authorization of requests by their heads.

use std::sync::Arc;

use bytes::Bytes;
use farcall_core::Identity;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::upgrade::{Switch, Upgrade};

/// A decision about each request, before its body is read: see
/// [`ServerOptions::authorize`](super::ServerOptions::authorize).
///
/// Implemented for functions and closures whose argument types are written out, for the
/// authentication and the rate limit of `farcall::middleware`, and for pairs: both must permit a
/// request, and the first is asked first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not authorize requests",
    label = "use a closure `|head: &mut Parts, caller: &mut Identity| -> Result<(), Rejection>`",
    note = "the types of the arguments must be written out"
)]
pub trait Authorize: Send + Sync + 'static {
    /// Permits or refuses a request of `caller`. Handlers see what it adds to the identity of the
    /// caller, such as a [subject](Identity::set_subject), and the extensions that it inserts into
    /// the head.
    ///
    /// # Errors
    /// The response to a request that is refused, which is sent unchanged.
    fn authorize(&self, head: &mut Parts, caller: &mut Identity) -> Result<(), Rejection>;
}

/// The HTTP response to a request that is refused.
#[derive(Debug)]
pub struct Rejection(pub(crate) Box<Response<Bytes>>);

impl Rejection {
    /// Creates a rejection with a text that states the reason.
    #[must_use]
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let mut response = Response::new(Bytes::from(text.into() + "\n"));
        *response.status_mut() = status;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        Self(Box::new(response))
    }

    /// Adds a header, such as `WWW-Authenticate`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// Creates the response after which a connection leaves HTTP. It is no rejection, but ends the
    /// reading of requests as one does.
    pub(crate) fn switching(switch: Switch) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = switch.headers;
        response.extensions_mut().insert(switch.to);
        Self(Box::new(response))
    }

    /// Takes the use of the connection after this response, if it leaves HTTP.
    pub(crate) fn take_upgrade(&mut self) -> Option<Arc<dyn Upgrade>> {
        self.0.extensions_mut().remove()
    }

    /// Adds `Connection: close`, after which the connection is closed.
    pub(crate) fn closing(self) -> Self {
        self.with_header(CONNECTION, HeaderValue::from_static("close"))
    }
}

impl<F> Authorize for F
where
    F: Fn(&mut Parts, &mut Identity) -> Result<(), Rejection> + Send + Sync + 'static,
{
    fn authorize(&self, head: &mut Parts, caller: &mut Identity) -> Result<(), Rejection> {
        self(head, caller)
    }
}

impl<A: Authorize, B: Authorize> Authorize for (A, B) {
    fn authorize(&self, head: &mut Parts, caller: &mut Identity) -> Result<(), Rejection> {
        self.0.authorize(head, caller)?;
        self.1.authorize(head, caller)
    }
}

#[cfg(feature = "middleware")]
mod middleware {
    use farcall_core::Identity;
    use farcall_core::middleware::{BasicAuth, BearerAuth, RateLimit, Scheme};
    use http::StatusCode;
    use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
    use http::request::Parts;

    use super::{Authorize, Rejection};

    /// Refuses a request without valid credentials with status 401. The user is the subject of
    /// the caller's identity.
    impl Authorize for BearerAuth {
        fn authorize(&self, head: &mut Parts, caller: &mut Identity) -> Result<(), Rejection> {
            authenticate(self, head, caller)
        }
    }

    /// Refuses a request without valid credentials with status 401. The user is the subject of
    /// the caller's identity.
    impl Authorize for BasicAuth {
        fn authorize(&self, head: &mut Parts, caller: &mut Identity) -> Result<(), Rejection> {
            authenticate(self, head, caller)
        }
    }

    fn authenticate(
        scheme: &impl Scheme,
        head: &Parts,
        caller: &mut Identity,
    ) -> Result<(), Rejection> {
        match scheme.authenticate(&head.headers) {
            Ok(None) => {}
            Ok(Some(user)) => caller.set_subject(user),
            Err(error) => {
                return Err(Rejection::new(StatusCode::UNAUTHORIZED, error.to_string())
                    .with_header(WWW_AUTHENTICATE, error.challenge().clone()));
            }
        }
        Ok(())
    }

    /// Refuses a request beyond the limit with status 429, and the seconds to wait.
    impl Authorize for RateLimit {
        fn authorize(&self, _: &mut Parts, caller: &mut Identity) -> Result<(), Rejection> {
            self.check_peer(caller.peer()).map_err(|error| {
                let seconds = error.retry_after().as_secs().saturating_add(1);
                Rejection::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
                    .with_header(RETRY_AFTER, seconds.into())
            })
        }
    }
}
