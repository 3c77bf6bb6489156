//! One direction of a connection: bytes that arrive later, in pieces, or not at all.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::ReadBuf;
use tokio::time::{Instant, Sleep};

/// One in so many reads and writes is late for no reason, so that tasks wake in another order than the
/// bytes come.
const LATE: u32 = 12;

pub(crate) struct Direction(Mutex<State>);

struct State {
    random: Rng,
    /// The longest delay of a piece, as a rule.
    slowest: Duration,
    /// Bytes that may be under way, as the buffers of a socket bound them.
    capacity: usize,
    under_way: usize,
    arrivals: VecDeque<Arrival>,
    /// When the last piece arrives: none overtakes it.
    last: Instant,
    held_until: Instant,
    condition: Condition,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Arrival {
    at: Instant,
    /// Nothing: the end of the stream.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Works,
    /// What is written vanishes, and nobody is told.
    Lossy,
    /// The reader hung up.
    Closed,
    Reset,
}

impl Direction {
    pub(crate) fn new(mut random: Rng) -> Self {
        let now = Instant::now();
        let slowest = [0, 2, 20, 100][random.usize(..4)];
        let capacity = [512, 8 * 1024, 128 * 1024][random.usize(..3)];
        Self(Mutex::new(State {
            random,
            slowest: Duration::from_millis(slowest),
            capacity,
            under_way: 0,
            arrivals: VecDeque::new(),
            last: now,
            held_until: now,
            condition: Condition::Works,
            reader: None,
            writer: None,
        }))
    }

    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        match state.condition {
            Condition::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Condition::Closed => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Condition::Works | Condition::Lossy => {}
        }
        if state.is_late(cx) {
            return Poll::Pending;
        }
        let room = (state.capacity - state.under_way).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = if room > 1 && state.random.bool() {
            state.random.usize(1..=room)
        } else {
            room
        };
        // Bytes that vanish are never acknowledged, so they take their room for ever.
        state.under_way += length;
        if state.condition == Condition::Works && length > 0 {
            state.send(bytes[..length].to_vec());
        }
        drop(state);
        self.wake_reader();
        Poll::Ready(Ok(length))
    }

    /// Ends the stream behind what was written.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        if state.condition == Condition::Works {
            state.send(Vec::new());
        }
        drop(state);
        self.wake_reader();
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        sleep: &mut Pin<Box<Sleep>>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        loop {
            if state.condition == Condition::Reset {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            state.reader = Some(cx.waker().clone());
            let Some(arrival) = state.arrivals.front() else {
                return Poll::Pending;
            };
            let at = arrival.at.max(state.held_until);
            if Instant::now() >= at {
                break;
            }
            if sleep.deadline() != at {
                sleep.as_mut().reset(at);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        if state.is_late(cx) {
            return Poll::Pending;
        }
        let most = buffer.remaining();
        if let Some(arrival) = state.arrivals.front_mut() {
            let length = arrival.bytes.len().min(most);
            buffer.put_slice(&arrival.bytes[..length]);
            arrival.bytes.drain(..length);
            // The end stays, for whoever reads on.
            if arrival.bytes.is_empty() && length > 0 {
                state.arrivals.pop_front();
            }
            state.under_way -= length;
        }
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Poll::Ready(Ok(()))
    }

    /// Nothing arrives before then.
    pub(crate) fn hold(&self, until: Instant) {
        let mut state = self.state();
        state.held_until = state.held_until.max(until);
    }

    /// Nothing arrives any more, and the writer does not learn of it.
    pub(crate) fn lose(&self) {
        let mut state = self.state();
        if state.condition == Condition::Works {
            state.condition = Condition::Lossy;
            state.arrivals.clear();
        }
    }

    /// The reader hangs up.
    pub(crate) fn close(&self) {
        self.become_useless(Condition::Closed);
    }

    /// Both ends learn at once that the connection broke. What was under way is lost.
    pub(crate) fn reset(&self) {
        self.become_useless(Condition::Reset);
    }

    fn become_useless(&self, condition: Condition) {
        let mut state = self.state();
        // A lossy direction does not tell its writer that the reader is gone.
        if state.condition == Condition::Lossy && condition == Condition::Closed {
            return;
        }
        state.condition = condition;
        state.arrivals.clear();
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().for_each(wake);
    }

    fn wake_reader(&self) {
        let reader = self.state().reader.take();
        wake(reader);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn is_late(&mut self, cx: &Context<'_>) -> bool {
        let late = self.random.u32(..LATE) == 0;
        if late {
            cx.waker().wake_by_ref();
        }
        late
    }

    fn send(&mut self, bytes: Vec<u8>) {
        let slowest = match self.random.u8(..16) {
            0 => self.slowest * 5,
            _ => self.slowest,
        };
        let most = slowest.as_millis() as u64;
        let delay = Duration::from_millis(self.random.u64(..=most));
        self.last = self.last.max(Instant::now() + delay);
        let at = self.last;
        self.arrivals.push_back(Arrival { at, bytes });
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
