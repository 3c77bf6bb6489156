//! The sessions of a server, and the connections that carry them.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rpc_core::transport::Peer;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::rpc::client::origin;
use crate::rpc::error::Disconnected;
use crate::rpc::greeting;
use crate::rpc::message::Token;
use crate::rpc::session::{Apart, Driver, Lifeline, Link};

/// The sessions that can be resumed.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Token, Arc<Seated>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Arc<Seated>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, token: Token) -> Option<Arc<Seated>> {
        self.lock().get(&token).cloned()
    }

    /// Says whether there was room.
    pub(super) fn add(&self, token: Token, seated: &Arc<Seated>, max_lingering: usize) -> bool {
        let mut sessions = self.lock();
        // Those with a connection are limited already.
        let has_room = sessions.len() < max_lingering.saturating_mul(2);
        if has_room {
            sessions.insert(token, Arc::clone(seated));
        }
        has_room
    }

    pub(super) fn remove(&self, token: Token) {
        let removed = self.lock().remove(&token);
        // Its objects are dropped where the lock is free.
        drop(removed);
    }
}

/// A session of this server.
pub(super) struct Seated {
    pub(super) lifeline: Arc<Lifeline>,
    /// Held by the connection that carries the session.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Tells that connection to let go.
    current: Mutex<CancellationToken>,
    /// How many connections carried it.
    turns: AtomicU64,
}

impl Seated {
    pub(super) fn new(lifeline: Arc<Lifeline>) -> Arc<Self> {
        Arc::new(Self {
            lifeline,
            turn: Arc::default(),
            current: Mutex::default(),
            turns: AtomicU64::new(0),
        })
    }

    fn current(&self) -> MutexGuard<'_, CancellationToken> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session over from the connection that carried it, which lets go first.
    pub(super) async fn take_over(
        self: Arc<Self>,
        sessions: &Arc<Sessions>,
        lease: Duration,
    ) -> Option<Seat> {
        self.current().cancel();
        let turn = timeout(greeting::TIME, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.ok().filter(|_| !self.lifeline.is_ended())?;
        let taken_over = CancellationToken::new();
        *self.current() = taken_over.clone();
        Some(Seat {
            lifeline: Arc::clone(&self.lifeline),
            number: self.turns.fetch_add(1, Ordering::Relaxed) + 1,
            end: EndOnDrop {
                seated: Some(self),
                sessions: Arc::clone(sessions),
            },
            _turn: turn,
            taken_over,
            lease,
        })
    }
}

/// What a connection is told from outside.
enum Signal {
    TakenOver,
    Stopping,
}

async fn signal(taken_over: CancellationToken, stopping: Option<CancellationToken>) -> Signal {
    let stopping = async {
        match stopping {
            Some(stopping) => stopping.cancelled_owned().await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        () = taken_over.cancelled() => Signal::TakenOver,
        () = stopping => Signal::Stopping,
    }
}

/// A session, and the right to carry it. If that is dropped, the session ends.
pub(super) struct Seat {
    lifeline: Arc<Lifeline>,
    end: EndOnDrop,
    _turn: OwnedMutexGuard<()>,
    taken_over: CancellationToken,
    /// Which of the connections this is that carried the session.
    number: u64,
    lease: Duration,
}

impl Seat {
    /// Carries the session, which was told of the connection, until that ends.
    pub(super) fn drive(
        self,
        link: Link,
        peer: Peer,
        stopping: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let origin = origin(&self.lifeline, peer.clone());
        let session = Arc::clone(self.lifeline.session());
        let mut driver = Box::new(Driver::new(session, link, origin));
        let taken_over = self.taken_over.clone();
        let mut signals = Apart::new(signal(taken_over.clone(), Some(stopping.clone())));
        async move {
            let reason = loop {
                tokio::select! {
                    biased;
                    reason = &mut driver => break reason,
                    told = &mut signals => match told {
                        Signal::TakenOver => {
                            break Disconnected::Left("it came back over another connection".to_owned());
                        }
                        Signal::Stopping => {
                            self.lifeline.leave("the server stops");
                            signals = Apart::new(signal(taken_over.clone(), None));
                        }
                    },
                }
            };
            drop(driver);
            tracing::debug!(%peer, %reason, "a connection ended");
            let goes_on = self.lifeline.down(&reason);
            if !goes_on || self.lease.is_zero() || stopping.is_cancelled() {
                return;
            }
            self.linger(stopping);
        }
    }

    /// Has the session wait for its client, for as long as the lease.
    pub(super) fn linger(mut self, stopping: CancellationToken) {
        let Some(seated) = self.end.seated.take() else {
            return;
        };
        let (sessions, number) = (Arc::clone(&self.end.sessions), self.number);
        let lease = sleep(self.lease);
        drop(self);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = lease => {}
            }
            // Whoever has the turn by now goes on with the session.
            if let Ok(_turn) = seated.turn.try_lock()
                && seated.turns.load(Ordering::Relaxed) == number
            {
                sessions.remove(seated.lifeline.token);
                seated.lifeline.end(&Disconnected::Forgotten);
            }
        });
    }
}

/// Ends the session when the connection does, however that comes about.
struct EndOnDrop {
    seated: Option<Arc<Seated>>,
    sessions: Arc<Sessions>,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(seated) = &self.seated {
            self.sessions.remove(seated.lifeline.token);
            seated.lifeline.end(&Disconnected::Closed);
        }
    }
}
