//! Waiting on many connections at once.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::stream::BlockingReadHalf;
use super::{Connection, Receiver, check_allowed};
use crate::codec::Codec;
use crate::connection::Reader;

/// The types that [`wait`] accepts: [`Connection`] and [`Receiver`], with any type parameters.
pub trait Wait: Pollable {}

impl<S, R, C: Codec> Wait for Connection<S, R, C> {}

impl<R, C: Codec> Wait for Receiver<R, C> {}

#[allow(unnameable_types, reason = "`Wait` is sealed")]
pub trait Pollable {
    fn descriptor(&self) -> BorrowedFd<'_>;
    /// Returns `true` if a receive would not wait. `is_readable` tells whether the stream has bytes
    /// or is closed.
    fn has_input(&mut self, is_readable: bool) -> bool;
}

impl<S, R, C> Pollable for Connection<S, R, C> {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.reader.stream.as_fd()
    }

    fn has_input(&mut self, is_readable: bool) -> bool {
        has_input(&mut self.reader, is_readable)
    }
}

impl<R, C> Pollable for Receiver<R, C> {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.reader.stream.as_fd()
    }

    fn has_input(&mut self, is_readable: bool) -> bool {
        has_input(&mut self.reader, is_readable)
    }
}

fn has_input(reader: &mut Reader<BlockingReadHalf>, is_readable: bool) -> bool {
    if !is_readable || !reader.confirmations.are_outstanding() {
        return is_readable || !reader.decoder.is_empty();
    }
    // The bytes may be confirmations of descriptors, which are discarded.
    let mut cx = Context::from_waker(Waker::noop());
    reader.poll_readable(&mut cx).is_ready()
}

/// Waits until at least one of the connections has input or is closed, and returns the indices of
/// all that do. It waits for at most `time`, or forever if `time` is `None`; after a timeout the
/// list is empty.
///
/// This is CPython's `multiprocessing.connection.wait`.
///
/// # Errors
/// If the system call that waits fails, and in async code.
pub fn wait(connections: &mut [&mut dyn Wait], time: Option<Duration>) -> io::Result<Vec<usize>> {
    check_allowed()?;
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    loop {
        let any_buffered = connections.iter_mut().any(|one| one.has_input(false));
        let remaining = match any_buffered {
            true => Some(Duration::ZERO),
            false => deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
        };
        let mut descriptors: Vec<PollFd<'_>> = connections
            .iter()
            .map(|connection| PollFd::from_borrowed_fd(connection.descriptor(), PollFlags::IN))
            .collect();
        poll_timeout(&mut descriptors, remaining)?;
        let polled: Vec<bool> = descriptors
            .iter()
            .map(|polled| !polled.revents().is_empty())
            .collect();
        let mut ready = Vec::new();
        for (position, (connection, is_readable)) in connections.iter_mut().zip(polled).enumerate()
        {
            if connection.has_input(is_readable) {
                ready.push(position);
            }
        }
        let has_timed_out = remaining.is_some_and(|remaining| remaining.is_zero());
        if !ready.is_empty() || has_timed_out {
            return Ok(ready);
        }
    }
}

/// Waits for at most `time` until one of the descriptors is ready, and returns the number of ready
/// ones. Signals do not interrupt it.
pub(super) fn poll_timeout(
    descriptors: &mut [PollFd<'_>],
    time: Option<Duration>,
) -> io::Result<usize> {
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    let mut remaining = time;
    loop {
        // A time that the system cannot represent counts as no timeout.
        let time = remaining.and_then(|remaining| Timespec::try_from(remaining).ok());
        match poll(descriptors, time.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
        remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    }
}
