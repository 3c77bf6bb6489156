//! The two directions of a byte stream, async or blocking.
//!
//! The reader and the writer of frames are written once, as futures over these traits. A blocking
//! stream blocks the thread instead of returning `Pending`, so that its futures complete when they
//! are first polled.

use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::BorrowedFd;
#[cfg(feature = "_tls")]
use std::task::Waker;
use std::task::{Context, Poll, ready};
#[cfg(unix)]
use std::time::Duration;

use crate::account::{Evicted, HalfAccount};
#[cfg(unix)]
use crate::descriptor::DescriptorRead;
use crate::error::{RecvError, SendError};

/// The receiving direction of a byte stream.
pub(crate) trait ReadStream {
    /// `true` if a read blocks the thread. Input is then waited for by peeking.
    const BLOCKS: bool;

    /// Reads once, and returns the number of bytes: 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Returns `true` if bytes were received that are not read yet, as TLS receives whole records.
    fn has_input(&self) -> bool {
        false
    }

    /// Reserves room in a budget for a read. A blocking stream waits for its input here, too,
    /// unless there is some already, since an eviction does not interrupt a read.
    fn poll_reserve(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut HalfAccount,
        bytes: usize,
        _has_input: bool,
    ) -> Poll<Result<(), RecvError>> {
        let reserved = account.poll_resize(cx, bytes);
        reserved.map_err(|Evicted| RecvError::Evicted)
    }

    /// Reads once, after room for `size` bytes was [reserved](Self::poll_reserve) in a budget.
    fn poll_read_held(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, RecvError>> {
        ready!(self.poll_reserve(cx, account, size, self.has_input()))?;
        self.poll_read(cx, space).map_err(RecvError::Io)
    }

    /// Returns `true` if it is a Unix socket, which can pass descriptors.
    #[cfg(unix)]
    fn is_unix_socket(&self) -> bool;

    /// Returns the next byte of a Unix socket, or of TLS on a blocking stream, without taking it;
    /// `None` at the end of the stream. It is the only function that can be pending on a blocking
    /// stream.
    #[cfg(unix)]
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>>;

    /// Takes one byte of a Unix socket and the descriptors beside it.
    #[cfg(unix)]
    fn poll_receive_descriptor(&mut self, cx: &mut Context<'_>)
    -> Poll<io::Result<DescriptorRead>>;

    /// Waits for input on a blocking stream whose [peek](Self::poll_peek) was pending, for at most
    /// `time`. Returns `true` if there is some.
    #[cfg(unix)]
    fn wait_readable(&self, time: Duration) -> io::Result<bool>;
}

/// The sending direction of a byte stream, which is shut down when this is dropped.
pub(crate) trait WriteStream {
    /// Writes once, and returns the number of bytes.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes bytes of one or more of the slices, and returns their number.
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Writes once. While the peer does not read, `size` bytes are held in a budget.
    fn poll_write_held(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, SendError>> {
        match self.poll_write(cx, bytes) {
            Poll::Ready(written) => Poll::Ready(written.map_err(SendError::Io)),
            Poll::Pending => match account.hold(cx, size) {
                Ok(()) => Poll::Pending,
                Err(Evicted) => Poll::Ready(Err(SendError::Evicted)),
            },
        }
    }

    /// Returns `true` if the stream must be [flushed](Self::poll_flush) after the last write.
    fn needs_flush(&self) -> bool {
        false
    }

    /// Passes written bytes on, if the stream buffers them.
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Writes as many bytes as the stream takes without waiting, also if it blocks otherwise.
    #[cfg(feature = "_tls")]
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.poll_write(&mut Context::from_waker(Waker::noop()), bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Shuts the sending direction down.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Returns `true` if this error of a write is the timeout of a blocking stream, after which the
    /// next write can continue.
    fn is_timeout(_: &io::Error) -> bool {
        false
    }

    /// Sends a copy of a descriptor over a Unix socket.
    #[cfg(unix)]
    fn poll_send_descriptor(
        &mut self,
        cx: &mut Context<'_>,
        handle: BorrowedFd<'_>,
    ) -> Poll<io::Result<usize>>;
}
