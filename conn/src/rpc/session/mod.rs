//! Sessions: the calls, objects and streams that two peers share, over one connection or several.
//!
//! One lock guards all state of a session. It is held briefly and never while code of the program
//! runs. The consequences of a change (tasks to wake, values to drop) are collected in [`Deferred`]
//! and carried out after the lock is released. The [`driver`] moves bytes between the state and a
//! connection.

mod account;
mod call_future;
mod call_table;
mod call_timeout;
mod closing;
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
mod write_half;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use farcall_core::protocol::{CallLimit, Layers};
use farcall_core::{Budget, Fault, FaultKind, Registry};
use foldhash::fast::RandomState;
use tokio::runtime::Handle;

pub(super) use call_future::CallFuture;
pub(super) use driver::{ConnectionHalves, Driver};
pub(super) use lifecycle::SessionHandle;
pub(super) use object::{LocalObject, ObjectHandle};
pub(super) use pipelining::capture_promise;
pub(super) use streams::{IncomingStream, ItemSource, OutgoingStream};

use self::deferred::{Deferred, DeferredDrop};
use self::references::AttachmentTables;
use self::state::{Phase, SessionState};
use super::encoding::Encoding;
use super::message::SessionLimits;

/// Backlog above which calls and stream items wait to be sent, in bytes.
const OUTBOX_LIMIT: u64 = 256 * 1024;

type Map<K, V> = HashMap<K, V, RandomState>;

/// Settings of the local side of a session.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) limits: SessionLimits,
    /// Maximum bytes of replies in the outbox. Above it, further calls are refused.
    pub(super) max_backlog: u64,
    /// Silence after which a ping is sent. After the same time of silence again, the connection is
    /// closed.
    pub(super) keepalive: Duration,
    /// Default timeout of outgoing calls, for calls without a deadline of their own.
    pub(super) timeout: Option<Duration>,
    /// Maximum bytes of a result or an item that the local side sends.
    pub(super) max_reply: u64,
    /// Budget for the memory held on behalf of the peer, if the listener has one.
    pub(super) budget: Option<Budget>,
    /// Time for which the session outlives its connection.
    pub(super) lease: Duration,
    /// `true` if the local side makes a new connection when one breaks.
    pub(super) reconnects: bool,
    /// `true` if faults are sent with their causes.
    pub(super) sends_causes: bool,
    /// Limit of the calls that run over all connections of the server, if there is one.
    pub(super) calls: Option<CallLimit>,
    /// Layers around calls of the peer on objects. The registry has its own.
    pub(super) layers: Option<Layers<Encoding>>,
}

/// A session with one peer.
pub(super) struct Session {
    this: Weak<Self>,
    state: Mutex<SessionState>,
    pub(super) encoding: Encoding,
    pub(super) settings: Arc<Settings>,
    /// `true` if the local side makes a new connection when one breaks.
    reconnects: bool,
    /// `true` once the session has ended for good.
    is_ended: AtomicBool,
    /// `true` while the session has an account in the budget, and can be evicted.
    has_account: AtomicBool,
    runtime: Handle,
    handle: Weak<SessionHandle>,
}

/// Returns the values of a table in the order of their keys (the oldest first), so that their
/// treatment does not depend on the layout of the table.
fn in_order<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> impl Iterator<Item = V> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    entries.into_iter().map(|(_, value)| value)
}

/// Placeholder for a received object or stream that no longer exists.
struct MissingAttachment;

/// Returns 128 unpredictable random bits.
pub(super) fn random() -> [u8; 16] {
    let mut bits = [0; 16];
    // Without random numbers, object ids and session tokens could be guessed. No caller could
    // handle this failure.
    getrandom::fill(&mut bits).expect("the operating system provides random numbers");
    bits
}

impl Session {
    /// Creates a session, which stays open while any [`SessionHandle`] of it exists.
    pub(super) fn open(
        encoding: Encoding,
        settings: Arc<Settings>,
        root: Registry<Encoding>,
    ) -> Arc<SessionHandle> {
        Arc::new_cyclic(|handle| {
            let session = |this: &Weak<Self>| Self {
                this: this.clone(),
                state: Mutex::new(SessionState::new(root)),
                encoding,
                reconnects: settings.reconnects,
                settings,
                is_ended: AtomicBool::new(false),
                has_account: AtomicBool::new(false),
                runtime: Handle::current(),
                handle: handle.clone(),
            };
            SessionHandle(Arc::new_cyclic(session))
        })
    }

    /// Changes the state, then carries out the deferred actions. Wakes the driver if there is
    /// output.
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

    /// Like [`update`](Self::update), for the driver, which does not need to be woken for output.
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

    /// Returns `true` if `other` keeps this session open.
    fn is_session_of(&self, other: &SessionHandle) -> bool {
        std::ptr::eq(self, Arc::as_ptr(other.session()))
    }

    /// Returns a handle that keeps the session open, if any such handle still exists.
    fn handle(&self) -> Option<Arc<SessionHandle>> {
        self.handle.upgrade()
    }

    /// Returns the object that the factory with this number made for this session, and makes it
    /// first if it does not exist yet.
    pub(super) fn instance(
        &self,
        factory: u64,
        make: impl FnOnce() -> Result<Registry<Encoding>, Fault>,
    ) -> Result<Registry<Encoding>, Fault> {
        let made = self.update(|state, _| state.tables().instances.get(&factory).cloned());
        if let Some(made) = made {
            return Ok(made);
        }
        // The factory is code of the program: it runs without the lock.
        let made = make()?;
        let first = self.update(|state, _| {
            let first = state.tables().instances.entry(factory);
            first.or_insert_with(|| made.clone()).clone()
        });
        Ok(first)
    }

    /// Returns the numbers of calls, objects and streams, for tests and logs.
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

/// Numbers of calls, objects and streams of a session at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Calls made by the local side that have not completed.
    pub outgoing_calls: usize,
    /// Calls made by the peer that have not completed.
    pub incoming_calls: usize,
    /// Local objects that the peer refers to.
    pub exported_objects: usize,
    /// Objects of the peer that the local side refers to.
    pub imported_objects: usize,
    /// Open streams, in both directions.
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

/// Creates the fault for a request that exceeds a local limit.
pub(super) fn overloaded(message: impl Into<String>) -> Fault {
    Fault::of(FaultKind::Overloaded, message)
}
