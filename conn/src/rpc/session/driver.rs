//! The task that drives a session over one connection: it reads, writes and checks timeouts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use farcall_core::Identity;
use farcall_core::protocol::Origin;
use farcall_core::protocol::time::LazySleep;
use tokio::time::Instant;

use super::closing::ClosingState;
use super::decoder_memory::DecoderMemory;
use super::dispatch::Dispatcher;
use super::handle::Session;
use super::write_half::SharedWriteHalf;
use crate::connection::Reader;
use crate::rpc::error::Disconnected;
use crate::rpc::greeting::ConnectionHalves;
use crate::rpc::message::Message;

/// Maximum messages handled per turn, before output is written and other tasks run.
const MESSAGES_PER_TURN: usize = 256;

/// Maximum reads per turn when few complete messages arrive.
const READS_PER_TURN: usize = 32;

/// Goodbye reason for the peer of an evicted connection.
const EVICTED: &str =
    "the connection held too much memory for too long, and the server needs the room";

/// Moves bytes between a session and its connection until the connection closes. The future
/// completes with the reason.
pub(in crate::rpc) struct Driver {
    session: Arc<Session>,
    reader: Reader,
    decoder_memory: DecoderMemory,
    dispatcher: Dispatcher,
    write_half: Arc<SharedWriteHalf>,
    /// `true` if the last write took all output.
    is_all_written: bool,
    yielding: Yielding,
    liveness: Liveness,
    /// Time of the last received bytes, to the precision of the timer.
    last_received: Instant,
    /// Time at which the connection stopped taking bytes.
    write_blocked_since: Option<Instant>,
    timer: LazySleep,
    /// Set while the session is being closed.
    closing: Option<Box<ClosingState>>,
}

/// The yield to other tasks before the driver runs. Tasks that were woken together with it make
/// calls, too, and one write can then carry all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Yielding {
    /// At most one outgoing call was in flight when the driver last checked.
    Off,
    /// Several calls were: the driver yields once when it is next polled.
    Due,
    /// It has yielded, and runs when it is next polled.
    Done,
}

impl Yielding {
    /// Returns the yield with this number of calls in flight.
    const fn with_in_flight(calls: usize) -> Self {
        if calls > 1 { Self::Due } else { Self::Off }
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
        let (write_half, reply_limit) = session.attach(writer.stream, &origin);
        let now = Instant::now();
        Self {
            reader,
            decoder_memory: DecoderMemory::default(),
            dispatcher: Dispatcher::new(Arc::clone(&session), origin, reply_limit),
            write_half,
            is_all_written: false,
            yielding: Yielding::Off,
            liveness: Liveness::Silent,
            last_received: now,
            write_blocked_since: None,
            timer: LazySleep::new(now + session.settings.tick()),
            closing: None,
            session,
        }
    }

    /// Returns the identity of the peer of this connection.
    pub(in crate::rpc) fn caller(&self) -> &Identity {
        &self.dispatcher.origin.identity
    }

    /// Reads, handles and writes without waiting. Returns `true` if this task has nothing to do
    /// until it is woken.
    fn poll_once(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let could_read = self.dispatcher.can_read;
        self.dispatcher.begin();
        let all_received = !could_read || self.poll_receive(cx)?;
        let nothing_to_send = self.is_all_written && self.dispatcher.has_no_output();
        let all_sent = nothing_to_send || self.poll_write(cx)?;
        self.poll_time(cx)?;
        if self.session.is_evicted(cx) {
            return Err(Disconnected::Evicted);
        }
        if let Some(closing) = &mut self.closing {
            closing.poll(&self.session, &self.write_half, cx)?;
        }
        Ok(all_received && all_sent && could_read == self.dispatcher.can_read)
    }

    /// Reads and handles messages. Returns `true` if the connection has no more bytes for now.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let mut handled = 0;
        if !self.reader.decoder.is_empty() {
            handled = self.dispatch(MESSAGES_PER_TURN, cx)?;
        }
        for _ in 0..READS_PER_TURN {
            if handled >= MESSAGES_PER_TURN || !self.dispatcher.can_read {
                return Ok(false);
            }
            if !self.poll_read(cx)? {
                return Ok(true);
            }
            handled += self.dispatch(MESSAGES_PER_TURN - handled, cx)?;
        }
        Ok(false)
    }

    /// Handles up to `max` messages, and returns their number.
    fn dispatch(&mut self, max: usize, cx: &Context<'_>) -> Result<usize, Disconnected> {
        let (reader, memory) = (&mut self.reader, &mut self.decoder_memory);
        let handled = self.dispatcher.dispatch(reader, memory, max, cx.waker())?;
        self.yielding = Yielding::with_in_flight(self.dispatcher.in_flight);
        Ok(handled)
    }

    /// Reads once. Returns `true` if bytes were received.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let space = self.reader.decoder.prepare();
        if !self.reserve_decoder(cx)? {
            return Ok(false);
        }
        match self.reader.poll_read_prepared(cx, space) {
            Poll::Pending => {
                self.reserve_decoder(cx)?;
                return Ok(false);
            }
            Poll::Ready(Err(error)) => return Err(error.into()),
            Poll::Ready(Ok(0)) => {
                return Err(match self.reader.decoder.end() {
                    Ok(()) => self.session.update(|state| state.end_of_connection()),
                    Err(truncated) => Disconnected::broken(truncated),
                });
            }
            Poll::Ready(Ok(_)) => {}
        }
        self.liveness = Liveness::Heard;
        Ok(true)
    }

    /// Reserves room in the budget for the memory of the decoder. Returns `true` if there is room;
    /// otherwise this task is woken to try again.
    #[inline]
    fn reserve_decoder(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let size = self.reader.decoder.size();
        self.decoder_memory.poll_reserve(&self.session, size, cx)
    }

    /// Writes the output. Returns `true` if all of it is written or the connection takes no more.
    /// The connection wakes this task when it takes more, the session when there is more output.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        loop {
            let mut half = self.write_half.lock();
            let mut took_all = false;
            let mut is_closing = false;
            if half.writing().is_empty() {
                let status = self.dispatcher.take_output(half.writing(), cx.waker());
                self.yielding = Yielding::with_in_flight(status.in_flight);
                is_closing = status.is_closing;
                took_all = status.can_read && status.has_outbox_room;
            }
            let has_output = !half.writing().is_empty();
            let mut wrote = if has_output {
                half.poll_write(cx)
            } else {
                Poll::Ready(Ok(()))
            };
            // If nothing waits for room in the outbox, all output has been written now.
            let is_drained = !has_output || (took_all && half.writing().is_empty());
            if is_drained && matches!(wrote, Poll::Ready(Ok(()))) {
                wrote = half.poll_flush(cx);
            }
            let is_blocked = wrote.is_pending() && !half.writing().is_empty();
            drop(half);
            self.dispatcher.run_deferred();
            if is_closing && self.closing.is_none() {
                self.closing = Some(ClosingState::new());
                self.schedule_close_check(Instant::now());
            }
            if is_blocked {
                self.write_blocked_since.get_or_insert_with(Instant::now);
            } else {
                self.write_blocked_since = None;
            }
            self.is_all_written = is_drained && wrote.is_ready();
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
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        let keepalive = self.session.settings.keepalive;
        while self.timer.poll(cx).is_ready() {
            let now = Instant::now();
            if self.liveness == Liveness::Heard {
                self.last_received = now;
                self.liveness = Liveness::Silent;
            }
            if let Some(since) = self.decoder_memory.waiting_since() {
                // The local side does not read, so the silence is not the peer's.
                self.last_received = now;
                if now.duration_since(since) >= keepalive {
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
                    .update(|state| state.outbox.push(&Message::Ping(0)));
            }
            self.session.tick();
            self.timer.reset(now + self.session.settings.tick());
            self.schedule_close_check(now);
        }
        Ok(())
    }

    /// Sets the timer to the time from which closing no longer waits for the peer.
    fn schedule_close_check(&mut self, now: Instant) {
        if let Some(closing) = &self.closing
            && let Some(deadline) = closing.deadline(&self.session, now)
        {
            self.timer.bring_forward(deadline);
        }
    }

    /// Sends the peer the reason for closing, if that is possible without waiting.
    fn send_goodbye(&self, reason: &str) {
        let message = self.session.update(|state| state.goodbye(reason));
        self.write_half.lock().write_last(&message);
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
                        Disconnected::Protocol(violation) => {
                            this.send_goodbye(&format!("protocol violation: {violation}"));
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
