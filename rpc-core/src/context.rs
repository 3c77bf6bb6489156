//! The circumstances of a call: who makes it, what came with it, how long it may take.

use std::any::Any;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use http::{Extensions, HeaderMap};
use tokio::sync::Notify;

use crate::name::Name;
use crate::transport::Peer;

/// What a handler can ask about the call that it answers: take it as the first argument.
///
/// ```
/// use rpc_core::Context;
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
}

/// Where a request came from. All calls of one request, or of one connection, share it.
#[derive(Debug, Default)]
pub struct Origin {
    /// The peer at the other end of the connection.
    pub peer: Peer,
    /// The headers that came with the request.
    pub headers: HeaderMap,
    /// What layers and hooks learnt of the request, such as the user who was authenticated.
    pub extensions: Extensions,
    /// The session that the call came in, where the protocol has such: how it calls the caller back. It is beside the
    /// extensions because those take 200 bytes for the first, and a connection that is idle has little else.
    pub session: Option<Weak<dyn Any + Send + Sync>>,
}

impl Context {
    /// The context of a call that is to be made. Made within a handler, it has the deadline of the
    /// call that the handler answers.
    #[must_use]
    pub fn new(method: impl Into<Name>) -> Self {
        Self {
            method: method.into(),
            deadline: inherited(),
            ..Self::default()
        }
    }

    /// Says where the call came from.
    #[must_use]
    pub fn with_origin(mut self, origin: Arc<Origin>) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Says what tells that the caller no longer waits. Default: nothing does.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: Cancellation) -> Self {
        self.cancellation = Some(cancellation);
        self
    }

    /// Says until when the caller waits. Default: as long as the call that is being answered, if there
    /// is one.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self.has_own_deadline = true;
        self
    }

    /// Says that making the call twice is as good as once, so that it can be made again where it is not
    /// known whether it ran. Default: no.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Says that the caller wants no result. Default: it does.
    #[must_use]
    pub const fn one_way(mut self) -> Self {
        self.one_way = true;
        self
    }

    /// The context of another call of the same request.
    #[must_use]
    pub fn for_method(&self, method: impl Into<Name>) -> Self {
        Self {
            method: method.into(),
            ..self.clone()
        }
    }

    /// The name of the method that is called.
    #[must_use]
    pub const fn method(&self) -> &Name {
        &self.method
    }

    /// The peer that calls.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.origin
            .as_ref()
            .map_or(&Peer::Unknown, |origin| &origin.peer)
    }

    /// Whether anything is said of where the call came from. Of calls that a program makes on its own registry nothing
    /// is, unless it does so itself.
    #[must_use]
    pub const fn has_origin(&self) -> bool {
        self.origin.is_some()
    }

    /// A header of the request, by its name in any case, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.origin.as_ref()?.headers.get(name)?.to_str().ok()
    }

    /// All headers of the request, where it had any.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.origin.as_deref().map(|origin| &origin.headers)
    }

    /// What a layer or hook left for the handler, by its type.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.origin.as_ref()?.extensions.get()
    }

    /// The session that the call came in, if the protocol has sessions of this type, and while it lasts.
    #[must_use]
    pub fn session<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let session = self.origin.as_ref()?.session.as_ref()?;
        session.upgrade()?.downcast().ok()
    }

    /// Until when the caller waits.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the [deadline](Self::deadline), or that there is none, was [chosen](Self::with_deadline) for this call.
    /// Otherwise it is that of the call that is being answered, if there is one, and a client may have a default.
    #[must_use]
    pub const fn has_own_deadline(&self) -> bool {
        self.has_own_deadline
    }

    /// Whether making the call twice is as good as once.
    #[must_use]
    pub const fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Whether the caller wants no result.
    #[must_use]
    pub const fn is_one_way(&self) -> bool {
        self.one_way
    }

    /// Whether the caller no longer waits. A function that runs off the event loop looks here
    /// now and then; an async handler is simply dropped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= tokio::time::Instant::now().into_std())
            || self
                .cancellation
                .as_ref()
                .is_some_and(Cancellation::is_cancelled)
    }

    /// Ends when the caller no longer waits; never ends for a call from nowhere in particular.
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

thread_local! {
    /// The deadline of the call that this thread is answering.
    static INHERITED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The deadline of the call that is being answered.
pub(crate) fn inherited() -> Option<Instant> {
    INHERITED.get()
}

/// Runs a part of the answer to a call that has this deadline.
pub(crate) fn within<T>(deadline: Option<Instant>, run: impl FnOnce() -> T) -> T {
    /// Puts back what was, after a panic too.
    struct Restore(Option<Instant>);

    impl Drop for Restore {
        fn drop(&mut self) {
            INHERITED.set(self.0);
        }
    }

    let _restore = Restore(INHERITED.replace(deadline));
    run()
}

/// Tells that a caller no longer waits. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<Signal>);

/// Less than a `CancellationToken`, which has parents and children: each call has one of these.
#[derive(Debug, Default)]
struct Signal {
    is_cancelled: AtomicBool,
    cancelled: Notify,
}

impl Cancellation {
    /// Tells everyone who looks.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Release);
        self.0.cancelled.notify_waiters();
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Acquire)
    }

    /// Ends when [`cancel`](Self::cancel) is called.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn cancelled(&self) {
        // What is notified from here on counts, so the flag is read afterwards.
        let cancelled = self.0.cancelled.notified();
        if !self.is_cancelled() {
            cancelled.await;
        }
    }

    /// Whether nobody else has this, so that nobody can be told by it any more.
    #[must_use]
    pub fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Cancels when the returned guard is dropped.
    #[must_use]
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }
}

/// Cancels its [`Cancellation`] when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        // Most calls leave nobody behind to tell.
        if !self.0.is_unshared() {
            self.0.cancel();
        }
    }
}
