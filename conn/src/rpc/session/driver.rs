//! Between a session and its connection: one task that reads, writes and watches over time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rpc_core::{Budget, Origin, Peer, Registry};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::dispatch::counted;
use super::outgoing::Progress;
use super::timer::Timer;
use super::write_half::Sink;
use super::{Effects, Phase, Session, State};
use crate::connection::{Reader, Writer};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, Counts, Message};
use crate::share::RETRY;

/// How many messages are handled before something is written and other tasks have their turn.
const BURST: usize = 256;

/// How often is read for that, where much of it makes no whole message.
const READS: usize = 32;

/// How far answers to a peer that does not read may pile up beyond the limit, which turns calls down.
/// From there on nothing is read from it.
const REFUSALS: u64 = 1024 * 1024;

/// How long a connection that this end closes waits for the other to close it too.
const LINGER: Duration = Duration::from_secs(2);

/// What the other end is told where it has to go for others.
const EVICTED: &str =
    "too much was held for this connection for too long, and others need the room";

/// The two directions of a connection.
pub(in crate::rpc) struct Link {
    pub(in crate::rpc) reader: Reader,
    pub(in crate::rpc) writer: Writer,
}

/// Moves bytes between a session and its connection until that ends. The future gives the reason.
pub(in crate::rpc) struct Driver {
    pub(super) session: Arc<Session>,
    pub(super) reader: Reader,
    pub(super) origin: Arc<Origin>,
    /// What this end offers to everyone.
    pub(super) root: Registry<Encoding>,
    /// What handling messages entails.
    pub(super) effects: Effects,
    /// The longest message that the other end reads and this one sends.
    pub(super) longest: u64,
    /// The answers to calls that were answered at once, and how much waited to be written before them.
    pub(super) answers: Encoder,
    pub(super) backlog: u64,
    sink: Arc<Sink>,
    /// Whether the other end takes what it is sent, so that more can be read from it.
    pub(super) may_read: bool,
    /// Whether the session had nothing to write when messages were last handled, and tells this task when it does.
    pub(super) is_settled: bool,
    /// Whether `Held` is to come, as the first message of a connection that resumed the session.
    pub(super) awaits_held: bool,
    /// Whether nothing is left of what was to be written before.
    is_written: bool,
    /// Whether the memory for the next message counts, as far as the session knows.
    pub(super) counts: bool,
    /// There when there is no room for the next message.
    starved: Option<Box<Starved>>,
    leaving: bool,
    /// Whether several calls of this end were under way when this task last looked.
    pub(super) is_crowded: bool,
    has_yielded: bool,
    /// Whether something came since the clock was last looked at.
    heard_since: bool,
    /// When something came, to the precision of the timer.
    heard: Instant,
    /// Since when nothing could be written.
    blocked: Option<Instant>,
    timer: Timer,
    pinged: bool,
    /// There when the session is about to end.
    end: Option<Box<End>>,
}

/// A wait for room.
struct Starved {
    since: Instant,
    /// When to ask again.
    retry: Pin<Box<Sleep>>,
}

/// The end of a session.
struct End {
    since: Instant,
    /// There once the connection closes: how long the other end has for that.
    closing: Option<Pin<Box<Sleep>>>,
}

impl Driver {
    /// Of a session that was told that it is [up](Session::up).
    pub(in crate::rpc) fn new(session: Arc<Session>, link: Link, origin: Arc<Origin>) -> Self {
        let Link { reader, writer } = link;
        let (sink, longest, root, awaits_held) = session.change(|state, _| {
            let sink = Arc::new(Sink::new(writer.outgoing, Arc::clone(&state.written)));
            state.sink = Arc::downgrade(&sink);
            let longest = state.peer.max_message.min(session.settings.max_reply);
            (sink, longest, state.root.clone(), state.is_resumed)
        });
        let now = Instant::now();
        let timer = Timer::new(now + session.settings.tick());
        Self {
            session,
            reader,
            origin,
            root,
            effects: Effects::default(),
            longest,
            answers: Encoder::new(),
            backlog: 0,
            sink,
            may_read: true,
            is_settled: false,
            awaits_held,
            is_written: false,
            counts: false,
            starved: None,
            leaving: false,
            is_crowded: false,
            has_yielded: false,
            heard_since: false,
            heard: now,
            blocked: None,
            timer,
            pinged: false,
            end: None,
        }
    }

    /// Who is at the other end.
    pub(in crate::rpc) fn peer(&self) -> &Peer {
        &self.origin.peer
    }

    /// Moves what can be moved now. Says whether all that is left is to wait.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let may_read = self.may_read;
        self.is_settled = false;
        let nothing_comes = !may_read || self.poll_incoming(cx)?;
        let nothing_goes = (self.is_settled && self.is_written && self.answers.is_empty())
            || self.poll_write(cx)?;
        self.poll_time(cx)?;
        if self.session.is_evicted(cx) {
            return Err(Disconnected::Evicted);
        }
        if self.leaving || self.end.is_some() {
            self.poll_close(cx)?;
        }
        Ok(nothing_comes && nothing_goes && may_read == self.may_read)
    }

    /// Reads and handles what comes. Says whether there is no more for now.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let mut handled = 0;
        if !self.reader.decoder.is_empty() {
            handled = self.handle(BURST, cx.waker())?;
        }
        for _ in 0..READS {
            if handled >= BURST || !self.may_read {
                return Ok(false);
            }
            if !self.poll_read(cx)? {
                return Ok(true);
            }
            handled += self.handle(BURST - handled, cx.waker())?;
        }
        Ok(false)
    }

    /// Reads once. Says whether something came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let space = self.reader.decoder.prepare();
        if !self.has_room(cx)? {
            return Ok(false);
        }
        let reader = &mut self.reader;
        let mut space = ReadBuf::new(reader.decoder.prepared(space));
        match Pin::new(&mut reader.incoming).poll_read(cx, &mut space) {
            Poll::Pending => {
                reader.decoder.rest();
                self.has_room(cx)?;
                return Ok(false);
            }
            Poll::Ready(Err(error)) => return Err(error.into()),
            Poll::Ready(Ok(())) => {}
        }
        let count = space.filled().len();
        if count == 0 {
            return Err(match reader.decoder.end() {
                Ok(()) => self.session.change(|state, _| match &state.phase {
                    Phase::Leaving { .. } => state.reason(),
                    _ => Disconnected::Left(String::new()),
                }),
                Err(truncated) => Disconnected::broken(truncated),
            });
        }
        reader.decoder.filled(count);
        self.heard_since = true;
        Ok(true)
    }

    /// Whether there is room for what the decoder has. If not, this task is woken to ask again.
    fn has_room(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let size = counted(self.reader.decoder.size());
        if size == 0 && !self.counts {
            return Ok(true);
        }
        loop {
            if let Some(starved) = &mut self.starved
                && starved.retry.as_mut().poll(cx).is_pending()
            {
                return Ok(false);
            }
            if self.session.read_into(size).is_ok() {
                self.counts = size > 0;
                self.starved = None;
                return Ok(true);
            }
            let budget = self.session.settings.budget.as_ref();
            if budget.is_some_and(|budget| size - Budget::FREE > budget.bytes()) {
                return Err(Disconnected::Evicted);
            }
            let now = Instant::now();
            let since = self.starved.as_ref().map_or(now, |starved| starved.since);
            let retry = Box::pin(sleep_until(now + RETRY));
            self.starved = Some(Box::new(Starved { since, retry }));
        }
    }

    /// Writes what there is. Says whether there is no more for now, or the connection takes no more; it
    /// wakes this task when it does, as the session does when there is something new.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        loop {
            let mut half = self.sink.lock();
            let mut is_all = false;
            if half.writing.is_empty() {
                let turn = self.session.take_output(
                    &mut self.effects,
                    &mut self.answers,
                    &mut half.writing,
                    cx,
                );
                (self.may_read, self.leaving) = (turn.may_read, turn.leaving);
                self.is_crowded = turn.is_crowded;
                is_all = turn.may_read && turn.has_room;
            }
            let has_output = !half.writing.is_empty();
            let mut wrote = match has_output {
                true => half.poll_write(cx),
                false => Poll::Ready(Ok(())),
            };
            // Where nobody waits until less is to be written, all there was is written now.
            let is_over = !has_output || (is_all && half.writing.is_empty());
            if is_over && matches!(wrote, Poll::Ready(Ok(()))) {
                wrote = half.poll_flush(cx);
            }
            let is_blocked = wrote.is_pending() && !half.writing.is_empty();
            drop(half);
            self.effects.run(&self.session.runtime);
            match is_blocked {
                true => drop(self.blocked.get_or_insert_with(Instant::now)),
                false => self.blocked = None,
            }
            self.is_written = is_over && wrote.is_ready();
            match wrote {
                Poll::Ready(result) => result?,
                Poll::Pending => return Ok(true),
            }
            if is_over {
                return Ok(true);
            }
        }
    }

    /// Asks for a sign of life after a silence, and gives up after another.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        let keepalive = self.session.settings.keepalive;
        while self.timer.poll(cx).is_ready() {
            let now = Instant::now();
            if std::mem::take(&mut self.heard_since) {
                self.heard = now;
                self.pinged = false;
            }
            if let Some(starved) = &self.starved {
                // It is this end that does not read.
                self.heard = now;
                if now.duration_since(starved.since) >= keepalive {
                    return Err(Disconnected::Evicted);
                }
            }
            let silent = now.duration_since(self.heard);
            let is_stuck = |since| now.duration_since(since) >= keepalive * 2;
            if (self.pinged && silent >= keepalive * 2) || self.blocked.is_some_and(is_stuck) {
                return Err(Disconnected::Silent(keepalive * 2));
            }
            if silent >= keepalive && !self.pinged {
                self.pinged = true;
                self.session
                    .change(|state, _| state.push(&Message::Ping(0)));
            }
            self.session.tick(now);
            self.timer.reset(now + self.session.settings.tick());
            self.heed_leaving(now);
        }
        Ok(())
    }

    /// Has the clock looked at when a session that ends need not wait for the other end any longer.
    fn heed_leaving(&mut self, now: Instant) {
        if let (Some(end), Some(timeout)) = (&self.end, self.session.settings.timeout)
            && let Some(until) = end.since.checked_add(timeout).filter(|until| now < *until)
        {
            self.timer.bring_forward(until);
        }
    }

    /// Closes the connection once both ends have nothing more to say.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        let now = Instant::now();
        let is_new = self.end.is_none();
        let end = self.end.get_or_insert_with(|| {
            Box::new(End {
                since: now,
                closing: None,
            })
        });
        if end.closing.is_none() {
            let timeout = self.session.settings.timeout;
            let has_waited =
                timeout.is_some_and(|timeout| now.duration_since(end.since) >= timeout);
            let done = self.sink.lock().writing.is_empty()
                && self.session.change(|state, _| {
                    matches!(state.phase, Phase::Leaving { .. } | Phase::Ended(_))
                        && (state.is_idle() || (has_waited && state.is_idle_but_for_silence()))
                        && !state.has_output()
                });
            if !done {
                if is_new {
                    self.heed_leaving(now);
                    // It is to wake this task.
                    self.poll_time(cx)?;
                }
                return Ok(());
            }
            end.closing = Some(Box::pin(sleep_until(now + LINGER)));
        }
        match Pin::new(&mut self.sink.lock().outgoing).poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                return Err(error.into());
            }
            _ => {}
        }
        let closing = self.end.as_mut().and_then(|end| end.closing.as_mut());
        let over = closing.is_some_and(|closing| closing.as_mut().poll(cx).is_ready());
        if over {
            return Err(self.session.change(|state, _| state.reason()));
        }
        Ok(())
    }
}

impl Future for Driver {
    type Output = Disconnected;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Disconnected> {
        let this = &mut *self;
        if this.is_crowded && !this.has_yielded {
            // Those that were woken along with this task make calls, too: all go in one write.
            this.has_yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.has_yielded = false;
        for _ in 0..8 {
            match this.turn(cx) {
                Ok(true) => return Poll::Pending,
                Ok(false) => {}
                Err(reason) => {
                    match &reason {
                        Disconnected::Protocol(reason) => {
                            this.complain(&format!("protocol error: {reason}"));
                        }
                        Disconnected::Evicted => this.complain(EVICTED),
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
    /// Tells the other end why it is left, as far as that can be done at once.
    fn complain(&mut self, reason: &str) {
        let mut half = self.sink.lock();
        let mut encoder = std::mem::take(&mut half.writing);
        let message = Message::Goodbye {
            last: self.session.change(|state, _| state.last_answer),
            reason,
        };
        let pushed: Result<(), std::convert::Infallible> = encoder.push_with(|out| {
            message.write(out);
            Ok(())
        });
        let Ok(()) = pushed;
        let mut cx = Context::from_waker(Waker::noop());
        let outgoing = Pin::new(&mut half.outgoing);
        // It may not take it; then it learns nothing more than that the connection ends.
        let _ = outgoing.poll_write(&mut cx, encoder.unwritten());
    }
}

/// What the session wants of its driver.
struct Turn {
    /// Whether the other end takes what it is sent, so that more can be read from it.
    may_read: bool,
    /// Whether nobody waits until less is to be written.
    has_room: bool,
    leaving: bool,
    is_crowded: bool,
}

impl Session {
    /// Whether the other end takes what it is sent, so that more can be read from it.
    pub(super) fn may_read(&self, state: &State) -> bool {
        state.debt() < self.settings.max_backlog.saturating_add(REFUSALS)
    }

    /// Gives what is to be written next, and lets those go on who waited for that. The task is woken when there is
    /// more. The effects are still to be done.
    fn take_output(
        &self,
        effects: &mut Effects,
        answers: &mut Encoder,
        writing: &mut Encoder,
        cx: &Context<'_>,
    ) -> Turn {
        let state = &mut *self.lock();
        state.take_answers(answers);
        self.send_waiting(state, effects);
        state.tell_room(effects);
        if state.has_releases() {
            let releases = std::mem::take(&mut state.passed().releases);
            let mut counts = Vec::new();
            message::write_counts(releases, &mut counts);
            state.push(&Message::Release(Counts(&counts)));
        }
        std::mem::swap(&mut state.outbox, writing);
        match &mut state.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Turn {
            may_read: self.may_read(state),
            has_room: state.has_room(),
            leaving: matches!(state.phase, Phase::Leaving { .. } | Phase::Ended(_)),
            is_crowded: state.in_flight > 1,
        }
    }
}

impl State {
    /// Whether there is nothing that the driver would do, and it is woken when there is.
    pub(super) fn is_settled(&self, waker: &Waker) -> bool {
        let is_heard = |driver: &Waker| driver.will_wake(waker);
        self.driver.as_ref().is_some_and(is_heard)
            && matches!(self.phase, Phase::Up)
            && !self.has_output()
            && self.waiting.is_empty()
            && self
                .passed
                .as_ref()
                .is_none_or(|passed| passed.want_room.is_empty())
    }

    /// Whether nothing of this connection is under way.
    fn is_idle(&self) -> bool {
        self.in_flight == 0
            && self.answers.is_empty()
            && self.passed.as_ref().is_none_or(|passed| passed.is_idle())
    }

    /// Whether nothing is under way but what the other end may never come to: the ends of one-way calls, and
    /// streams. Other calls have a time of their own.
    fn is_idle_but_for_silence(&self) -> bool {
        let is_detached = |id| {
            let pending = self.calls.get(id);
            !pending.is_some_and(|pending| matches!(pending.progress, Progress::Sent { .. }))
        };
        self.answers.is_empty() && self.calls.numbers().into_iter().all(is_detached)
    }
}
