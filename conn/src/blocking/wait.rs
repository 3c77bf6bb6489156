//! Waiting on many connections at once.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Connection, Receiver};
use crate::codec::Codec;

/// What [`wait`] can wait for: a [`Connection`] or a [`Receiver`], whatever their types.
pub trait Wait: Sealed {}

impl<S, R, C: Codec> Wait for Connection<S, R, C> {}

impl<R, C: Codec> Wait for Receiver<R, C> {}

#[allow(unnameable_types, reason = "nobody else is to implement `Wait`")]
pub trait Sealed {
    /// Whether bytes came already.
    fn holds_bytes(&self) -> bool;
    fn descriptor(&self) -> BorrowedFd<'_>;
}

impl<S, R, C> Sealed for Connection<S, R, C> {
    fn holds_bytes(&self) -> bool {
        !self.reader.decoder.is_empty()
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.reader.stream.as_fd()
    }
}

impl<R, C> Sealed for Receiver<R, C> {
    fn holds_bytes(&self) -> bool {
        !self.reader.decoder.is_empty()
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.reader.stream.as_fd()
    }
}

/// Waits until one of the connections has input or has ended, but no longer than `time` (for ever where
/// it is `None`), and returns the positions of all that have. None has after a timeout.
///
/// As CPython's `multiprocessing.connection.wait`.
///
/// # Errors
/// If the system cannot wait.
pub fn wait(connections: &mut [&mut dyn Wait], time: Option<Duration>) -> io::Result<Vec<usize>> {
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    let held = |connection: &&mut dyn Wait| connection.holds_bytes();
    let any_held = connections.iter().any(held);
    let mut descriptors: Vec<PollFd<'_>> = connections
        .iter()
        .map(|connection| PollFd::from_borrowed_fd(connection.descriptor(), PollFlags::IN))
        .collect();
    loop {
        let left = if any_held {
            Some(Duration::ZERO)
        } else {
            deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
        };
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut descriptors, left.as_ref()) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let ready = connections.iter().zip(&descriptors).enumerate();
    Ok(ready
        .filter(|(_, (connection, polled))| {
            connection.holds_bytes() || !polled.revents().is_empty()
        })
        .map(|(position, _)| position)
        .collect())
}
