//! Protocols that a server answers, by the content type of a request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::{Catalog, Hold, NoRoom};
use farcall_core::{Context, Fault, FormatError};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::account::PeerAccount;
use super::authorize::Rejection;
use super::log::log_call;
use super::upgrade::Switch;

/// A protocol whose documents a [server](super::HttpServer) carries: the methods of a service, and
/// the form of calls and answers.
pub trait Protocol: Send + Sync + 'static {
    /// The name of the protocol, for texts: `"XML-RPC"`.
    fn name(&self) -> &'static str;

    /// The paths of the service. At each of them a server answers all of its protocols.
    fn paths(&self) -> &'static [&'static str];

    /// Returns the service at a path of its own, which is not one of the [paths](Self::paths) that
    /// protocols share. It is asked for each request. Default: there are none.
    fn at(&self, _path: &str) -> Option<Arc<dyn Protocol>> {
        None
    }

    /// Returns `true` for a content type of this protocol, without its parameters.
    fn is_content_type(&self, content_type: &str) -> bool;

    /// Returns `true` for a document of this protocol, if a request has no content type. The first
    /// protocol of a server is not asked: it has what no other takes.
    fn is_document(&self, document: &[u8]) -> bool;

    /// The content type of answers.
    fn content_type(&self) -> HeaderValue;

    /// The methods of the service.
    fn methods(&self) -> &dyn Catalog;

    /// Converts a document to the character encoding that [`answer`](Self::answer) reads. Default:
    /// it stays as it is.
    ///
    /// # Errors
    /// If it cannot be converted. The answer is a fault then.
    fn decode(&self, _document: &mut Bytes, _headers: &HeaderMap) -> Result<(), FormatError> {
        Ok(())
    }

    /// Makes the calls that a document holds, before it returns or when the answer is polled. The
    /// answer completes with the document that answers it, or with `None` if it asks for no answer.
    fn answer<'a>(&'a self, exchange: Exchange<'a>) -> Answer<'a>;

    /// Decides about a request by which its connection would leave HTTP, such as the handshake of a
    /// WebSocket. Requests that are not one are `None`. It is asked after host and origin were
    /// checked, and before [`authorize`](super::ServerOptions::authorize). Default: none is one.
    fn upgrade(&self, _head: &Parts) -> Option<Result<Switch, Rejection>> {
        None
    }

    /// Returns the document that answers a request with a fault before its calls are known, with at
    /// most `max_reply` bytes of text.
    fn fault(&self, fault: &Fault, max_reply: usize) -> Bytes;
}

/// The future of an answer: a document, if there is an answer. Most calls complete at once, and
/// then it takes no allocation.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Answer<'a>(AnswerState<'a>);

enum AnswerState<'a> {
    /// The answer, until it is taken.
    Ready(Option<Option<Bytes>>),
    Later(Pin<Box<dyn Future<Output = Option<Bytes>> + Send + 'a>>),
}

impl<'a> Answer<'a> {
    /// Creates an answer that is there at once.
    pub const fn ready(document: Option<Bytes>) -> Self {
        Self(AnswerState::Ready(Some(document)))
    }

    /// Creates an answer that completes with the output of `future`.
    pub fn later(future: impl Future<Output = Option<Bytes>> + Send + 'a) -> Self {
        Self(AnswerState::Later(Box::pin(future)))
    }
}

impl Future for Answer<'_> {
    type Output = Option<Bytes>;

    /// Completes with the answer.
    ///
    /// # Panics
    /// If it is polled again after it completed.
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            AnswerState::Ready(answer) => {
                Poll::Ready(answer.take().expect("`Answer` polled after completion"))
            }
            AnswerState::Later(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            AnswerState::Ready(_) => "Answer::ready(..)",
            AnswerState::Later(_) => "Answer::later(..)",
        })
    }
}

/// The protocols at a path. There is at least one.
pub(super) enum Offered<'a> {
    /// Those of the server, at the paths that they share.
    All(&'a [Arc<dyn Protocol>]),
    /// The one of a path of its own.
    Own(Arc<dyn Protocol>),
}

impl Offered<'_> {
    pub(super) const fn protocols(&self) -> &[Arc<dyn Protocol>] {
        match self {
            Self::All(protocols) => protocols,
            Self::Own(protocol) => slice::from_ref(protocol),
        }
    }
}

/// Shows the names of the protocols, and the number of their methods.
impl fmt::Debug for Offered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.protocols().iter().map(|protocol| {
            let methods = protocol.methods().names().len();
            (protocol.name(), format!("methods: {methods}"))
        });
        f.debug_map().entries(shown).finish()
    }
}

/// A document of a [`Protocol`], and what its calls may use.
pub struct Exchange<'a> {
    /// The body of the request, inflated and [decoded](Protocol::decode).
    pub document: Bytes,
    /// The context of all calls, without a method: their origin, deadline and cancellation.
    pub context: Context,
    /// Maximum bytes of the answer, as [set](super::ServerOptions::max_reply) for the server.
    pub max_reply: usize,
    account: &'a PeerAccount<'a>,
}

impl<'a> Exchange<'a> {
    /// Creates the exchange of a document.
    #[must_use]
    pub const fn new(
        document: Bytes,
        context: Context,
        max_reply: usize,
        account: &'a PeerAccount<'a>,
    ) -> Self {
        Self {
            document,
            context,
            max_reply,
            account,
        }
    }
}

impl Exchange<'_> {
    /// Holds `bytes` bytes of an incomplete answer in the [budget](super::ServerOptions::budget).
    ///
    /// # Errors
    /// If the budget has no room for them.
    pub fn resize(&self, hold: &mut Hold, bytes: usize) -> Result<(), NoRoom> {
        self.account.resize(hold, bytes)
    }

    /// Logs the outcome of a call.
    pub fn log(&self, method: &str, started: Instant, fault: Option<&Fault>) {
        log_call(self.context.identity(), method, started, fault);
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("bytes", &self.document.len())
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
