//! How bytes travel: all that the async and the blocking client differ in.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::retry_on_intr;

use super::pool::Pool;

/// Where the connections of a client lead to.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// A name or an IP address, IPv6 without brackets, and a port.
    Tcp(String, u16),
    /// A socket file.
    Unix(PathBuf),
}

/// Makes connections to one place.
///
/// Where the futures of a transport and of its streams wait, the thread does so in the blocking
/// client: they are ready when they are polled.
pub(crate) trait Transport: Send + Sync + Sized + 'static {
    type Stream: Stream;

    /// # Errors
    /// Of the kind `TimedOut` where the deadline passes.
    fn connect(
        &self,
        deadline: Option<Instant>,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Closes the connections of the pool in time, until none is left, where anything can run
    /// beside the calls.
    fn tend(pool: &Pool<Self>);
}

/// A byte stream in both directions.
pub(crate) trait Stream: Send + 'static {
    /// Whether nothing came from the other end, not even the end.
    fn is_quiet(&mut self) -> impl Future<Output = bool> + Send;

    /// Writes some of the bytes; or reads into `space` where the other end, while it takes no more,
    /// says something.
    ///
    /// # Errors
    /// Those of the connection, and one of the kind `TimedOut` where the deadline passes.
    fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> impl Future<Output = io::Result<Progress>> + Send;

    /// Reads some bytes, or none where the stream has ended.
    ///
    /// # Errors
    /// As with [`write`](Self::write).
    fn read(
        &mut self,
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> impl Future<Output = io::Result<usize>> + Send;
}

/// What [`Stream::write`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It wrote so many bytes.
    Written(usize),
    /// It read so many bytes, or the end.
    Read(usize),
}

/// Whether nothing came through a socket, not even the end. The system knows that; an event loop
/// that did something else since the last call does not yet.
pub(crate) fn is_quiet(socket: impl AsFd) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    retry_on_intr(|| poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&now))) == Ok(0)
}

/// The error of a deadline that has passed.
pub(crate) fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// Whether a deadline has passed; a connection that the system found to be dead is of the same
/// kind.
pub(crate) fn is_timed_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none()
}
