//! Sessions of a server, active and resumable.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use farcall_core::Identity;
use farcall_core::protocol::output::{Foreign, Quota};
use farcall_core::serve::FIRST_CALL_GRACE;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::rpc::client::origin;
use crate::rpc::error::Disconnected;
use crate::rpc::greeting::{self, ConnectionHalves};
use crate::rpc::message::Token;
use crate::rpc::session::{Driver, SessionHandle, Settings};

/// Table of the sessions that can be resumed, by token.
#[derive(Default)]
pub(super) struct ResumableSessions(Mutex<HashMap<Token, Arc<ResumableSession>>>);

impl ResumableSessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Arc<ResumableSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the session with this token, if it is one of the same caller: whoever has learnt the
    /// token of another cannot take its session over.
    pub(super) fn find(&self, token: Token, caller: &Identity) -> Option<Arc<ResumableSession>> {
        static REFUSALS: Quota = Quota::new(10);

        let found = self.lock().get(&token).cloned()?;
        if caller.is_same_caller(&found.caller) {
            return Some(found);
        }
        if let Some(admitted) = REFUSALS.admit() {
            let (suppressed, owner) = (admitted.suppressed(), &found.caller);
            tracing::warn!(peer = %caller, %owner, suppressed, "not resumed: the session of another");
        }
        None
    }

    /// Adds a session. Returns `false` if there is no room.
    pub(super) fn add(&self, resumable: &Arc<ResumableSession>, max_lingering: usize) -> bool {
        let mut sessions = self.lock();
        // Twice the limit: the sessions that have a connection are limited separately.
        let has_room = sessions.len() < max_lingering.saturating_mul(2);
        if has_room {
            sessions.insert(resumable.token, Arc::clone(resumable));
        }
        has_room
    }

    fn remove(&self, token: Token) {
        let removed = self.lock().remove(&token);
        // Dropped outside the lock, because its objects are dropped with it.
        drop(removed);
    }
}

/// A session that can be resumed.
pub(super) struct ResumableSession {
    pub(super) handle: Arc<SessionHandle>,
    pub(super) token: Token,
    /// The caller that opened the session.
    caller: Identity,
    /// Locked by the connection that carries the session.
    claim_lock: Arc<tokio::sync::Mutex<()>>,
    /// Signals that connection to release the session.
    release_signal: Mutex<Option<oneshot::Sender<()>>>,
    /// Number of connections that have carried the session.
    claims: AtomicU64,
}

impl ResumableSession {
    pub(super) fn new(handle: Arc<SessionHandle>, token: Token, caller: Identity) -> Arc<Self> {
        Arc::new(Self {
            handle,
            token,
            caller,
            claim_lock: Arc::default(),
            release_signal: Mutex::default(),
            claims: AtomicU64::new(0),
        })
    }

    fn release_signal(&self) -> MutexGuard<'_, Option<oneshot::Sender<()>>> {
        self.release_signal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session over from the connection that carries it, and waits until that one has
    /// released it. Returns `None` if it does not in time, or if the session has ended.
    pub(super) async fn take_over(self: Arc<Self>) -> Option<SessionClaim> {
        if let Some(release_signal) = self.release_signal().take() {
            // A dropped receiver has already released the session.
            let _ = release_signal.send(());
        }
        let guard = timeout(greeting::TIMEOUT, Arc::clone(&self.claim_lock).lock_owned()).await;
        let guard = guard.ok().filter(|_| !self.handle.is_ended())?;
        let (sender, taken_over) = oneshot::channel();
        *self.release_signal() = Some(sender);
        Some(SessionClaim {
            number: self.claims.fetch_add(1, Ordering::Relaxed) + 1,
            resumable: self,
            taken_over,
            _guard: guard,
        })
    }
}

/// Exclusive right of a connection to carry a resumable session.
pub(super) struct SessionClaim {
    resumable: Arc<ResumableSession>,
    /// Number of the claim, counted per session.
    number: u64,
    taken_over: oneshot::Receiver<()>,
    _guard: OwnedMutexGuard<()>,
}

/// State that the connections of a listener share.
pub(super) struct ServerState {
    pub(super) settings: Arc<Settings>,
    sessions: Arc<ResumableSessions>,
    stopping: CancellationToken,
    max_connections: usize,
    /// The established connections, oldest first, and their sessions once they are open.
    connections: Mutex<BTreeMap<u64, Weak<SessionHandle>>>,
    next_number: AtomicU64,
}

impl ServerState {
    pub(super) fn new(
        settings: Settings,
        sessions: Arc<ResumableSessions>,
        max_connections: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings: Arc::new(settings),
            sessions,
            stopping: CancellationToken::new(),
            max_connections,
            connections: Mutex::default(),
            next_number: AtomicU64::new(0),
        })
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<SessionHandle>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers one more connection, if there is room.
    pub(super) fn register(self: Arc<Self>) -> Option<Registration> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        {
            let mut connections = self.connections();
            if connections.len() >= self.max_connections {
                return None;
            }
            connections.insert(number, Weak::new());
        }
        Some(Registration {
            server: self,
            number,
        })
    }

    /// Notifies all clients that the server is stopping.
    pub(super) fn stop(&self) {
        let open: Vec<_> = {
            let connections = self.connections();
            self.stopping.cancel();
            connections.values().filter_map(Weak::upgrade).collect()
        };
        for session in open {
            session.close(STOP_REASON);
        }
    }
}

/// The entry of a connection among those of its server.
pub(super) struct Registration {
    pub(super) server: Arc<ServerState>,
    number: u64,
}

impl Registration {
    /// Registers the session, so that its client is notified when the server stops. Returns `true`
    /// if the server is stopping already.
    fn open(&self, session: &Arc<SessionHandle>) -> bool {
        let mut connections = self.server.connections();
        connections.insert(self.number, Arc::downgrade(session));
        self.server.stopping.is_cancelled()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.server.connections().remove(&self.number);
    }
}

/// Reason that clients receive when the server stops.
const STOP_REASON: &str = "the server is stopping";

/// A session with a connection. Dropping it ends the session, unless the session lingers.
pub(super) struct ActiveSession {
    handle: Arc<SessionHandle>,
    registration: Registration,
    /// Present if the session is resumable.
    claim: Option<Box<SessionClaim>>,
    lingers: bool,
}

impl ActiveSession {
    pub(super) fn new(
        handle: Arc<SessionHandle>,
        registration: Registration,
        claim: Option<SessionClaim>,
    ) -> Self {
        Self {
            handle,
            registration,
            claim: claim.map(Box::new),
            lingers: false,
        }
    }

    /// Drives the session over a connection until the connection closes. The session must already
    /// be [connected](crate::rpc::session::Session::on_connected).
    pub(super) fn drive(
        mut self,
        halves: ConnectionHalves,
        identity: Identity,
    ) -> impl Future<Output = ()> + use<> {
        let origin = origin(&self.handle, identity);
        let session = Arc::clone(self.handle.session());
        let mut driver = Driver::new(session, halves, origin);
        async move {
            let is_stopping = self.registration.open(&self.handle);
            let mut grace = is_stopping.then(|| Box::pin(sleep(FIRST_CALL_GRACE)));
            let reason = poll_fn(|cx| {
                let ended = Pin::new(&mut driver).poll(cx);
                if let Some(sleep) = &mut grace
                    && (self.handle.has_received_call() || sleep.as_mut().poll(cx).is_ready())
                {
                    grace = None;
                    self.handle.close(STOP_REASON);
                }
                match ended {
                    Poll::Pending => self.poll_taken_over(cx),
                    ended => ended,
                }
            });
            let reason = reason.await;
            let shown = Foreign::excerpt(&reason);
            tracing::debug!(peer = %driver.caller(), reason = %shown, "connection closed");
            drop(driver);
            if self.handle.on_disconnected(&reason)
                && !self.registration.server.stopping.is_cancelled()
            {
                self.linger();
            }
        }
    }

    /// Completes when another connection has taken the session over.
    fn poll_taken_over(&mut self, cx: &mut Context<'_>) -> Poll<Disconnected> {
        match &mut self.claim {
            Some(claim) => Pin::new(&mut claim.taken_over)
                .poll(cx)
                .map(|_| Disconnected::Left("it resumed over another connection".to_owned())),
            None => Poll::Pending,
        }
    }

    /// Keeps the session for its client until the lease expires or the server stops. Ends it at
    /// once if it is not resumable.
    pub(super) fn linger(mut self) {
        let Some(claim) = self.claim.take() else {
            return;
        };
        self.lingers = true;
        let server = Arc::clone(&self.registration.server);
        let number = claim.number;
        let resumable = Arc::clone(&claim.resumable);
        let lease = sleep(server.settings.lease);
        drop((self, claim));
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = server.stopping.cancelled() => {}
                () = lease => {}
            }
            // If another connection has claimed the session since, it continues there.
            if let Ok(_guard) = resumable.claim_lock.try_lock()
                && resumable.claims.load(Ordering::Relaxed) == number
            {
                server.sessions.remove(resumable.token);
                resumable.handle.end(&Disconnected::Forgotten);
            }
        });
    }
}

/// Ends the session with its connection, also when the task is aborted or panics.
impl Drop for ActiveSession {
    fn drop(&mut self) {
        if self.lingers {
            return;
        }
        if let Some(claim) = &self.claim {
            let sessions = &self.registration.server.sessions;
            sessions.remove(claim.resumable.token);
        }
        self.handle.end(&Disconnected::Closed);
    }
}
