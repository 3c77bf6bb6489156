//! The sockets and pipes under a blocking connection.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_timeout};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

use crate::account::{Evicted, HalfAccount, RETRY};
use crate::connection::{ReadStream, WriteStream};
use crate::descriptor::{self, DescriptorRead};
use crate::error::{RecvError, SendError};

/// A blocking byte stream. Each direction is used by one thread at a time.
#[derive(Debug)]
pub(super) struct BlockingStream {
    descriptor: OwnedFd,
    kind: StreamKind,
}

/// The kinds of byte streams that differ in their system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    Tcp,
    Unix,
    Pipe,
}

/// The receiving direction of a blocking stream.
#[derive(Debug)]
pub(super) struct SystemReadHalf(Arc<BlockingStream>);

/// The sending direction of a blocking stream.
#[derive(Debug)]
pub(super) struct SystemWriteHalf(Arc<BlockingStream>);

impl BlockingStream {
    pub(super) const fn new(kind: StreamKind, descriptor: OwnedFd) -> Self {
        Self { descriptor, kind }
    }

    pub(super) fn split(self) -> (SystemReadHalf, SystemWriteHalf) {
        let stream = Arc::new(self);
        (SystemReadHalf(Arc::clone(&stream)), SystemWriteHalf(stream))
    }

    /// Returns the time after which a call in one direction times out. Pipes have no timeouts.
    fn deadline(&self, direction: Timeout) -> Option<Instant> {
        let time = socket_timeout(self, direction).ok().flatten();
        time.and_then(|time| Instant::now().checked_add(time))
    }

    /// Waits for at most `time` until the stream is ready for `events`. Returns `true` if it is.
    fn wait_ready(&self, events: PollFlags, time: Duration) -> io::Result<bool> {
        Ok(poll_timeout(&mut [PollFd::new(self, events)], Some(time))? > 0)
    }

    /// Makes a system call, and retries it when a signal interrupts it. Each attempt restarts the
    /// timeout of the socket, and signals may be repeated, such as those of a profiler. The call
    /// fails with `TimedOut` once the timeout has elapsed since the first signal.
    #[inline]
    fn retry<T, E: Into<io::Error>>(
        &self,
        direction: Timeout,
        mut call: impl FnMut() -> Result<T, E>,
    ) -> Poll<io::Result<T>> {
        let mut deadline = None;
        loop {
            let error = match call() {
                Ok(output) => return Poll::Ready(Ok(output)),
                Err(error) => error.into(),
            };
            if error.kind() != io::ErrorKind::Interrupted {
                return Poll::Ready(Err(error));
            }
            let deadline = *deadline.get_or_insert_with(|| self.deadline(direction));
            if has_passed(deadline) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }
}

fn has_passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

impl AsFd for BlockingStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl SystemReadHalf {
    pub(super) fn set_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        Ok(set_socket_timeout(&*self.0, Timeout::Recv, time)?)
    }
}

impl SystemWriteHalf {
    pub(super) fn set_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        Ok(set_socket_timeout(&*self.0, Timeout::Send, time)?)
    }
}

impl AsFd for SystemReadHalf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

// Sockets are read and written by direct system calls: in a program that has, or had, threads, the
// functions of the C library take two atomic operations each.

impl ReadStream for SystemReadHalf {
    const BLOCKS: bool = true;

    // Inlined, so that the compiler knows that it is never pending.
    #[inline(always)]
    fn poll_read(&mut self, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let stream = &*self.0;
        stream.retry(Timeout::Recv, || match stream.kind {
            StreamKind::Pipe => rustix::io::read(stream, &mut *space),
            _ => rustix::net::recv(stream, &mut *space, RecvFlags::empty()).map(|(count, _)| count),
        })
    }

    /// Waits until the budget has room for `bytes` bytes and there are bytes to read, for at most
    /// the read timeout of the stream.
    fn poll_reserve(
        &mut self,
        cx: &mut Context<'_>,
        account: &mut HalfAccount,
        bytes: usize,
        has_input: bool,
    ) -> Poll<Result<(), RecvError>> {
        let deadline = self.0.deadline(Timeout::Recv);
        let mut has_room = false;
        loop {
            has_room = has_room || account.resize(bytes).is_ok();
            if !has_room && !account.can_ever_fit(bytes) {
                account.evict();
            }
            let is_ready = if has_room && has_input {
                true
            } else if has_room {
                self.0
                    .wait_ready(PollFlags::IN, RETRY)
                    .map_err(RecvError::Io)?
            } else {
                thread::sleep(RETRY);
                false
            };
            if let Err(Evicted) = account.poll_evicted(cx) {
                return Poll::Ready(Err(RecvError::Evicted));
            }
            if is_ready {
                return Poll::Ready(Ok(()));
            }
            if has_passed(deadline) {
                let timed_out = io::ErrorKind::WouldBlock.into();
                return Poll::Ready(Err(RecvError::Io(timed_out)));
            }
        }
    }

    #[inline]
    fn is_unix_socket(&self) -> bool {
        self.0.kind == StreamKind::Unix
    }

    fn poll_peek(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        match descriptor::peek(&*self.0, RecvFlags::DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            peeked => Poll::Ready(peeked),
        }
    }

    fn poll_receive_descriptor(&mut self, _: &mut Context<'_>) -> Poll<io::Result<DescriptorRead>> {
        let stream = &*self.0;
        stream.retry(Timeout::Recv, || descriptor::receive_descriptor(stream))
    }

    fn wait_readable(&self, time: Duration) -> io::Result<bool> {
        self.0.wait_ready(PollFlags::IN, time)
    }
}

impl WriteStream for SystemWriteHalf {
    #[inline]
    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = &*self.0;
        stream.retry(Timeout::Send, || match stream.kind {
            StreamKind::Pipe => rustix::io::write(stream, bytes),
            _ => rustix::net::send(stream, bytes, SendFlags::NOSIGNAL),
        })
    }

    fn poll_write_vectored(
        &mut self,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = &*self.0;
        let mut control = SendAncillaryBuffer::default();
        stream.retry(Timeout::Send, || match stream.kind {
            StreamKind::Pipe => rustix::io::writev(stream, slices),
            _ => rustix::net::sendmsg(stream, slices, &mut control, SendFlags::NOSIGNAL),
        })
    }

    fn poll_write_held(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, SendError>> {
        let stream = &*self.0;
        let deadline = stream.deadline(Timeout::Send);
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        loop {
            let sent = stream.retry(Timeout::Send, || rustix::net::send(stream, bytes, flags));
            let is_full = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
            if !matches!(&sent, Poll::Ready(Err(error)) if is_full(error)) {
                return sent.map_err(SendError::Io);
            }
            if let Err(Evicted) = account.hold(cx, size) {
                return Poll::Ready(Err(SendError::Evicted));
            }
            let is_ready = stream.wait_ready(PollFlags::OUT, RETRY);
            if !is_ready.map_err(SendError::Io)? && has_passed(deadline) {
                return sent.map_err(SendError::Io);
            }
        }
    }

    #[cfg(feature = "_tls")]
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(rustix::net::send(&*self.0, bytes, flags)?)
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.0.kind {
            StreamKind::Pipe => Ok(()),
            _ => Ok(rustix::net::shutdown(&*self.0, Shutdown::Write)?),
        })
    }

    fn is_timeout(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        )
    }

    fn poll_send_descriptor(
        &mut self,
        _: &mut Context<'_>,
        handle: BorrowedFd<'_>,
    ) -> Poll<io::Result<usize>> {
        let stream = &*self.0;
        stream.retry(Timeout::Send, || {
            descriptor::send_descriptor(stream, handle)
        })
    }
}

impl Drop for SystemWriteHalf {
    fn drop(&mut self) {
        // This fails if the peer has disconnected.
        let _ = self.poll_shutdown(&mut Context::from_waker(Waker::noop()));
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
        // A time that the system cannot represent is as good as no timeout.
        let time = remaining.and_then(|remaining| Timespec::try_from(remaining).ok());
        match poll(descriptors, time.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
        remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    }
}
