//! Unix sockets, whose two directions are registered with the event loop separately.
//!
//! Unlike TCP, a Unix socket becomes writable whenever the peer reads. Only a sender that has
//! filled the socket waits for that; for all others every message would cause a useless wakeup. So
//! a socket is registered for reads, and for writes only while it is full.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::task::coop::consume_budget;
use tokio::time::{Sleep, sleep};

use crate::descriptor::{self, DescriptorRead};

/// `true` if readiness is edge-triggered, as with epoll: the system reports new bytes or room after
/// a short read or write, without a further call that fails with `WouldBlock`.
const IS_EDGE_TRIGGERED: bool = cfg!(any(target_os = "android", target_os = "linux"));

/// Retry interval for a full socket that cannot be watched for lack of descriptors.
const WRITE_RETRY: Duration = Duration::from_millis(10);

/// A socket that is registered for reads only. Tokio registers only its pipes for a single
/// direction, and they accept any descriptor.
type Socket = Arc<pipe::Receiver>;

/// Splits a socket. It must be called within a tokio runtime.
pub(super) fn split(socket: tokio::net::UnixStream) -> io::Result<(UnixReadHalf, UnixWriteHalf)> {
    let socket = OwnedFd::from(socket.into_std()?);
    let socket = Arc::new(pipe::Receiver::from_owned_fd_unchecked(socket)?);
    let read_half = UnixReadHalf {
        socket: Arc::clone(&socket),
    };
    let write_half = UnixWriteHalf {
        socket: Some(socket),
        readiness: None,
    };
    Ok((read_half, write_half))
}

/// The read half of a Unix socket. It also receives descriptors, if asked to.
#[derive(Debug)]
pub(crate) struct UnixReadHalf {
    socket: Socket,
}

impl UnixReadHalf {
    /// Reunites the halves into a blocking socket.
    pub(crate) fn reunite(self, mut write_half: UnixWriteHalf) -> io::Result<OwnedFd> {
        drop(write_half.socket.take());
        let socket = Arc::try_unwrap(self.socket);
        let socket =
            socket.map_err(|_| io::Error::other("the halves belong to different sockets"))?;
        socket.into_blocking_fd()
    }

    /// Takes one byte and the descriptors beside it.
    pub(super) fn poll_receive_descriptor(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<DescriptorRead>> {
        self.poll_once(cx, |socket| descriptor::receive_descriptor(socket))
    }

    /// Returns the next byte without taking it; `None` at the end of the stream.
    pub(super) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        self.poll_once(cx, |socket| descriptor::peek(socket, RecvFlags::empty()))
    }

    fn poll_once<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&Socket) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let socket = &self.socket;
        loop {
            ready!(socket.poll_read_ready(cx))?;
            match socket.try_io(|| read(socket)) {
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for UnixReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { socket } = self.get_mut();
        loop {
            ready!(socket.poll_read_ready(cx))?;
            let mut count = 0;
            let read = socket.try_io(|| {
                let received = descriptor::receive_bytes(&**socket, buffer.initialize_unfilled())?;
                count = received.bytes;
                after_read(received.is_drained)
            });
            buffer.advance(count);
            match read {
                Err(error) if count == 0 => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Returns a `WouldBlock` error if the next read is known to fail with it, which saves that call.
fn after_read(would_block: bool) -> io::Result<()> {
    if would_block && IS_EDGE_TRIGGERED {
        Err(io::ErrorKind::WouldBlock.into())
    } else {
        Ok(())
    }
}

/// The write half of a Unix socket.
#[derive(Debug)]
pub(crate) struct UnixWriteHalf {
    /// `None` only while it is dropped without shutting the direction down.
    socket: Option<Socket>,
    /// Set while the socket is full. Boxed, to keep idle connections small.
    readiness: Option<Box<WriteReadiness>>,
}

/// The way to learn when a full socket is writable again.
#[derive(Debug)]
enum WriteReadiness {
    /// A duplicate descriptor, since the event loop registers each descriptor only once.
    Watched(pipe::Sender),
    Timed(Pin<Box<Sleep>>),
}

impl WriteReadiness {
    fn watch(socket: BorrowedFd<'_>) -> Self {
        let watched = socket.try_clone_to_owned();
        match watched.and_then(pipe::Sender::from_owned_fd_unchecked) {
            Ok(socket) => Self::Watched(socket),
            Err(_) => Self::retry(),
        }
    }

    fn retry() -> Self {
        Self::Timed(Box::pin(sleep(WRITE_RETRY)))
    }
}

impl UnixWriteHalf {
    /// Returns `true` while it waits for the socket to be writable, until it is
    /// [flushed](AsyncWrite::poll_flush).
    pub(super) const fn is_watched(&self) -> bool {
        self.readiness.is_some()
    }

    #[cfg(test)]
    pub(super) fn retry_later(&mut self) {
        self.readiness = Some(Box::new(WriteReadiness::retry()));
    }

    /// Calls `send` once it succeeds without blocking.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut send: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let Some(socket) = &self.socket else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        ready!(pin!(consume_budget()).poll(cx));
        loop {
            let sent = match self.readiness.as_deref_mut() {
                None => send(socket.as_fd()),
                Some(WriteReadiness::Watched(watched)) => {
                    ready!(watched.poll_write_ready(cx))?;
                    watched.try_io(|| send(socket.as_fd()))
                }
                Some(WriteReadiness::Timed(timer)) => {
                    ready!(timer.as_mut().poll(cx));
                    self.readiness = None;
                    send(socket.as_fd())
                }
            };
            match sent {
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => {
                        let socket = socket.as_fd();
                        self.readiness
                            .get_or_insert_with(|| Box::new(WriteReadiness::watch(socket)));
                    }
                    _ => return Poll::Ready(Err(error)),
                },
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncWrite for UnixWriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, |socket| {
            Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, |socket| {
            let mut control = SendAncillaryBuffer::default();
            let flags = SendFlags::NOSIGNAL;
            Ok(rustix::net::sendmsg(socket, slices, &mut control, flags)?)
        })
    }

    /// Stops watching the socket, since everything is written.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().readiness = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(socket) = &self.socket else {
            return Poll::Ready(Ok(()));
        };
        Poll::Ready(Ok(rustix::net::shutdown(&**socket, Shutdown::Write)?))
    }
}

impl Drop for UnixWriteHalf {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            // This fails if the peer has disconnected.
            let _ = rustix::net::shutdown(&**socket, Shutdown::Write);
        }
    }
}
