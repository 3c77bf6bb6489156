//! A session: the calls, objects and streams of two ends, whatever connection carries them.
//!
//! All of its state is behind one lock, which is held for moments and never while code of the program
//! runs. What a change entails (tasks to wake, values to drop) is collected in [`Effects`], and done when
//! the lock is free. The [`driver`] moves bytes between the state and a connection.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use foldhash::fast::RandomState;
use rpc_core::{CallLimit, Fault, FaultKind, Registry};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

mod answers;
mod apart;
mod bell;
mod calling;
mod calls;
mod driver;
mod effects;
mod numbered;
mod object;
mod objects;
mod promise;
mod receive;
mod sink;
mod streams;

pub(super) use apart::Apart;
pub(super) use calling::Calling;
pub(super) use driver::{Driver, Link};
pub(super) use object::{Local, Object};
pub(super) use promise::asking;
pub(super) use streams::{Attached, Incoming, Source};

use self::answers::Answering;
use self::calls::Pending;
use self::effects::{Discard, Effects};
use self::numbered::Numbered;
use self::objects::{Export, Import};
use self::sink::Sink;
use self::streams::{Consumer, Producer};
use super::encoding::Encoding;
use super::error::Disconnected;
use super::message::{Limits, Message, ObjectId, Token};
use crate::frame::Encoder;

/// How many bytes may wait to be written before calls and streams wait with more.
const ROOM: u64 = 256 * 1024;

type Map<K, V> = HashMap<K, V, RandomState>;

/// How this end of a session behaves.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) limits: Limits,
    /// How many bytes of answers may wait to be written before further calls are refused.
    pub(super) max_backlog: u64,
    /// How long nothing may come before the other end is asked for a sign of life, and then again before
    /// it is given up.
    pub(super) keepalive: Duration,
    /// How long the session outlives its connection.
    pub(super) lease: Duration,
    /// Whether faults tell their causes.
    pub(super) sends_causes: bool,
    /// The calls that are answered over all connections.
    pub(super) calls: CallLimit,
}

/// A session.
pub(super) struct Session {
    this: Weak<Self>,
    state: Mutex<State>,
    pub(super) encoding: Encoding,
    pub(super) settings: Settings,
    /// Whether this end makes a new connection when one breaks.
    reconnects: bool,
    /// What this session is resumed by.
    pub(super) token: Token,
    ended: CancellationToken,
    runtime: Handle,
    lifeline: OnceLock<Weak<Lifeline>>,
}

struct State {
    phase: Phase,
    /// What this end offers.
    root: Registry<Encoding>,
    /// The objects that were made for this session alone, by the number of their registration.
    instances: Map<u64, Registry<Encoding>>,
    /// The limits of the other end.
    peer: Limits,
    /// What is to be written next, and how many bytes ever were to be.
    outbox: Encoder,
    pushed: u64,
    /// How many of them were written to the connection.
    written: Arc<AtomicU64>,
    /// Wakes the driver, where it has nothing to do.
    driver: Option<Waker>,
    /// The sending half of the connection.
    sink: Weak<Sink>,
    /// The streams that wait until less is to be written.
    want_room: Vec<u64>,

    calls: Numbered<Pending>,
    /// Calls that are to be sent as soon as they may, the oldest first.
    waiting: VecDeque<u64>,
    /// Calls that the other end has to answer.
    in_flight: usize,
    /// Whether there was more than one since there was none, and whether there was not, before that.
    had_company: bool,
    is_lone: bool,

    answers: Map<u64, Answering>,
    /// Calls of the other end that have begun just now, and are not among the answers (yet).
    beginning: usize,
    /// How many bytes the calls have that wait for what others promised.
    put_off: u64,
    /// The newest call of the other end.
    last_answer: u64,

    exports: Map<ObjectId, Export>,
    last_export: u64,
    imports: Map<ObjectId, Import>,
    /// Cancelled when none of the imports leads anywhere any more; there when there are any.
    references: Option<CancellationToken>,
    /// References that went since the other end was last told.
    releases: Vec<(ObjectId, u64)>,

    producers: Map<u64, Producer>,
    last_stream: u64,
    consumers: Map<u64, Consumer>,
    /// What the items cost that came and were not taken.
    unread: u64,
}

/// Where a session is in its life.
#[derive(Debug)]
enum Phase {
    /// There is a connection.
    Up,
    /// There is a connection, and no new calls are made on it. `ours` tells which end wants that.
    Leaving { ours: bool, reason: String },
    /// There is no connection, but there may be another.
    Down(Disconnected),
    /// It is over.
    Ended(Disconnected),
}

/// What a table has, the oldest first: what becomes of it does not depend on how the table is laid out.
fn in_order<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> impl Iterator<Item = V> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    entries.into_iter().map(|(_, value)| value)
}

/// Stands where an object or a stream was to be that is no longer there.
struct Missing;

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
        settings: Settings,
        root: Registry<Encoding>,
        reconnects: bool,
        token: Token,
    ) -> Arc<Lifeline> {
        let state = State {
            phase: Phase::Down(Disconnected::Closed),
            root,
            instances: Map::default(),
            peer: Limits::default(),
            outbox: Encoder::new(),
            pushed: 0,
            written: Arc::default(),
            driver: None,
            sink: Weak::new(),
            want_room: Vec::new(),
            calls: Numbered::new(),
            waiting: VecDeque::new(),
            in_flight: 0,
            had_company: false,
            is_lone: true,
            answers: Map::default(),
            beginning: 0,
            put_off: 0,
            last_answer: 0,
            exports: Map::default(),
            last_export: 0,
            imports: Map::default(),
            references: None,
            releases: Vec::new(),
            producers: Map::default(),
            last_stream: 0,
            consumers: Map::default(),
            unread: 0,
        };
        let session = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            state: Mutex::new(state),
            encoding,
            settings,
            reconnects,
            token,
            ended: CancellationToken::new(),
            runtime: Handle::current(),
            lifeline: OnceLock::new(),
        });
        let lifeline = Arc::new(Lifeline(Arc::clone(&session)));
        // It was made just now.
        let _ = session.lifeline.set(Arc::downgrade(&lifeline));
        lifeline
    }

    /// Changes the state, then does what that entails.
    fn change<R>(&self, change: impl FnOnce(&mut State, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        self.change_with(&mut effects, |state, effects| {
            let result = change(state, effects);
            if state.has_output() {
                effects.wake(state.driver.take());
            }
            result
        })
    }

    /// The same for the driver, which needs nobody to tell it that there is something to write.
    fn change_with<R>(
        &self,
        effects: &mut Effects,
        change: impl FnOnce(&mut State, &mut Effects) -> R,
    ) -> R {
        let result = change(&mut self.lock(), effects);
        effects.run(&self.runtime);
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the session that the handle keeps open.
    fn is(&self, other: &Lifeline) -> bool {
        std::ptr::eq(self, Arc::as_ptr(other.session()))
    }

    /// A handle that keeps the session open, while any other does.
    fn lifeline(&self) -> Option<Arc<Lifeline>> {
        self.lifeline.get()?.upgrade()
    }

    /// The object made for this session by the factory with this number.
    pub(super) fn instance(
        &self,
        factory: u64,
        make: impl FnOnce() -> Result<Registry<Encoding>, Fault>,
    ) -> Result<Registry<Encoding>, Fault> {
        let made = self.change(|state, _| state.instances.get(&factory).cloned());
        if let Some(made) = made {
            return Ok(made);
        }
        // The factory is the program's code: it runs without the lock.
        let made = make()?;
        let first = self.change(|state, _| {
            let first = state.instances.entry(factory);
            first.or_insert_with(|| made.clone()).clone()
        });
        Ok(first)
    }

    /// Takes note of a new connection. On one that resumes the session, the ends tell each other what they
    /// refer to. A session that is over stays so, and its driver closes the connection.
    pub(super) fn up(&self, peer: Limits, resumed: bool) {
        self.change(|state, effects| {
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Up;
            // What this end lets the other hold on to takes memory here, whatever the other is ready to take.
            let own = &self.settings.limits;
            state.peer = Limits {
                max_streams: peer.max_streams.min(own.max_streams),
                max_objects: peer.max_objects.min(own.max_objects),
                ..peer
            };
            state.outbox = Encoder::new();
            state.pushed = 0;
            state.written = Arc::default();
            state.last_answer = 0;
            if resumed {
                self.tell_held(state);
            } else {
                self.forget_references(state, effects);
            }
            self.send_waiting(state, effects);
        });
    }

    /// Takes note that the connection is gone, and ends what depended on it. Says whether the session can
    /// go on with another connection.
    pub(super) fn down(&self, reason: &Disconnected) -> bool {
        let goes_on = self.change_at_end(|state, effects| {
            if matches!(state.phase, Phase::Ended(_) | Phase::Down(_)) {
                return false;
            }
            let wanted = matches!(state.phase, Phase::Leaving { ours: true, .. });
            let last_message = std::mem::take(&mut state.outbox);
            effects.drop(last_message);
            state.phase = Phase::Down(reason.clone());
            state.fail_answers(effects);
            state.fail_streams(reason, effects);
            let reconnects = self.reconnects && !wanted;
            state.interrupt_calls(reason, reconnects, effects);
            reconnects || (!self.settings.lease.is_zero() && !wanted)
        });
        if !goes_on {
            self.end(reason);
        }
        goes_on
    }

    /// Ends the session for good.
    pub(super) fn end(&self, reason: &Disconnected) {
        self.change_at_end(|state, effects| {
            if matches!(state.phase, Phase::Ended(_)) {
                return;
            }
            state.phase = Phase::Ended(reason.clone());
            // What is offered may keep objects of this session, and with them the session.
            effects.drop(std::mem::take(&mut state.root));
            effects.drop(state.instances.drain().collect::<Vec<_>>());
            state.fail_answers(effects);
            state.fail_streams(reason, effects);
            state.interrupt_calls(reason, false, effects);
            self.forget_references(state, effects);
            effects.wake(state.driver.take());
        });
        self.ended.cancel();
    }

    /// Makes no more calls, answers those that came, then closes the connection.
    pub(super) fn leave(&self, why: &str) {
        let over = self.change(|state, effects| match &mut state.phase {
            Phase::Up => {
                state.phase = Phase::Leaving {
                    ours: true,
                    reason: String::new(),
                };
                let last = state.last_answer;
                state.push(&Message::Goodbye { last, reason: why });
                state.fail_waiting(&Disconnected::Closed, effects);
                effects.wake(state.driver.take());
                false
            }
            Phase::Leaving { ours, .. } => {
                *ours = true;
                effects.wake(state.driver.take());
                false
            }
            Phase::Down(_) => true,
            Phase::Ended(_) => false,
        });
        if over {
            self.end(&Disconnected::Closed);
        }
    }

    /// Ends when the session is over for good.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// What the session holds, for tests and logs.
    pub(super) fn load(&self) -> Load {
        self.change(|state, _| Load {
            calls: state.calls.len(),
            answers: state.answers.len() + state.beginning,
            exports: state.exports.len(),
            imports: state.imports.len(),
            streams: state.producers.len() + state.consumers.len(),
        })
    }
}

/// How much a session holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls that this side made and that have not ended.
    pub calls: usize,
    /// Calls of the other side that are being answered.
    pub answers: usize,
    /// Objects of this side that the other refers to.
    pub exports: usize,
    /// Objects of the other side that this one refers to.
    pub imports: usize,
    /// Streams in either direction.
    pub streams: usize,
}

impl State {
    /// Appends a message.
    fn push(&mut self, message: &Message<'_>) {
        self.push_with(|out| message.write(out));
    }

    fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.outbox.unwritten().len();
        let pushed: Result<(), std::convert::Infallible> = self.outbox.push_with(|out| {
            write(out);
            Ok(())
        });
        let Ok(()) = pushed;
        self.pushed += (self.outbox.unwritten().len() - before) as u64;
    }

    fn has_output(&self) -> bool {
        !self.outbox.unwritten().is_empty() || !self.releases.is_empty()
    }

    /// How many bytes of this connection the other end may know of.
    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How many bytes wait to be written.
    fn backlog(&self) -> u64 {
        self.pushed.saturating_sub(self.written())
    }

    fn has_room(&self) -> bool {
        self.backlog() < ROOM
    }

    /// How much waits to be written or told, in bytes.
    fn debt(&self) -> u64 {
        self.backlog() + 17 * self.releases.len() as u64
    }

    /// Whether messages can be sent.
    const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Up | Phase::Leaving { .. })
    }

    /// Why no more calls can be made.
    fn reason(&self) -> Disconnected {
        match &self.phase {
            Phase::Up => Disconnected::Closed,
            Phase::Leaving { ours: true, .. } => Disconnected::Closed,
            Phase::Leaving { reason, .. } => Disconnected::Left(reason.clone()),
            Phase::Down(reason) | Phase::Ended(reason) => reason.clone(),
        }
    }
}

/// Keeps a session open. When the last one goes, this side leaves.
pub(super) struct Lifeline(Arc<Session>);

impl Lifeline {
    pub(super) const fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Deref for Lifeline {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.0.leave("");
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("encoding", &self.encoding)
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

/// The fault for what breaks a limit of this end.
pub(super) fn overloaded(message: impl Into<String>) -> Fault {
    Fault::of(FaultKind::Overloaded, message)
}
