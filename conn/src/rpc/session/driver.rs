//! Between a session and its connection: one task that reads, writes and watches over time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rpc_core::Origin;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::{Phase, Session};
use crate::connection::{Reader, Writer};
use crate::frame::Encoder;
use crate::rpc::error::Disconnected;
use crate::rpc::message::Message;

/// How many messages are handled before other tasks have their turn.
const BURST: usize = 256;

/// How far answers to a peer that does not read may pile up beyond the limit, which turns calls down.
/// From there on nothing is read from it.
const REFUSALS: u64 = 1024 * 1024;

/// How long a connection that this end closes waits for the other to close it too.
const LINGER: Duration = Duration::from_secs(2);

/// The two directions of a connection.
pub(in crate::rpc) struct Link {
    pub(in crate::rpc) reader: Reader,
    pub(in crate::rpc) writer: Writer,
}

/// Moves bytes between a session and its connection until that ends. The future gives the reason.
pub(in crate::rpc) struct Driver {
    pub(super) session: Arc<Session>,
    link: Link,
    pub(super) origin: Arc<Origin>,
    /// What is being written.
    writing: Encoder,
    /// How many bytes were written to this connection: what the other end may know of.
    written: Arc<AtomicU64>,
    /// Whether something written may still be held back by the transport.
    unflushed: bool,
    /// When something came last, and since when nothing could be written.
    heard: Instant,
    blocked: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    pinged: bool,
    closing: Option<Pin<Box<Sleep>>>,
}

/// What the session wants of its driver next.
struct Turn {
    /// Whether the other end takes what it is sent, so that more can be read from it.
    may_read: bool,
    leaving: bool,
}

impl Driver {
    /// Of a session that was told that it is [up](Session::up).
    pub(in crate::rpc) fn new(session: Arc<Session>, link: Link, origin: Arc<Origin>) -> Self {
        let written = session.change(|state, _| Arc::clone(&state.written));
        let timer = Box::pin(sleep(session.settings.keepalive));
        Self {
            session,
            link,
            origin,
            writing: Encoder::new(),
            written,
            unflushed: false,
            heard: Instant::now(),
            blocked: None,
            timer,
            pinged: false,
            closing: None,
        }
    }

    /// Moves what can be moved now. Says whether there was anything.
    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let turn = self.begin_turn();
        let read = turn.may_read && self.poll_read(cx)?;
        let handled = self.handle()?;
        let wrote = self.poll_write(cx)?;
        self.poll_time(cx)?;
        if turn.leaving || self.closing.is_some() {
            self.poll_close(cx)?;
        }
        Ok(read || wrote || handled > 0)
    }

    fn begin_turn(&self) -> Turn {
        let limit = self.session.settings.max_backlog.saturating_add(REFUSALS);
        self.session.change(|state, _| {
            // What this task does itself need not wake it.
            state.driver = None;
            Turn {
                may_read: state.debt() < limit,
                leaving: matches!(state.phase, Phase::Leaving { .. } | Phase::Ended(_)),
            }
        })
    }

    /// Reads once. Says whether something came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let reader = &mut self.link.reader;
        let mut space = ReadBuf::new(reader.decoder.space());
        match Pin::new(&mut reader.incoming).poll_read(cx, &mut space) {
            Poll::Pending => return Ok(false),
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
        self.heard = Instant::now();
        self.pinged = false;
        Ok(true)
    }

    /// Handles the messages that are there, but not too many in a row.
    fn handle(&mut self) -> Result<usize, Disconnected> {
        for count in 0..BURST {
            let limit = self.link.reader.max_message;
            let message = self.link.reader.decoder.owned_message(limit);
            let Some(message) = message.map_err(Disconnected::broken)? else {
                return Ok(count);
            };
            self.receive(message)?;
        }
        Ok(BURST)
    }

    /// Writes what there is. Says whether something was written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, Disconnected> {
        let mut progress = false;
        loop {
            if self.writing.unwritten().is_empty() && !self.take_output() {
                self.flush(cx)?;
                return Ok(progress);
            }
            let outgoing = &mut self.link.writer.outgoing;
            let count = match Pin::new(outgoing).poll_write(cx, self.writing.unwritten()) {
                Poll::Pending => {
                    self.blocked.get_or_insert_with(Instant::now);
                    return Ok(progress);
                }
                Poll::Ready(Ok(0)) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Poll::Ready(result) => result?,
            };
            self.writing.wrote(count);
            self.written.fetch_add(count as u64, Ordering::Relaxed);
            self.blocked = None;
            self.unflushed = true;
            progress = true;
        }
    }

    /// Takes what is to be written next, and lets those go on who waited for that. Says whether there is
    /// anything.
    fn take_output(&mut self) -> bool {
        self.session.change(|state, effects| {
            self.session.send_waiting(state, effects);
            state.tell_room(effects);
            if !state.releases.is_empty() {
                let releases = std::mem::take(&mut state.releases);
                state.push(&Message::Release(releases));
            }
            std::mem::swap(&mut state.outbox, &mut self.writing);
            !self.writing.unwritten().is_empty()
        })
    }

    /// Waits for the connection, or for new output to wake this task. Says whether there is none yet.
    fn rest(&self, cx: &Context<'_>) -> bool {
        let is_blocked = !self.writing.unwritten().is_empty();
        if is_blocked {
            // The connection wakes this task when it takes more; new output would wake it in vain.
            return true;
        }
        self.session.change(|state, _| {
            let has_output = state.has_output();
            if !has_output {
                state.driver = Some(cx.waker().clone());
            }
            !has_output
        })
    }

    /// Sockets need no flush; TLS and the like do.
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        if self.unflushed
            && let Poll::Ready(result) = Pin::new(&mut self.link.writer.outgoing).poll_flush(cx)
        {
            self.unflushed = false;
            result?;
        }
        Ok(())
    }

    /// Asks for a sign of life after a silence, and gives up after another.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        let keepalive = self.session.settings.keepalive;
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
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
            let next = match self.pinged {
                true => self.heard + keepalive * 2,
                false => self.heard + keepalive,
            };
            self.timer
                .as_mut()
                .reset(next.max(now + Duration::from_millis(1)));
        }
        Ok(())
    }

    /// Closes the connection once both ends have nothing more to say.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Result<(), Disconnected> {
        if self.closing.is_none() {
            let done = self.writing.unwritten().is_empty()
                && self.session.change(|state, _| {
                    matches!(state.phase, Phase::Leaving { .. } | Phase::Ended(_))
                        && state.is_idle()
                        && !state.has_output()
                });
            if !done {
                return Ok(());
            }
            self.closing = Some(Box::pin(sleep_until(Instant::now() + LINGER)));
        }
        match Pin::new(&mut self.link.writer.outgoing).poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                return Err(error.into());
            }
            _ => {}
        }
        let over = match &mut self.closing {
            Some(closing) => closing.as_mut().poll(cx).is_ready(),
            None => false,
        };
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
        for _ in 0..8 {
            match this.poll_drive(cx) {
                Ok(false) if this.rest(cx) => return Poll::Pending,
                Ok(_) => {}
                Err(reason) => {
                    if let Disconnected::Protocol(reason) = &reason {
                        this.complain(reason);
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
    /// Tells the other end what it did wrong, as far as that can be done at once.
    fn complain(&mut self, reason: &str) {
        let mut encoder = std::mem::take(&mut self.writing);
        let reason = format!("protocol error: {reason}");
        let message = Message::Goodbye {
            last: self.session.change(|state, _| state.last_answer),
            reason: &reason,
        };
        let pushed: Result<(), std::convert::Infallible> = encoder.push_with(|out| {
            message.write(out);
            Ok(())
        });
        let Ok(()) = pushed;
        let mut cx = Context::from_waker(Waker::noop());
        let outgoing = Pin::new(&mut self.link.writer.outgoing);
        // It may not take it; then it learns nothing more than that the connection ends.
        let _ = outgoing.poll_write(&mut cx, encoder.unwritten());
    }
}

impl super::State {
    /// Whether nothing of this connection is under way.
    fn is_idle(&self) -> bool {
        self.in_flight == 0
            && self.answers.is_empty()
            && self.producers.is_empty()
            && self
                .consumers
                .values()
                .all(super::streams::Consumer::has_ended)
    }
}
