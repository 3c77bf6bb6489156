//! The byte streams of client connections, async or blocking.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::retry_on_intr;

/// A bidirectional byte stream.
pub trait Stream: Send + 'static {
    /// Reads what has already arrived into `space`, without waiting, and returns the number of
    /// bytes: 0 at the end of the stream, and `None` if there is nothing to read.
    ///
    /// # Errors
    /// Errors of the connection.
    fn try_read(
        &mut self,
        space: &mut [u8],
    ) -> impl Future<Output = io::Result<Option<usize>>> + Send;

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

    /// Writes the bytes if that is possible without waiting, just before the stream is dropped.
    fn write_last(&mut self, bytes: &[u8]);

    /// Releases the memory that a large message needed.
    fn shrink(&mut self) {}
}

/// The outcome of [`Stream::write`].
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// The number of bytes written.
    Written(usize),
    /// The number of bytes read: 0 at the end of the stream.
    Read(usize),
}

/// Writes all of the bytes to a peer that must not send before it has them.
///
/// # Errors
/// As with [`Stream::write`], and if the peer sends or closes.
pub(super) async fn write_all(
    stream: &mut impl Stream,
    mut bytes: &[u8],
    deadline: Option<Instant>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes, &mut [0], deadline).await? {
            Progress::Written(length) => bytes = &bytes[length..],
            Progress::Read(0) => return Err(closed()),
            Progress::Read(_) => return Err(io::Error::other("the peer sent unexpected data")),
        }
    }
    Ok(())
}

fn closed() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the peer closed the connection",
    )
}

/// Fills `space`.
///
/// # Errors
/// As with [`Stream::read`], and `UnexpectedEof` if the stream ends before.
pub(super) async fn read_exact(
    stream: &mut impl Stream,
    mut space: &mut [u8],
    deadline: Option<Instant>,
) -> io::Result<()> {
    while !space.is_empty() {
        match stream.read(space, deadline).await? {
            0 => return Err(closed()),
            length => space = &mut space[length..],
        }
    }
    Ok(())
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

/// A failure that proves that the server received no request: it refused the TLS handshake, which
/// the client may learn only after it has sent a request.
#[derive(Debug, thiserror::Error)]
#[error("the server refused the TLS handshake")]
#[cfg_attr(
    not(feature = "_tls"),
    allow(dead_code, reason = "without TLS there is no such failure")
)]
pub(super) struct Unreached(#[source] pub(super) Box<dyn Error + Send + Sync>);

impl Unreached {
    /// Returns `true` if an error of a stream is such a failure.
    pub(super) fn is(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(<dyn Error + Send + Sync>::is::<Self>)
    }
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
