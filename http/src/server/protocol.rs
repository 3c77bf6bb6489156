//! Other protocols that a server answers beside XML-RPC, by the content type of a request.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::{Hold, NoRoom};
use farcall_core::{Context, Fault};
use http::HeaderValue;
use http::request::Parts;

use super::account::PeerAccount;
use super::authorize::Rejection;
use super::log;
use super::upgrade::Switch;

/// A protocol that a [`Server`](crate::Server) answers [beside](crate::Server::beside) XML-RPC. The
/// server does what HTTP needs whatever the document is: admission, bodies, codings, limits, and
/// the budget.
pub trait Protocol: Send + Sync + 'static {
    /// Returns `true` for a content type of this protocol, without its parameters.
    fn is_content_type(&self, content_type: &str) -> bool;

    /// Returns `true` for a document of this protocol, if a request has no content type.
    fn is_document(&self, document: &[u8]) -> bool;

    /// The content type of answers.
    fn content_type(&self) -> HeaderValue;

    /// Makes the calls that a document holds. The future completes with the document that answers
    /// it, or with `None` if it asks for no answer.
    fn answer<'a>(&'a self, exchange: Exchange<'a>) -> Answer<'a>;

    /// Decides about a request by which its connection would leave HTTP, such as the handshake of a
    /// WebSocket. Requests that are not one are `None`. It is asked after host and origin were
    /// checked, and before [`authorize`](crate::ServerOptions::authorize). Default: none is one.
    fn upgrade(&self, _head: &Parts) -> Option<Result<Switch, Rejection>> {
        None
    }

    /// Returns the document that answers a request with a fault before its calls are known.
    fn fault(&self, fault: &Fault) -> Bytes;
}

/// The future of an answer: a document, if there is an answer.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Option<Bytes>> + Send + 'a>>;

/// A document of a [`Protocol`], and what its calls may use.
pub struct Exchange<'a> {
    /// The body of the request, inflated.
    pub document: Bytes,
    /// The context of all calls, without a method: their origin, deadline and cancellation.
    pub context: Context,
    /// Maximum bytes of the answer, as [set](crate::ServerOptions::max_reply) for the server.
    pub max_reply: usize,
    pub(super) account: &'a PeerAccount<'a>,
}

impl<'a> Exchange<'a> {
    /// Creates the exchange of a document that did not arrive as a request of HTTP.
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
    /// Holds `bytes` bytes of an incomplete answer in the [budget](crate::ServerOptions::budget).
    ///
    /// # Errors
    /// If the budget has no room for them.
    pub fn resize(&self, hold: &mut Hold, bytes: usize) -> Result<(), NoRoom> {
        self.account.resize(hold, bytes)
    }

    /// Logs the outcome of a call, as the server does for those of XML-RPC.
    pub fn log(&self, method: &str, started: Instant, fault: Option<&Fault>) {
        log::outcome(self.context.identity(), method, started, fault);
    }
}

impl std::fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("bytes", &self.document.len())
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
