//! The sessions of a server, and the connections that carry them.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use rpc_core::output::Foreign;
use rpc_core::transport::Peer;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::rpc::client::origin;
use crate::rpc::error::Disconnected;
use crate::rpc::greeting;
use crate::rpc::message::Token;
use crate::rpc::session::{Driver, Lifeline, Link, Settings};

/// The sessions that can be resumed.
#[derive(Default)]
pub(super) struct ResumableSessions(Mutex<HashMap<Token, Arc<ResumableSession>>>);

impl ResumableSessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Arc<ResumableSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, token: Token) -> Option<Arc<ResumableSession>> {
        self.lock().get(&token).cloned()
    }

    /// Says whether there was room.
    pub(super) fn add(&self, resumable: &Arc<ResumableSession>, max_lingering: usize) -> bool {
        let mut sessions = self.lock();
        // Those with a connection are limited already.
        let has_room = sessions.len() < max_lingering.saturating_mul(2);
        if has_room {
            sessions.insert(resumable.token, Arc::clone(resumable));
        }
        has_room
    }

    fn remove(&self, token: Token) {
        let removed = self.lock().remove(&token);
        // Its objects are dropped where the lock is free.
        drop(removed);
    }
}

/// A session that can be resumed.
pub(super) struct ResumableSession {
    pub(super) lifeline: Arc<Lifeline>,
    pub(super) token: Token,
    /// Held by the connection that carries the session.
    claim: Arc<tokio::sync::Mutex<()>>,
    /// Tells that connection to let go.
    holder: Mutex<Option<oneshot::Sender<()>>>,
    /// How many connections carried it.
    claims: AtomicU64,
}

impl ResumableSession {
    pub(super) fn new(lifeline: Arc<Lifeline>, token: Token) -> Arc<Self> {
        Arc::new(Self {
            lifeline,
            token,
            claim: Arc::default(),
            holder: Mutex::default(),
            claims: AtomicU64::new(0),
        })
    }

    fn holder(&self) -> MutexGuard<'_, Option<oneshot::Sender<()>>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session over from the connection that carried it, which lets go first.
    pub(super) async fn take_over(self: Arc<Self>) -> Option<SessionClaim> {
        if let Some(holder) = self.holder().take() {
            // Who does not listen any more has let go.
            let _ = holder.send(());
        }
        let guard = timeout(greeting::TIMEOUT, Arc::clone(&self.claim).lock_owned()).await;
        let guard = guard.ok().filter(|_| !self.lifeline.is_ended())?;
        let (sender, taken_over) = oneshot::channel();
        *self.holder() = Some(sender);
        Some(SessionClaim {
            number: self.claims.fetch_add(1, Ordering::Relaxed) + 1,
            resumable: self,
            taken_over,
            _guard: guard,
        })
    }
}

/// The claim of a connection to carry a session that can be resumed.
pub(super) struct SessionClaim {
    resumable: Arc<ResumableSession>,
    /// Which of the connections this is that carried the session.
    number: u64,
    taken_over: oneshot::Receiver<()>,
    _guard: OwnedMutexGuard<()>,
}

/// What the connections of a listener have in common.
pub(super) struct ServerState {
    pub(super) settings: Arc<Settings>,
    sessions: Arc<ResumableSessions>,
    stopping: CancellationToken,
    /// The sessions that have a connection, the oldest first.
    active: Mutex<BTreeMap<u64, Weak<Lifeline>>>,
    next_number: AtomicU64,
}

impl ServerState {
    pub(super) fn new(settings: Arc<Settings>, sessions: Arc<ResumableSessions>) -> Self {
        Self {
            settings,
            sessions,
            stopping: CancellationToken::new(),
            active: Mutex::default(),
            next_number: AtomicU64::new(0),
        }
    }

    fn active(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<Lifeline>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all sessions that the server stops.
    pub(super) fn stop(&self) {
        self.stopping.cancel();
        let active: Vec<_> = self.active().values().filter_map(Weak::upgrade).collect();
        for session in active {
            session.leave(STOP_REASON);
        }
    }
}

/// What clients are told then.
const STOP_REASON: &str = "the server stops";

/// A session, and the right to carry it. If that is dropped, the session ends.
pub(super) struct ActiveSession {
    lifeline: Arc<Lifeline>,
    server: Arc<ServerState>,
    /// Counts the active sessions of its listener.
    number: u64,
    /// Where the session can be resumed.
    claim: Option<Box<SessionClaim>>,
    lingers: bool,
}

impl ActiveSession {
    pub(super) fn new(
        lifeline: Arc<Lifeline>,
        server: Arc<ServerState>,
        claim: Option<SessionClaim>,
    ) -> Self {
        Self {
            lifeline,
            number: server.next_number.fetch_add(1, Ordering::Relaxed),
            server,
            claim: claim.map(Box::new),
            lingers: false,
        }
    }

    /// Carries the session, which was told of the connection, until that ends.
    pub(super) fn drive(mut self, link: Link, peer: Peer) -> impl Future<Output = ()> + use<> {
        let origin = origin(&self.lifeline, peer);
        let session = Arc::clone(self.lifeline.session());
        let mut driver = Driver::new(session, link, origin);
        async move {
            self.register();
            let reason = poll_fn(|cx| match Pin::new(&mut driver).poll(cx) {
                Poll::Pending => self.poll_taken_over(cx),
                ended => ended,
            });
            let reason = reason.await;
            let shown = Foreign::excerpt(&reason);
            tracing::debug!(peer = %driver.peer(), reason = %shown, "a connection ended");
            drop(driver);
            if self.lifeline.down(&reason) && !self.server.stopping.is_cancelled() {
                self.linger();
            }
        }
    }

    /// Has the session told when the server stops.
    fn register(&self) {
        let session = Arc::downgrade(&self.lifeline);
        self.server.active().insert(self.number, session);
        if self.server.stopping.is_cancelled() {
            self.lifeline.leave(STOP_REASON);
        }
    }

    /// Ready when the session came back over another connection.
    fn poll_taken_over(&mut self, cx: &mut Context<'_>) -> Poll<Disconnected> {
        match &mut self.claim {
            Some(claim) => Pin::new(&mut claim.taken_over)
                .poll(cx)
                .map(|_| Disconnected::Left("it came back over another connection".to_owned())),
            None => Poll::Pending,
        }
    }

    /// Has the session wait for its client, for as long as the lease.
    pub(super) fn linger(mut self) {
        let Some(claim) = self.claim.take() else {
            return;
        };
        self.lingers = true;
        let (server, number) = (Arc::clone(&self.server), claim.number);
        let resumable = Arc::clone(&claim.resumable);
        let lease = sleep(server.settings.lease);
        drop((self, claim));
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = server.stopping.cancelled() => {}
                () = lease => {}
            }
            // Whoever has the claim by now goes on with the session.
            if let Ok(_guard) = resumable.claim.try_lock()
                && resumable.claims.load(Ordering::Relaxed) == number
            {
                server.sessions.remove(resumable.token);
                resumable.lifeline.end(&Disconnected::Forgotten);
            }
        });
    }
}

/// Ends the session when the connection does, however that comes about.
impl Drop for ActiveSession {
    fn drop(&mut self) {
        self.server.active().remove(&self.number);
        if self.lingers {
            return;
        }
        if let Some(claim) = &self.claim {
            self.server.sessions.remove(claim.resumable.token);
        }
        self.lifeline.end(&Disconnected::Closed);
    }
}
