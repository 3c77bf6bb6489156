//! The task that drives a session over one connection: it reads, writes and checks timeouts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use farcall_core::protocol::Origin;
use farcall_core::protocol::time::LazySleep;
use farcall_core::transport::Peer;
use farcall_core::{Budget, Registry};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::closing::ClosingState;
use super::dispatch::counted_size;
use super::write_half::SharedWriteHalf;
use super::{Deferred, Phase, Session, SessionState};
use crate::account::RETRY;
use crate::connection::{Reader, Writer};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, Counts, Message};

/// Maximum messages handled per turn, before output is written and other tasks run.
const MESSAGES_PER_TURN: usize = 256;

/// Maximum reads per turn when few complete messages arrive.
const READS_PER_TURN: usize = 32;

/// Extra backlog for "overloaded" replies once `max_backlog` is exceeded, in bytes. Above it,
/// nothing is read from the peer.
const REJECTION_BACKLOG: u64 = 1024 * 1024;

/// Goodbye reason for the peer of an evicted connection.
const EVICTED: &str =
    "the connection held too much memory for too long, and the server needs the room";

/// The two halves of a connection.
pub(in crate::rpc) struct ConnectionHalves {
    pub(in crate::rpc) reader: Reader,
    pub(in crate::rpc) writer: Writer,
}

/// Moves bytes between a session and its connection until the connection closes. The future
/// completes with the reason.
pub(in crate::rpc) struct Driver {
    pub(super) session: Arc<Session>,
    pub(super) reader: Reader,
    pub(super) origin: Arc<Origin>,
    /// Methods that the local side offers to every peer.
    pub(super) root: Registry<Encoding>,
    /// Actions deferred while messages are handled.
    pub(super) deferred: Deferred,
    /// Maximum bytes of a result: the smaller of what the peer reads and what the local side sends.
    pub(super) reply_limit: u64,
    /// Replies of calls that completed immediately. They are encoded outside the session lock.
    pub(super) replies: Encoder,
    /// Bytes that waited to be written before these replies.
    pub(super) backlog: u64,
    pub(super) write_half: Arc<SharedWriteHalf>,
    /// `true` while the peer reads its replies, so that more is read from it.
    pub(super) can_read: bool,
    /// `true` if the session had no output when messages were last handled, and wakes this task
    /// for new output.
    pub(super) is_quiescent: bool,
    /// `true` if `Held` must be the next message: the first one on a connection that resumed the
    /// session.
    pub(super) expects_held: bool,
    /// `true` if the last write left nothing unwritten.
    all_written: bool,
    /// `true` if the session counts the memory of the decoder in its account.
    pub(super) decoder_counted: bool,
    /// Set while the budget has no room for the next message.
    budget_wait: Option<Box<BudgetWait>>,
    pub(super) yielding: Yielding,
    liveness: Liveness,
    /// Time of the last received bytes, to the precision of the timer.
    last_received: Instant,
    /// Time at which the connection stopped taking bytes.
    write_blocked_since: Option<Instant>,
    pub(super) timer: LazySleep,
    /// Set while the session is being closed.
    pub(super) closing: Option<Box<ClosingState>>,
}

/// A wait for room in the budget.
struct BudgetWait {
    since: Instant,
    /// Next attempt to reserve the room.
    retry: Pin<Box<Sleep>>,
}

/// The yield to other tasks before the driver runs. Tasks that were woken together with it make
/// calls, too, and one write can then carry all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Yielding {
    /// At most one outgoing call was in flight when the driver last checked.
    Off,
    /// Several calls were: the driver yields once when it is next polled.
    Due,
    /// It has yielded, and runs when it is next polled.
    Done,
}

impl Yielding {
    /// Returns the yield with this number of calls in flight.
    pub(super) const fn with_in_flight(calls: usize) -> Self {
        match calls > 1 {
            true => Self::Due,
            false => Self::Off,
        }
    }
}

/// The signs of life of the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Liveness {
    /// Bytes were received since the last tick.
    Heard,
    /// Nothing was.
    Silent,
    /// Nothing was, and a ping was sent.
    Pinged,
}

impl Driver {
    /// Creates the driver. The session must already be [connected](Session::on_connected).
    pub(in crate::rpc) fn new(
        session: Arc<Session>,
        halves: ConnectionHalves,
        origin: Arc<Origin>,
    ) -> Self {
        let ConnectionHalves { reader, writer } = halves;
        let (write_half, reply_limit, root, expects_held) = session.update(|state, _| {
            let write_half = Arc::new(SharedWriteHalf::new(
                writer.stream,
                Arc::clone(&state.written),
            ));
            state.write_half = Arc::downgrade(&write_half);
            let reply_limit = state
                .peer_limits
                .max_message
                .min(session.settings.max_reply);
            (
                write_half,
                reply_limit,
                state.root.clone(),
                state.is_resumed,
            )
        });
        let now = Instant::now();
        let timer = LazySleep::new(now + session.settings.tick());
        Self {
            session,
            reader,
            origin,
            root,
            deferred: Deferred::default(),
            reply_limit,
            replies: Encoder::new(),
            backlog: 0,
            write_half,
            can_read: true,
            is_quiescent: false,
            expects_held,
            all_written: false,
            decoder_counted: false,
            budget_wait: None,
            yielding: Yielding::Off,
            liveness: Liveness::Silent,
            last_received: now,
            write_blocked_since: None,
            timer,
            closing: None,
        }
    }

    /// Returns the peer of this connection.
    pub(in crate::rpc) fn peer(&self) -> &Peer {
        &self.origin.peer
    }

    /// Reads, handles and writes without waiting. Returns `true` if this task has nothing to do
    /// until it is woken.
    fn poll_once(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let can_read = self.can_read;
        self.is_quiescent = false;
        let all_received = !can_read || self.poll_receive(cx)?;
        let all_sent = (self.is_quiescent && self.all_written && self.replies.is_empty())
            || self.poll_write(cx)?;
        self.poll_time(cx)?;
        if self.session.is_evicted(cx) {
            return Err(Disconnected::Evicted);
        }
        if self.closing.is_some() {
            self.poll_close(cx)?;
        }
        Ok(all_received && all_sent && can_read == self.can_read)
    }

    /// Reads and handles messages. Returns `true` if the connection has no more bytes for now.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let mut handled = 0;
        if !self.reader.decoder.is_empty() {
            handled = self.dispatch(MESSAGES_PER_TURN, cx.waker())?;
        }
        for _ in 0..READS_PER_TURN {
            if handled >= MESSAGES_PER_TURN || !self.can_read {
                return Ok(false);
            }
            if !self.poll_read(cx)? {
                return Ok(true);
            }
            handled += self.dispatch(MESSAGES_PER_TURN - handled, cx.waker())?;
        }
        Ok(false)
    }

    /// Reads once. Returns `true` if bytes were received.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let space = self.reader.decoder.prepare();
        if !self.reserve_decoder(cx)? {
            return Ok(false);
        }
        let reader = &mut self.reader;
        let mut space = ReadBuf::new(reader.decoder.prepared(space));
        match Pin::new(&mut reader.stream).poll_read(cx, &mut space) {
            Poll::Pending => {
                reader.decoder.release_buffer();
                self.reserve_decoder(cx)?;
                return Ok(false);
            }
            Poll::Ready(Err(error)) => return Err(error.into()),
            Poll::Ready(Ok(())) => {}
        }
        let count = space.filled().len();
        if count == 0 {
            return Err(match reader.decoder.end() {
                Ok(()) => self.session.update(|state, _| match &state.phase {
                    Phase::Closing { .. } => state.disconnect_reason(),
                    _ => Disconnected::Left(String::new()),
                }),
                Err(truncated) => Disconnected::broken(truncated),
            });
        }
        reader.decoder.filled(count);
        self.liveness = Liveness::Heard;
        Ok(true)
    }

    /// Reserves room in the budget for the memory of the decoder. Returns `true` if there is room;
    /// otherwise this task is woken to try again.
    fn reserve_decoder(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let size = counted_size(self.reader.decoder.size());
        if size == 0 && !self.decoder_counted {
            return Ok(true);
        }
        loop {
            if let Some(budget_wait) = &mut self.budget_wait
                && budget_wait.retry.as_mut().poll(cx).is_pending()
            {
                return Ok(false);
            }
            if self.session.reserve_for_message(size).is_ok() {
                self.decoder_counted = size > 0;
                self.budget_wait = None;
                return Ok(true);
            }
            let budget = self.session.settings.budget.as_ref();
            if budget.is_some_and(|budget| size - Budget::FREE > budget.bytes()) {
                return Err(Disconnected::Evicted);
            }
            let now = Instant::now();
            let since = self
                .budget_wait
                .as_ref()
                .map_or(now, |budget_wait| budget_wait.since);
            let retry = Box::pin(sleep_until(now + RETRY));
            self.budget_wait = Some(Box::new(BudgetWait { since, retry }));
        }
    }

    /// Writes the output. Returns `true` if all of it is written or the connection takes no more.
    /// The connection wakes this task when it takes more, the session when there is more output.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        loop {
            let mut half = self.write_half.lock();
            let mut took_all = false;
            if half.writing.is_empty() {
                let status = self.session.take_output(
                    &mut self.deferred,
                    &mut self.replies,
                    &mut half.writing,
                    cx,
                );
                (self.can_read, self.yielding) = (status.can_read, status.yielding);
                if status.is_closing {
                    self.closing.get_or_insert_with(ClosingState::requested);
                }
                took_all = status.can_read && status.has_outbox_room;
            }
            let has_output = !half.writing.is_empty();
            let mut wrote = match has_output {
                true => half.poll_write(cx),
                false => Poll::Ready(Ok(())),
            };
            // If nothing waits for room in the outbox, all output has been written now.
            let is_drained = !has_output || (took_all && half.writing.is_empty());
            if is_drained && matches!(wrote, Poll::Ready(Ok(()))) {
                wrote = half.poll_flush(cx);
            }
            let is_blocked = wrote.is_pending() && !half.writing.is_empty();
            drop(half);
            self.deferred.run(&self.session.runtime);
            match is_blocked {
                true => drop(self.write_blocked_since.get_or_insert_with(Instant::now)),
                false => self.write_blocked_since = None,
            }
            self.all_written = is_drained && wrote.is_ready();
            match wrote {
                Poll::Ready(result) => result?,
                Poll::Pending => return Ok(true),
            }
            if is_drained {
                return Ok(true);
            }
        }
    }

    /// Sends a ping after a silence, and fails after another one.
    pub(super) fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        let keepalive = self.session.settings.keepalive;
        while self.timer.poll(cx).is_ready() {
            let now = Instant::now();
            if self.liveness == Liveness::Heard {
                self.last_received = now;
                self.liveness = Liveness::Silent;
            }
            if let Some(budget_wait) = &self.budget_wait {
                // The local side does not read, so the silence is not the peer's.
                self.last_received = now;
                if now.duration_since(budget_wait.since) >= keepalive {
                    return Err(Disconnected::Evicted);
                }
            }
            let silent = now.duration_since(self.last_received);
            let timed_out = |since| now.duration_since(since) >= keepalive * 2;
            if (self.liveness == Liveness::Pinged && silent >= keepalive * 2)
                || self.write_blocked_since.is_some_and(timed_out)
            {
                return Err(Disconnected::Silent(keepalive * 2));
            }
            if silent >= keepalive && self.liveness == Liveness::Silent {
                self.liveness = Liveness::Pinged;
                self.session
                    .update(|state, _| state.push(&Message::Ping(0)));
            }
            self.session.tick(now);
            self.timer.reset(now + self.session.settings.tick());
            self.schedule_close_check(now);
        }
        Ok(())
    }
}

impl Future for Driver {
    type Output = Disconnected;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Disconnected> {
        let this = &mut *self;
        match this.yielding {
            Yielding::Off => {}
            Yielding::Due => {
                this.yielding = Yielding::Done;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Yielding::Done => this.yielding = Yielding::Due,
        }
        for _ in 0..8 {
            match this.poll_once(cx) {
                Ok(true) => return Poll::Pending,
                Ok(false) => {}
                Err(reason) => {
                    match &reason {
                        Disconnected::Protocol(reason) => {
                            this.send_goodbye(&format!("protocol violation: {reason}"));
                        }
                        Disconnected::Evicted => this.send_goodbye(EVICTED),
                        _ => {}
                    }
                    return Poll::Ready(reason);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Driver {
    /// Sends the peer the reason for closing, if that is possible without waiting.
    fn send_goodbye(&mut self, reason: &str) {
        let mut half = self.write_half.lock();
        let mut encoder = std::mem::take(&mut half.writing);
        let message = Message::Goodbye {
            last: self.session.update(|state, _| state.last_incoming),
            reason,
        };
        let pushed: Result<(), std::convert::Infallible> = encoder.push_with(|out| {
            message.write(out);
            Ok(())
        });
        let Ok(()) = pushed;
        let mut cx = Context::from_waker(Waker::noop());
        let outgoing = Pin::new(&mut half.outgoing);
        // If the connection takes no bytes, the peer only sees that it closes.
        let _ = outgoing.poll_write(&mut cx, encoder.unwritten());
    }
}

/// Result of [`Session::take_output`] for the driver.
struct OutputStatus {
    /// `true` while the peer reads its replies, so that more is read from it.
    can_read: bool,
    /// `true` if no call or stream waits for room in the outbox.
    has_outbox_room: bool,
    is_closing: bool,
    yielding: Yielding,
}

impl Session {
    /// Returns `true` while the peer reads its replies, so that more is read from it.
    pub(super) fn can_read(&self, state: &SessionState) -> bool {
        state.unsent_bytes() < self.settings.max_backlog.saturating_add(REJECTION_BACKLOG)
    }

    /// Adds queued calls and releases to the outbox, wakes the streams that wait for room, and
    /// moves the outbox to `writing`. The task is woken when there is more output. The caller runs
    /// the deferred actions.
    fn take_output(
        &self,
        deferred: &mut Deferred,
        replies: &mut Encoder,
        writing: &mut Encoder,
        cx: &Context<'_>,
    ) -> OutputStatus {
        let state = &mut *self.lock();
        state.finish_batch(replies);
        self.send_queued(state, deferred);
        state.wake_blocked_producers(deferred);
        if state.has_releases() {
            let releases = std::mem::take(&mut state.tables().releases);
            let mut counts = Vec::new();
            message::write_counts(releases, &mut counts);
            state.push(&Message::Release(Counts(&counts)));
        }
        std::mem::swap(&mut state.outbox, writing);
        match &mut state.driver_waker {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        OutputStatus {
            can_read: self.can_read(state),
            has_outbox_room: state.has_outbox_room(),
            is_closing: matches!(state.phase, Phase::Closing { .. } | Phase::Ended(_)),
            yielding: Yielding::with_in_flight(state.in_flight),
        }
    }
}

impl SessionState {
    /// Returns `true` if the driver has nothing to do, and is woken when it has.
    pub(super) fn is_quiescent(&self, waker: &Waker) -> bool {
        let wakes_driver = |driver: &Waker| driver.will_wake(waker);
        self.driver_waker.as_ref().is_some_and(wakes_driver)
            && matches!(self.phase, Phase::Connected)
            && !self.has_output()
            && self.queued.is_empty()
            && self
                .tables
                .as_ref()
                .is_none_or(|tables| tables.blocked_producers.is_empty())
    }
}
