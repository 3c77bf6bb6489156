//! Handling of one HTTP request: from its head and body to the response.

pub(super) mod admission;
mod call;
mod response;

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use farcall_core::Identity;
use farcall_core::protocol::Hold;
use farcall_core::protocol::output::Foreign;
use futures_util::future::Either;
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
        let admitted = self.admit(request, caller.clone(), hosts, None);
        let admitted = admitted.map_err(without_upgrade);
        let account = PeerAccount::new(&self.budget);
        let responding = account.complete(self.respond_to(admitted, &caller, &account));
        let response = responding.await.unwrap_or_else(|| {
            let text =
                "the request was evicted: it was held for too long, and others needed the room";
            let rejection = Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text);
            reject(rejection.closing(), &caller)
        });
        response.map(|reply| {
            ReplyBody::new(reply.into_inner().unwrap_or_default(), account.into_inner())
        })
    }

    /// Answers a request whose head was checked.
    pub(super) fn respond_to<'a, B: Body>(
        &'a self,
        admitted: Result<AdmittedRequest<'a, B>, Rejection>,
        caller: &'a Identity,
        account: &'a PeerAccount<'_>,
    ) -> impl Future<Output = Response<Full<Bytes>>> {
        match admitted {
            Ok(admitted) => Either::Left(self.respond_to_admitted(admitted, account)),
            Err(rejection) => Either::Right(ready(reject(rejection, caller))),
        }
    }

    // The parts of the request are used in place: what is moved out of an argument takes its room
    // in this future twice, which is created for each request.
    async fn respond_to_admitted(
        &self,
        admitted: AdmittedRequest<'_, impl Body>,
        account: &PeerAccount<'_>,
    ) -> Response<Full<Bytes>> {
        let limit = self.options.max_body;
        let timeout = self.options.body_timeout;
        let mut hold = Hold::default();
        let (body, coding) = (admitted.body, admitted.coding);
        let read = body::read(body, coding, limit, timeout, account, &mut hold).await;
        let mut document = match read {
            Ok(document) => document,
            Err(failure) => {
                return self.reject_body(&failure, admitted.origin, admitted.spoken.protocol());
            }
        };
        let spoken = admitted.spoken.decide(&document);
        let protocol = spoken.protocol();
        if let Err(fault) = self.calls.check() {
            return self.overloaded(&fault, admitted.origin, protocol);
        }
        let decoded = protocol.decode(&mut document, &admitted.origin.headers);
        if let Err(no_room) = account.resize(&mut hold, document.len()) {
            return self.overloaded(&no_room.of_request(), admitted.origin, protocol);
        }
        let answer = match decoded {
            Ok(()) => {
                let calls = self.run_calls(protocol, &admitted.origin, document, account);
                calls.await
            }
            Err(error) => {
                let (peer, shown) = (&admitted.origin.identity, Foreign::excerpt(&error));
                tracing::debug!(%peer, error = %shown, "a request is not a call");
                Some(protocol.fault(&error.into(), self.options.max_reply))
            }
        };
        match answer {
            Some(answer) => self.budgeted_reply(answer, admitted.origin, protocol, account, hold),
            None => self.no_reply(admitted.origin),
        }
    }
}
