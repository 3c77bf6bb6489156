//! The origin of a request.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use http::Extensions;
use http::header::HeaderMap;

use crate::identity::Identity;
use crate::trace::TraceContext;

/// The origin of a request. All calls of one request, or of one connection, share it.
#[derive(Default)]
pub struct Origin {
    /// The identity of the peer that sent the request.
    pub identity: Identity,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// Values that layers and hooks attached to the request.
    pub extensions: Extensions,
    /// The session of the call, if the protocol has sessions. A handler calls its caller back
    /// through it. It is not one of the extensions because the first of those takes 200 bytes, and
    /// an idle connection holds little else.
    pub session: Option<Weak<dyn Any + Send + Sync>>,
    /// The trace that the request belongs to.
    pub trace: Option<Arc<TraceContext>>,
}

/// Shows the names of the headers. Their values may be credentials of the caller.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Origin")
            .field("identity", &self.identity)
            .field("headers", &headers)
            .field("extensions", &self.extensions)
            .field("session", &self.session.is_some())
            .field("trace", &self.trace)
            .finish()
    }
}
