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
pub(super) struct Sessions(Mutex<HashMap<Token, Arc<Leased>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Arc<Leased>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, token: Token) -> Option<Arc<Leased>> {
        self.lock().get(&token).cloned()
    }

    /// Says whether there was room.
    pub(super) fn add(&self, leased: &Arc<Leased>, max_lingering: usize) -> bool {
        let mut sessions = self.lock();
        // Those with a connection are limited already.
        let has_room = sessions.len() < max_lingering.saturating_mul(2);
        if has_room {
            sessions.insert(leased.token, Arc::clone(leased));
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
pub(super) struct Leased {
    pub(super) lifeline: Arc<Lifeline>,
    pub(super) token: Token,
    /// Held by the connection that carries the session.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Tells that connection to let go.
    current: Mutex<Option<oneshot::Sender<()>>>,
    /// How many connections carried it.
    turns: AtomicU64,
}

impl Leased {
    pub(super) fn new(lifeline: Arc<Lifeline>, token: Token) -> Arc<Self> {
        Arc::new(Self {
            lifeline,
            token,
            turn: Arc::default(),
            current: Mutex::default(),
            turns: AtomicU64::new(0),
        })
    }

    fn current(&self) -> MutexGuard<'_, Option<oneshot::Sender<()>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session over from the connection that carried it, which lets go first.
    pub(super) async fn take_over(self: Arc<Self>) -> Option<Turn> {
        if let Some(current) = self.current().take() {
            // Who does not listen any more has let go.
            let _ = current.send(());
        }
        let guard = timeout(greeting::TIME, Arc::clone(&self.turn).lock_owned()).await;
        let guard = guard.ok().filter(|_| !self.lifeline.is_ended())?;
        let (sender, taken_over) = oneshot::channel();
        *self.current() = Some(sender);
        Some(Turn {
            number: self.turns.fetch_add(1, Ordering::Relaxed) + 1,
            leased: self,
            taken_over,
            _guard: guard,
        })
    }
}

/// The turn of a connection to carry a session that can be resumed.
pub(super) struct Turn {
    leased: Arc<Leased>,
    /// Which of the connections this is that carried the session.
    number: u64,
    taken_over: oneshot::Receiver<()>,
    _guard: OwnedMutexGuard<()>,
}

/// What the connections of a listener have in common.
pub(super) struct Serving {
    pub(super) settings: Arc<Settings>,
    sessions: Arc<Sessions>,
    stopping: CancellationToken,
    /// The sessions that have a connection, the oldest first.
    carried: Mutex<BTreeMap<u64, Weak<Lifeline>>>,
    seats: AtomicU64,
}

impl Serving {
    pub(super) fn new(settings: Arc<Settings>, sessions: Arc<Sessions>) -> Self {
        Self {
            settings,
            sessions,
            stopping: CancellationToken::new(),
            carried: Mutex::default(),
            seats: AtomicU64::new(0),
        }
    }

    fn carried(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<Lifeline>>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all sessions that the server stops.
    pub(super) fn stop(&self) {
        self.stopping.cancel();
        let carried: Vec<_> = self.carried().values().filter_map(Weak::upgrade).collect();
        for session in carried {
            session.leave(STOPS);
        }
    }
}

/// What clients are told then.
const STOPS: &str = "the server stops";

/// A session, and the right to carry it. If that is dropped, the session ends.
pub(super) struct Seat {
    lifeline: Arc<Lifeline>,
    serving: Arc<Serving>,
    /// Counts the seats of its listener.
    number: u64,
    /// Where the session can be resumed.
    turn: Option<Box<Turn>>,
    lingers: bool,
}

impl Seat {
    pub(super) fn new(lifeline: Arc<Lifeline>, serving: Arc<Serving>, turn: Option<Turn>) -> Self {
        Self {
            lifeline,
            number: serving.seats.fetch_add(1, Ordering::Relaxed),
            serving,
            turn: turn.map(Box::new),
            lingers: false,
        }
    }

    /// Carries the session, which was told of the connection, until that ends.
    pub(super) fn drive(mut self, link: Link, peer: Peer) -> impl Future<Output = ()> + use<> {
        let origin = origin(&self.lifeline, peer);
        let session = Arc::clone(self.lifeline.session());
        let mut driver = Driver::new(session, link, origin);
        async move {
            self.heed_stop();
            let reason = poll_fn(|cx| match Pin::new(&mut driver).poll(cx) {
                Poll::Pending => self.poll_taken_over(cx),
                ended => ended,
            });
            let reason = reason.await;
            let shown = Foreign::excerpt(&reason);
            tracing::debug!(peer = %driver.peer(), reason = %shown, "a connection ended");
            drop(driver);
            if self.lifeline.down(&reason) && !self.serving.stopping.is_cancelled() {
                self.linger();
            }
        }
    }

    /// Has the session told when the server stops.
    fn heed_stop(&self) {
        let session = Arc::downgrade(&self.lifeline);
        self.serving.carried().insert(self.number, session);
        if self.serving.stopping.is_cancelled() {
            self.lifeline.leave(STOPS);
        }
    }

    /// Ready when the session came back over another connection.
    fn poll_taken_over(&mut self, cx: &mut Context<'_>) -> Poll<Disconnected> {
        match &mut self.turn {
            Some(turn) => Pin::new(&mut turn.taken_over)
                .poll(cx)
                .map(|_| Disconnected::Left("it came back over another connection".to_owned())),
            None => Poll::Pending,
        }
    }

    /// Has the session wait for its client, for as long as the lease.
    pub(super) fn linger(mut self) {
        let Some(turn) = self.turn.take() else {
            return;
        };
        self.lingers = true;
        let (serving, number) = (Arc::clone(&self.serving), turn.number);
        let leased = Arc::clone(&turn.leased);
        let lease = sleep(serving.settings.lease);
        drop((self, turn));
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = serving.stopping.cancelled() => {}
                () = lease => {}
            }
            // Whoever has the turn by now goes on with the session.
            if let Ok(_guard) = leased.turn.try_lock()
                && leased.turns.load(Ordering::Relaxed) == number
            {
                serving.sessions.remove(leased.token);
                leased.lifeline.end(&Disconnected::Forgotten);
            }
        });
    }
}

/// Ends the session when the connection does, however that comes about.
impl Drop for Seat {
    fn drop(&mut self) {
        self.serving.carried().remove(&self.number);
        if self.lingers {
            return;
        }
        if let Some(turn) = &self.turn {
            self.serving.sessions.remove(turn.leased.token);
        }
        self.lifeline.end(&Disconnected::Closed);
    }
}
