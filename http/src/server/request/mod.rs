//! Handling of one HTTP request: from its head and body to the response.

pub(super) mod admission;
mod call;
mod response;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use farcall_core::Identity;
use farcall_core::protocol::Hold;
use farcall_core::protocol::output::Foreign;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::account::PeerAccount;
use super::body;
use super::browser::HostPolicy;
use super::{HttpServer, Rejection, ReplyBody};

use admission::{AdmittedRequest, Leaving};
pub(super) use response::reject;

/// Requests with any body type are answered, so a server can be mounted in an axum router,
/// under tower layers, or in a test. The [`Identity`] of the caller is the one in the extensions of
/// the request, if there is one.
impl<B> Service<Request<B>> for HttpServer
where
    B: Body<Data: Send, Error: Send> + Send + 'static,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move { Ok(server.respond(request).await) })
    }
}

/// Replaces the response by which a connection would leave HTTP, where there is none that could.
pub(super) fn without_upgrade(mut rejection: Rejection) -> Rejection {
    if rejection.0.extensions_mut().remove::<Leaving>().is_none() {
        return rejection;
    }
    let text = "this server has no connections of its own here, which a WebSocket needs";
    Rejection::new(StatusCode::NOT_IMPLEMENTED, text)
}

impl HttpServer {
    /// Answers one HTTP request.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call that the request made.
    pub async fn respond(&self, mut request: Request<impl Body>) -> Response<ReplyBody> {
        let caller = request.extensions_mut().remove::<Identity>();
        let caller = caller.unwrap_or_default();
        let hosts = HostPolicy::from_options(&self.options);
        let admitted = self.admit(request, caller.clone(), hosts);
        let admitted = admitted.map_err(without_upgrade);
        let account = PeerAccount::new(&self.budget);
        let responding = account.complete(self.respond_to(admitted, &caller, &account));
        let Ok(response) = responding.await.unwrap_or_else(|| {
            let text =
                "the request was evicted: it was held for too long, and others needed the room";
            let rejection = Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text);
            Ok(reject(rejection.closing(), &caller))
        });
        response.map(|reply| {
            ReplyBody::new(reply.into_inner().unwrap_or_default(), account.into_inner())
        })
    }

    /// Answers a request whose head was checked. Parts of the head that are not needed any more are
    /// dropped before, to keep this future small, because it is created for each request.
    pub(super) async fn respond_to(
        &self,
        admitted: Result<AdmittedRequest<'_, impl Body>, Rejection>,
        caller: &Identity,
        account: &PeerAccount<'_>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let AdmittedRequest {
            coding,
            spoken,
            origin,
            body,
        } = match admitted {
            Ok(admitted) => admitted,
            Err(rejection) => return Ok(reject(rejection, caller)),
        };
        let limit = self.options.max_body;
        let timeout = self.options.body_timeout;
        let mut hold = Hold::default();
        let read = body::read(body, coding, limit, timeout, account, &mut hold);
        let mut document = match read.await {
            Ok(document) => document,
            Err(failure) => return Ok(self.reject_body(&failure, origin, spoken.protocol())),
        };
        let spoken = spoken.decide(&document);
        let protocol = spoken.protocol();
        if let Err(fault) = self.calls.check() {
            return Ok(self.overloaded(&fault, origin, protocol));
        }
        let decoded = protocol.decode(&mut document, &origin.headers);
        if let Err(no_room) = account.resize(&mut hold, document.len()) {
            return Ok(self.overloaded(&no_room.of_request(), origin, protocol));
        }
        let answer = match decoded {
            Ok(()) => self.run_calls(protocol, &origin, document, account).await,
            Err(error) => {
                let shown = Foreign::excerpt(&error);
                tracing::debug!(peer = %origin.identity, error = %shown, "a request is not a call");
                Some(protocol.fault(&error.into(), self.options.max_reply))
            }
        };
        Ok(match answer {
            Some(answer) => self.budgeted_reply(answer, origin, protocol, account, hold),
            None => self.no_reply(origin),
        })
    }
}
