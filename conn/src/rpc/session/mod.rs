//! A session: the calls, objects and streams of two ends, whatever connection carries them.
//!
//! All of its state is behind one lock, which is held for moments and never while code of the program
//! runs. What a change entails (tasks to wake, values to drop) is collected in [`Effects`], and done when
//! the lock is free. The [`driver`] moves bytes between the state and a connection.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use foldhash::fast::RandomState;
use rpc_core::{Budget, CallLimit, Fault, FaultKind, Registry};
use tokio::runtime::Handle;

mod account;
mod call_future;
mod call_table;
mod call_timeout;
mod deferred;
mod dispatch;
mod driver;
mod incoming;
mod lifecycle;
mod object;
mod outgoing;
mod pipelining;
mod references;
mod state;
mod streams;
mod timer;
mod write_half;

pub(super) use call_future::CallFuture;
pub(super) use driver::{Driver, Link};
pub(super) use lifecycle::Lifeline;
pub(super) use object::{LocalObject, ObjectHandle};
pub(super) use pipelining::capture_promise;
pub(super) use streams::{IncomingStream, ItemSource, OutgoingStream};

use self::deferred::{Deferred, DeferredDrop};
use self::references::AttachmentTables;
use self::state::{Phase, SessionState};
use super::encoding::Encoding;
use super::message::SessionLimits;

/// How many bytes may wait to be written before calls and streams wait with more.
const OUTBOX_LIMIT: u64 = 256 * 1024;

type Map<K, V> = HashMap<K, V, RandomState>;

/// How this end of a session behaves.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) limits: SessionLimits,
    /// How many bytes of answers may wait to be written before further calls are refused.
    pub(super) max_backlog: u64,
    /// How long nothing may come before the other end is asked for a sign of life, and then again before
    /// it is given up.
    pub(super) keepalive: Duration,
    /// How long calls of this end wait where nobody chose another time.
    pub(super) timeout: Option<Duration>,
    /// The most bytes of a result or an item that this end sends.
    pub(super) max_reply: u64,
    /// The room for what is held on behalf of the other end, where that has a limit.
    pub(super) budget: Option<Budget>,
    /// How long the session outlives its connection.
    pub(super) lease: Duration,
    /// Whether faults tell their causes.
    pub(super) sends_causes: bool,
    /// The calls that are answered over all connections, where they have a limit.
    pub(super) calls: Option<CallLimit>,
}

/// A session.
pub(super) struct Session {
    this: Weak<Self>,
    state: Mutex<SessionState>,
    pub(super) encoding: Encoding,
    pub(super) settings: Arc<Settings>,
    /// Whether this end makes a new connection when one breaks.
    reconnects: bool,
    /// Whether it is over for good.
    is_ended: AtomicBool,
    /// Whether it has room in the budget, so that it may have to go.
    has_hold: AtomicBool,
    runtime: Handle,
    lifeline: Weak<Lifeline>,
}

/// What a table has, the oldest first: what becomes of it does not depend on how the table is laid out.
fn in_order<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> impl Iterator<Item = V> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    entries.into_iter().map(|(_, value)| value)
}

/// Stands where an object or a stream was to be that is no longer there.
struct MissingAttachment;

/// Random bits that nobody can guess.
pub(super) fn random() -> [u8; 16] {
    let mut bits = [0; 16];
    // Without random numbers nothing here would be safe, and there is nobody to tell.
    getrandom::fill(&mut bits).expect("the system gives random numbers");
    bits
}

impl Session {
    /// A session, which goes on while there are handles of it.
    pub(super) fn open(
        encoding: Encoding,
        settings: Arc<Settings>,
        root: Registry<Encoding>,
        reconnects: bool,
    ) -> Arc<Lifeline> {
        Arc::new_cyclic(|lifeline| {
            let session = |this: &Weak<Self>| Self {
                this: this.clone(),
                state: Mutex::new(SessionState::new(root)),
                encoding,
                settings,
                reconnects,
                is_ended: AtomicBool::new(false),
                has_hold: AtomicBool::new(false),
                runtime: Handle::current(),
                lifeline: lifeline.clone(),
            };
            Lifeline(Arc::new_cyclic(session))
        })
    }

    /// Changes the state, then does what that entails.
    fn update<R>(&self, update: impl FnOnce(&mut SessionState, &mut Deferred) -> R) -> R {
        let mut deferred = Deferred::default();
        self.update_with(&mut deferred, |state, deferred| {
            let result = update(state, deferred);
            if state.has_output() {
                deferred.wake(state.driver_waker.take());
            }
            result
        })
    }

    /// The same for the driver, which needs nobody to tell it that there is something to write.
    fn update_with<R>(
        &self,
        deferred: &mut Deferred,
        update: impl FnOnce(&mut SessionState, &mut Deferred) -> R,
    ) -> R {
        let result = {
            let state = &mut *self.lock();
            let result = update(state, deferred);
            self.update_hold(state);
            result
        };
        deferred.run(&self.runtime);
        result
    }

    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the session that the handle keeps open.
    fn is_session_of(&self, other: &Lifeline) -> bool {
        std::ptr::eq(self, Arc::as_ptr(other.session()))
    }

    /// A handle that keeps the session open, while any other does.
    fn lifeline(&self) -> Option<Arc<Lifeline>> {
        self.lifeline.upgrade()
    }

    /// The object made for this session by the factory with this number.
    pub(super) fn instance(
        &self,
        factory: u64,
        make: impl FnOnce() -> Result<Registry<Encoding>, Fault>,
    ) -> Result<Registry<Encoding>, Fault> {
        let made = self.update(|state, _| state.tables().instances.get(&factory).cloned());
        if let Some(made) = made {
            return Ok(made);
        }
        // The factory is the program's code: it runs without the lock.
        let made = make()?;
        let first = self.update(|state, _| {
            let first = state.tables().instances.entry(factory);
            first.or_insert_with(|| made.clone()).clone()
        });
        Ok(first)
    }

    /// What the session holds, for tests and logs.
    pub(super) fn stats(&self) -> SessionStats {
        self.update(|state, _| SessionStats {
            outgoing_calls: state.outgoing.len(),
            incoming_calls: state.incoming.len() + state.starting,
            ..state
                .tables
                .as_deref()
                .map(SessionStats::of)
                .unwrap_or_default()
        })
    }
}

/// How much a session holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Calls that this side made and that have not ended.
    pub outgoing_calls: usize,
    /// Calls of the other side that are being answered.
    pub incoming_calls: usize,
    /// Objects of this side that the other refers to.
    pub exported_objects: usize,
    /// Objects of the other side that this one refers to.
    pub imported_objects: usize,
    /// Streams in either direction.
    pub streams: usize,
}

impl SessionStats {
    fn of(tables: &AttachmentTables) -> Self {
        Self {
            exported_objects: tables.exports.len(),
            imported_objects: tables.imports.len(),
            streams: tables.producers.len() + tables.consumers.len(),
            ..Self::default()
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("encoding", &self.encoding)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// The fault for what breaks a limit of this end.
pub(super) fn overloaded(message: impl Into<String>) -> Fault {
    Fault::of(FaultKind::Overloaded, message)
}
