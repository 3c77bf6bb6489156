//! The halves of a blocking connection: those of a stream of the system, or of TLS over one.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(feature = "_tls")]
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(feature = "_tls")]
use farcall_core::transport::tls::TlsSession;

use super::stream::{SystemReadHalf, SystemWriteHalf};
use crate::account::HalfAccount;
use crate::connection::{ReadStream, WriteStream};
#[cfg(feature = "_tls")]
use crate::connection::{TlsReadHalf, TlsWriteHalf};
use crate::descriptor::DescriptorRead;
use crate::error::{RecvError, SendError};

/// The receiving direction of a blocking connection.
#[derive(Debug)]
pub(super) enum BlockingReadHalf {
    System(SystemReadHalf),
    #[cfg(feature = "_tls")]
    Tls(Box<TlsReadHalf<SystemReadHalf>>),
}

/// The sending direction of a blocking connection.
#[derive(Debug)]
pub(super) enum BlockingWriteHalf {
    System(SystemWriteHalf),
    #[cfg(feature = "_tls")]
    Tls(Box<TlsWriteHalf<SystemWriteHalf>>),
}

/// Applies an action to every kind of half.
macro_rules! each {
    ($self:expr, $stream:ident => $action:expr) => {
        match $self {
            Self::System($stream) => $action,
            #[cfg(feature = "_tls")]
            Self::Tls($stream) => $action,
        }
    };
}

/// Returns the result of TLS over a blocking stream, which is never pending.
#[cfg(feature = "_tls")]
fn ready(poll: Poll<io::Result<usize>>) -> io::Result<usize> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl BlockingReadHalf {
    fn system(&self) -> &SystemReadHalf {
        match self {
            Self::System(stream) => stream,
            #[cfg(feature = "_tls")]
            Self::Tls(tls) => tls.stream(),
        }
    }

    /// Returns what the handshake of TLS has established.
    #[cfg(feature = "_tls")]
    pub(super) fn tls(&self) -> Option<&Arc<TlsSession>> {
        match self {
            Self::System(_) => None,
            Self::Tls(tls) => Some(tls.session()),
        }
    }

    pub(super) fn set_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.system().set_timeout(time)
    }

    /// Returns `true` if the stream may be readable though there is no input: only some records of
    /// TLS have any.
    pub(super) const fn may_read_nothing(&self) -> bool {
        !matches!(self, Self::System(_))
    }
}

impl BlockingWriteHalf {
    pub(super) fn set_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::System(stream) => stream.set_timeout(time),
            #[cfg(feature = "_tls")]
            Self::Tls(tls) => match tls.stream() {
                Some(stream) => stream.set_timeout(time),
                None => Ok(()),
            },
        }
    }
}

impl AsFd for BlockingReadHalf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.system().as_fd()
    }
}

impl ReadStream for BlockingReadHalf {
    const BLOCKS: bool = true;

    // Inlined, so that the compiler knows that it is never pending.
    #[inline(always)]
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::System(stream) => stream.poll_read(cx, space),
            #[cfg(feature = "_tls")]
            Self::Tls(tls) => Poll::Ready(ready(tls.poll_read(cx, space))),
        }
    }

    fn has_input(&self) -> bool {
        each!(self, stream => stream.has_input())
    }

    fn poll_read_held(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, RecvError>> {
        each!(self, stream => stream.poll_read_held(cx, space, account, size))
    }

    #[inline]
    fn is_unix_socket(&self) -> bool {
        each!(self, stream => stream.is_unix_socket())
    }

    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        each!(self, stream => stream.poll_peek(cx))
    }

    fn poll_receive_descriptor(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<DescriptorRead>> {
        each!(self, stream => stream.poll_receive_descriptor(cx))
    }

    fn wait_readable(&self, time: Duration) -> io::Result<bool> {
        each!(self, stream => stream.wait_readable(time))
    }
}

impl WriteStream for BlockingWriteHalf {
    #[inline]
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::System(stream) => stream.poll_write(cx, bytes),
            #[cfg(feature = "_tls")]
            Self::Tls(tls) => Poll::Ready(ready(tls.poll_write(cx, bytes))),
        }
    }

    #[inline]
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn poll_write_held(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, SendError>> {
        each!(self, stream => stream.poll_write_held(cx, bytes, account, size))
    }

    #[inline]
    fn needs_flush(&self) -> bool {
        each!(self, stream => stream.needs_flush())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    #[cfg(feature = "_tls")]
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, stream => stream.try_write(bytes))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }

    fn is_timeout(error: &io::Error) -> bool {
        SystemWriteHalf::is_timeout(error)
    }

    fn poll_send_descriptor(
        &mut self,
        cx: &mut Context<'_>,
        handle: BorrowedFd<'_>,
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_send_descriptor(cx, handle))
    }
}
