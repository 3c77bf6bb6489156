//! The byte streams of client connections, async or blocking.

use std::future::Future;
use std::io;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::retry_on_intr;

/// A bidirectional byte stream.
pub(crate) trait Stream: Send + 'static {
    /// Returns `true` if there is nothing to read: neither data nor the end of the stream.
    fn is_idle(&mut self) -> impl Future<Output = bool> + Send;

    /// Writes some of the bytes. If the peer accepts no more bytes but sends some, reads those into
    /// `space` instead.
    ///
    /// # Errors
    /// Errors of the connection, and an error of kind `TimedOut` if the deadline passes.
    fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> impl Future<Output = io::Result<Progress>> + Send;

    /// Reads some bytes into `space`, and returns their number: 0 at the end of the stream.
    ///
    /// # Errors
    /// As with [`write`](Self::write).
    fn read(
        &mut self,
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> impl Future<Output = io::Result<usize>> + Send;
}

/// The outcome of [`Stream::write`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The number of bytes written.
    Written(usize),
    /// The number of bytes read: 0 at the end of the stream.
    Read(usize),
}

/// Returns `true` if a socket has nothing to read: neither data nor the end of the stream. Asks the
/// system, since an event loop that was busy since the last call does not know yet.
pub(crate) fn is_idle(socket: impl AsFd) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    retry_on_intr(|| poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&now))) == Ok(0)
}

/// Returns the error for a deadline that has passed.
pub(crate) fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// Returns `true` if a local deadline has passed. A connection that the system declared dead has
/// the same kind of error, but with an error code of the system.
pub(crate) fn is_timed_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none()
}
