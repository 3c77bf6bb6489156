//! Waiting on many connections at once.

use std::io;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::check_allowed;
use super::half::BlockingReadHalf;
use super::stream::poll_timeout;
use crate::connection::{ReadStream as _, Reader};

/// The types that [`wait`] accepts: [`Connection`](super::Connection) and
/// [`Receiver`](super::Receiver), with any type parameters.
pub trait Wait: Readable {}

#[allow(unnameable_types, reason = "`Wait` is sealed")]
pub trait Readable {
    #[allow(private_interfaces, reason = "`Wait` is sealed")]
    fn reader(&mut self) -> &mut Reader<BlockingReadHalf>;
}

/// Returns `true` if a receive would not wait. `is_readable` tells whether the stream has bytes or
/// is closed.
fn has_input(reader: &mut Reader<BlockingReadHalf>, is_readable: bool) -> bool {
    // Confirmations of descriptors are discarded.
    reader.skip_confirmations();
    if !reader.decoder.is_empty() {
        return true;
    }
    let may_read_nothing =
        reader.confirmations.are_outstanding() || reader.stream.may_read_nothing();
    let is_readable = is_readable || reader.stream.has_input();
    if !is_readable || !may_read_nothing {
        return is_readable;
    }
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
        let any_buffered = connections
            .iter_mut()
            .any(|one| has_input(one.reader(), false));
        let remaining = if any_buffered {
            Some(Duration::ZERO)
        } else {
            deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
        };
        let mut descriptors: Vec<PollFd<'_>> = connections
            .iter_mut()
            .map(|connection| PollFd::new(&connection.reader().stream, PollFlags::IN))
            .collect();
        poll_timeout(&mut descriptors, remaining)?;
        let polled: Vec<bool> = descriptors
            .iter()
            .map(|polled| !polled.revents().is_empty())
            .collect();
        let all = connections.iter_mut().zip(polled).enumerate();
        let ready: Vec<usize> = all
            .filter_map(|(position, (connection, is_readable))| {
                has_input(connection.reader(), is_readable).then_some(position)
            })
            .collect();
        let has_timed_out = remaining.is_some_and(|remaining| remaining.is_zero());
        if !ready.is_empty() || has_timed_out {
            return Ok(ready);
        }
    }
}
