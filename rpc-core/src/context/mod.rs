//! The context of a call: identity of the caller, headers, deadline and cancellation.

mod cancellation;
mod inherited;
mod origin;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use http::Extensions;
use http::header::{HeaderMap, HeaderName, HeaderValue};

pub use self::cancellation::{CancelOnDrop, Cancellation};
pub(crate) use self::inherited::{Heritage, inherited, within};
pub use self::origin::Origin;
use crate::identity::Identity;
use crate::name::Name;
use crate::trace::TraceContext;
use crate::transport::Peer;

/// The identity of the caller, headers, deadline and cancellation of a call. A handler takes it as
/// its first argument.
///
/// ```
/// use farcall::Context;
///
/// fn whoami(cx: Context) -> String {
///     format!("{} calls {}", cx.peer(), cx.method())
/// }
/// assert_eq!(whoami(Context::new("whoami")), "unknown calls whoami");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Context {
    method: Name,
    deadline: Option<Instant>,
    has_own_deadline: bool,
    origin: Option<Arc<Origin>>,
    cancellation: Option<Cancellation>,
    idempotent: bool,
    one_way: bool,
    /// `true` once a registry observes the call, so that another that it is passed on to does not.
    observed: bool,
    /// Additions to this call. Most calls have none.
    added: Option<Arc<Added>>,
}

/// The parts that one call has beyond most others: additions of layers, headers, a trace.
#[derive(Clone, Default)]
struct Added {
    extensions: Extensions,
    identity: Option<Identity>,
    /// The headers that came with this call alone.
    received: HeaderMap,
    /// The headers to be sent with this call.
    sent: HeaderMap,
    trace: Option<Arc<TraceContext>>,
    /// The id of the span that an outgoing call is made in, if `trace` was inherited from it.
    cause: Option<[u8; 8]>,
    /// The place that the innermost layer calls.
    target: Option<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Added")
            .field("extensions", &self.extensions)
            .field("identity", &self.identity)
            .field("received", &self.received.keys().collect::<Vec<_>>())
            .field("sent", &self.sent.keys().collect::<Vec<_>>())
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Creates the context of an outgoing call. Within a handler, it has the deadline of the call
    /// that is being handled, and belongs to the same trace.
    #[must_use]
    pub fn new(method: impl Into<Name>) -> Self {
        let Heritage { deadline, trace } = inherited();
        let context = Self {
            method: method.into(),
            deadline,
            ..Self::default()
        };
        match trace {
            Some(trace) => context.caused_by(&trace),
            None => context,
        }
    }

    /// Creates the context of a call that a peer made: with its origin and its deadline, and
    /// without anything that is inherited.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn received(
        method: impl Into<Name>,
        origin: Arc<Origin>,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            method: method.into(),
            deadline,
            has_own_deadline: true,
            origin: Some(origin),
            ..Self::default()
        }
    }

    /// Sets the origin of the call. Default: none.
    #[must_use]
    pub fn with_origin(mut self, origin: Arc<Origin>) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Sets the cancellation: the signal that the caller no longer waits. Default: none.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: Cancellation) -> Self {
        self.cancellation = Some(cancellation);
        self
    }

    /// Sets the cancellation, like [`with_cancellation`](Self::with_cancellation), in place.
    #[doc(hidden)]
    #[inline]
    pub fn set_cancellation(&mut self, cancellation: Option<Cancellation>) {
        self.cancellation = cancellation;
    }

    /// Sets the deadline: the moment until which the caller waits. `None` means no deadline.
    /// Default: the deadline of the call that is being handled, if there is one.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self.has_own_deadline = true;
        self
    }

    /// Marks the call as idempotent: two runs have the effect of one, so that a client can retry it
    /// when it is unknown whether it ran. Default: not idempotent.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Marks the call as one-way: the caller waits for no result. Default: not one-way.
    #[must_use]
    pub const fn one_way(mut self) -> Self {
        self.one_way = true;
        self
    }

    /// Sets the identity of the caller for this call, as a layer does that authenticates calls one
    /// by one. Default: that of the [`Origin`].
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.added_mut().identity = Some(identity);
        self
    }

    /// Attaches a value to this call, such as what a layer has measured. It replaces a value of the
    /// same type. The handler reads it with [`extension`](Self::extension). Values that all calls
    /// of a request share are in its [`Origin`].
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.added_mut().extensions.insert(value);
        self
    }

    /// Sends a header with an outgoing call: the callee reads it by [`header`](Self::header). A
    /// header of the same name that was set before is replaced. Default: none.
    ///
    /// Over HTTP it is a header of the request, in place of the client's own, except for those that
    /// HTTP itself needs, which are not sent: `Host`, `Content-Length` and others. Over connections
    /// a call has at most 32 headers of 8 KiB together, and fails with
    /// [`CallError::NotSent`](crate::CallError::NotSent) beyond that; a peer of an earlier version
    /// receives the call without them. Headers are not sent with the calls of a batch.
    ///
    /// ```
    /// use farcall::{Context, protocol::http::HeaderValue};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = HeaderValue::from_static("Bearer a-long-random-token");
    /// let context = Context::new("add").with_header("authorization".parse()?, token);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.added_mut().sent.insert(name, value);
        self
    }

    /// Sets the trace that the call belongs to. Default: within a handler, that of the call that is
    /// being handled, with a new span id; otherwise none.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.set_trace(trace);
        self.added_mut().cause = None;
        self
    }

    fn caused_by(mut self, trace: &TraceContext) -> Self {
        self.set_trace(trace.child());
        self.added_mut().cause = Some(trace.span_id());
        self
    }

    /// Sets the trace to that of a span of this call.
    pub(crate) fn set_trace(&mut self, trace: TraceContext) {
        self.added_mut().trace = Some(Arc::new(trace));
    }

    /// Returns the id of the span that an outgoing call is made in, if its trace was inherited.
    pub(crate) fn inherited_span(&self) -> Option<[u8; 8]> {
        self.added.as_ref()?.cause
    }

    /// Returns `true` the first time that a registry is about to observe this call, if it is the
    /// call of a peer.
    pub(crate) const fn begin_observation(&mut self) -> bool {
        let is_first = self.origin.is_some() && !self.observed;
        self.observed = true;
        is_first
    }

    /// Sets the headers that came with this call, and the trace that they name, as a protocol does
    /// whose calls have headers of their own. Default: those of the [`Origin`].
    #[must_use]
    pub fn with_received_headers(mut self, headers: HeaderMap) -> Self {
        let added = self.added_mut();
        added.trace = TraceContext::from_headers(&headers).map(Arc::new);
        added.received = headers;
        self
    }

    /// Returns the headers to be sent with an outgoing call: those that were
    /// [set](Self::with_header), and those of its [trace](Self::trace). `None` if there are none,
    /// as for most calls. The headers that a call was received with are not among them.
    #[must_use]
    pub fn headers_to_send(&self) -> Option<HeaderMap> {
        let added = self.added.as_deref()?;
        let mut headers = added.sent.clone();
        if let Some(trace) = &added.trace {
            trace.set_headers(&mut headers);
        }
        (!headers.is_empty()).then_some(headers)
    }

    /// Sets the place that the innermost layer calls.
    pub(crate) fn with_target(mut self, target: Arc<dyn Any + Send + Sync>) -> Self {
        self.added_mut().target = Some(target);
        self
    }

    /// Returns the place that the innermost layer calls, if that is a `T`.
    pub(crate) fn target<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let target = self.added.as_ref()?.target.as_ref()?;
        Arc::clone(target).downcast().ok()
    }

    fn added_mut(&mut self) -> &mut Added {
        Arc::make_mut(self.added.get_or_insert_default())
    }

    /// Returns the context of another call of the same request.
    #[must_use]
    pub fn for_method(&self, method: impl Into<Name>) -> Self {
        // Named one by one, since the method of this call need not be cloned.
        Self {
            method: method.into(),
            deadline: self.deadline,
            has_own_deadline: self.has_own_deadline,
            origin: self.origin.clone(),
            cancellation: self.cancellation.clone(),
            idempotent: self.idempotent,
            one_way: self.one_way,
            observed: false,
            added: self.added.clone(),
        }
    }

    /// The name of the called method.
    #[must_use]
    pub const fn method(&self) -> &Name {
        &self.method
    }

    /// The identity of the caller: its address, and what it has proved to be. It is
    /// [anonymous](Identity::is_anonymous) if the call has no [`Origin`].
    #[must_use]
    pub fn identity(&self) -> &Identity {
        static ANONYMOUS: Identity = Identity::ANONYMOUS;
        let own = self
            .added
            .as_ref()
            .and_then(|added| added.identity.as_ref());
        own.or_else(|| Some(&self.origin.as_ref()?.identity))
            .unwrap_or(&ANONYMOUS)
    }

    /// The peer that made the call: the address of the [identity](Self::identity).
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.identity().peer()
    }

    /// Returns `true` if the call has an [`Origin`]. Calls that a program makes on its own registry
    /// have none, unless the program sets one.
    #[must_use]
    pub const fn has_origin(&self) -> bool {
        self.origin.is_some()
    }

    /// Returns the value of a header of the call or its request, if it is visible ASCII text.
    /// `name` is case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()?.get(name)?.to_str().ok()
    }

    /// All headers that came with the call: over a connection its own, over HTTP those of its
    /// request. `None` if the call has no [`Origin`]. A call that a program makes on its own
    /// registry has those that it was [given](Self::with_header).
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        match (self.added.as_deref(), self.origin.as_deref()) {
            (Some(added), _) if !added.received.is_empty() => Some(&added.received),
            (_, Some(origin)) => Some(&origin.headers),
            (Some(added), None) => Some(&added.sent),
            (None, None) => None,
        }
    }

    /// The trace that the call belongs to, and the span that made it. While spans are recorded, it
    /// is the span of the call itself. Calls that a handler makes belong to the same trace.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.shared_trace().map(|trace| &**trace)
    }

    pub(crate) fn shared_trace(&self) -> Option<&Arc<TraceContext>> {
        let own = self.added.as_ref().and_then(|added| added.trace.as_ref());
        own.or_else(|| self.origin.as_ref()?.trace.as_ref())
    }

    /// Returns the deadline and trace that calls made within the handler of this call inherit.
    pub(crate) fn heritage(&self) -> Heritage {
        Heritage {
            deadline: self.deadline,
            trace: self.shared_trace().cloned(),
        }
    }

    /// Returns the value of type `T` that a layer [attached](Self::with_extension) to the call, or
    /// else a hook to the request.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let own = self.added.as_ref().and_then(|added| added.extensions.get());
        own.or_else(|| self.origin.as_ref()?.extensions.get())
    }

    /// Returns the session of the call, if it is of type `T` and still exists.
    #[must_use]
    pub fn session<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let session = self.origin.as_ref()?.session.as_ref()?;
        session.upgrade()?.downcast().ok()
    }

    /// Returns a number that no other session has while this one exists, if the call has a session.
    #[cfg(feature = "middleware")]
    pub(crate) fn session_address(&self) -> Option<usize> {
        let session = self.origin.as_ref()?.session.as_ref()?;
        Some(session.as_ptr().addr())
    }

    /// The moment until which the caller waits.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns `true` if the [deadline](Self::deadline) was [set](Self::with_deadline) for this
    /// call, also if it was set to `None`. Otherwise it is inherited from the call that is being
    /// handled, if any, and a client may apply its default.
    #[must_use]
    pub const fn has_own_deadline(&self) -> bool {
        self.has_own_deadline
    }

    /// Returns `true` if two runs of the call have the effect of one.
    #[must_use]
    pub const fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Returns `true` if the caller waits for no result.
    #[must_use]
    pub const fn is_one_way(&self) -> bool {
        self.one_way
    }

    /// Returns `true` if the caller no longer waits. A blocking handler should check this from time
    /// to time. An async handler need not, since it is dropped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= tokio::time::Instant::now().into_std())
            || self
                .cancellation
                .as_ref()
                .is_some_and(Cancellation::is_cancelled)
    }

    /// Completes when the call is cancelled. Never completes for a call that has no
    /// [cancellation](Self::with_cancellation).
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn cancelled(&self) {
        match &self.cancellation {
            Some(cancellation) => cancellation.cancelled().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_the_caller_are_not_displayed() {
        let mut origin = Origin::default();
        let value = HeaderValue::from_static("Bearer s3cr3t");
        origin.headers.insert("authorization", value);
        let context = Context {
            origin: Some(Arc::new(origin)),
            ..Context::default()
        };
        let shown = format!("{context:?}");
        assert!(
            shown.contains("authorization") && !shown.contains("s3cr3t"),
            "{shown}"
        );
    }
}
