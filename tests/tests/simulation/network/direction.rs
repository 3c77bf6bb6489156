//! One direction of a connection: bytes arrive later, in pieces, or not at all.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::ReadBuf;
use tokio::time::{Instant, Sleep};

/// One in this many reads and writes is delayed for no reason, so that tasks wake in a different
/// order than the bytes arrive.
const LATE: u32 = 12;

pub(crate) struct Direction(Mutex<State>);

struct State {
    random: Rng,
    /// The usual maximum delay of a piece.
    slowest: Duration,
    /// The maximum number of bytes in flight, as limited by the buffers of a socket.
    capacity: usize,
    in_flight: usize,
    arrivals: VecDeque<Arrival>,
    /// The arrival time of the last piece, which no later one overtakes.
    last: Instant,
    held_until: Instant,
    condition: Condition,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Arrival {
    at: Instant,
    /// Empty at the end of the stream.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Works,
    /// Written bytes vanish without notice.
    Lossy,
    /// The reader closed its side.
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
            in_flight: 0,
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
        let room = (state.capacity - state.in_flight).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = if room > 1 && state.random.bool() {
            state.random.usize(1..=room)
        } else {
            room
        };
        // Vanished bytes are never acknowledged, so they occupy the buffer for ever.
        state.in_flight += length;
        if state.condition == Condition::Works && length > 0 {
            state.send(bytes[..length].to_vec());
        }
        drop(state);
        self.wake_reader();
        Poll::Ready(Ok(length))
    }

    /// Ends the stream after the bytes that were written.
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
            // The end of the stream stays, for further reads.
            if arrival.bytes.is_empty() && length > 0 {
                state.arrivals.pop_front();
            }
            state.in_flight -= length;
        }
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Poll::Ready(Ok(()))
    }

    /// Delays all bytes until then.
    pub(crate) fn hold(&self, until: Instant) {
        let mut state = self.state();
        state.held_until = state.held_until.max(until);
    }

    /// Discards all further bytes, without notice to the writer.
    pub(crate) fn lose(&self) {
        let mut state = self.state();
        if state.condition == Condition::Works {
            state.condition = Condition::Lossy;
            state.arrivals.clear();
        }
    }

    /// Closes the reader's side.
    pub(crate) fn close(&self) {
        self.fail(Condition::Closed);
    }

    /// Reports the broken connection to both sides at once, and discards bytes in flight.
    pub(crate) fn reset(&self) {
        self.fail(Condition::Reset);
    }

    fn fail(&self, condition: Condition) {
        let mut state = self.state();
        // The writer of a lossy direction does not learn that the reader closed.
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
