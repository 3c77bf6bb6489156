//! Answers of a server to GET and HEAD.

use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::Catalog;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::Rejection;
use super::protocol::Protocol;

/// Answers to GET and HEAD requests, which no call has: see
/// [`ServerOptions::pages`](super::ServerOptions::pages).
pub trait Pages: Send + Sync + 'static {
    /// Returns the answer to a request, or `None` if there is no page for it. The body of an answer
    /// to HEAD is not sent.
    fn page(&self, request: &PageRequest<'_>) -> Option<Response<Bytes>>;

    /// Returns `true` if a request needs the permission of
    /// [`authorize`](super::ServerOptions::authorize). Default: `true`.
    fn is_protected(&self, request: &PageRequest<'_>) -> bool {
        let _ = request;
        true
    }
}

/// A GET or HEAD request. Its host and the site that it comes from are checked, as those of calls.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct PageRequest<'a> {
    /// The head of the request.
    pub head: &'a Parts,
    /// The protocols of the service at the path. There are none if there is no service.
    pub protocols: &'a [Arc<dyn Protocol>],
    /// `true` if the request arrived through a listener at a loopback address.
    pub is_loopback: bool,
}

impl<'a> PageRequest<'a> {
    /// Returns the methods at the path, if there is a service.
    #[must_use]
    pub fn methods(&self) -> Option<&'a dyn Catalog> {
        self.protocols.first().map(|first| first.methods())
    }

    /// Returns the request of a head, if it can ask for a page.
    pub(super) fn of(
        head: &'a Parts,
        protocols: &'a [Arc<dyn Protocol>],
        is_loopback: bool,
    ) -> Option<Self> {
        matches!(head.method, Method::GET | Method::HEAD).then_some(Self {
            head,
            protocols,
            is_loopback,
        })
    }

    /// Refuses a request with a body, which no page reads.
    ///
    /// # Errors
    /// The response to send.
    pub(super) fn check(&self) -> Result<(), Rejection> {
        let headers = &self.head.headers;
        let length = headers.get(CONTENT_LENGTH);
        if length.is_none_or(|length| length == "0") && !headers.contains_key(TRANSFER_ENCODING) {
            return Ok(());
        }
        let text = "a request for a page has no body";
        Err(Rejection::new(StatusCode::BAD_REQUEST, text).closing())
    }
}

impl std::fmt::Debug for PageRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageRequest")
            .field("path", &self.head.uri.path())
            .field("is_loopback", &self.is_loopback)
            .finish_non_exhaustive()
    }
}
