//! The byte streams under a connection, each split into a read half and a write half.

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::pin::Pin;
#[cfg(feature = "_tls")]
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
#[cfg(unix)]
use std::time::Duration;

use farcall_core::Identity;
#[cfg(feature = "_tls")]
use farcall_core::transport::tls::TlsSession;
use farcall_core::transport::{Io, Peer};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, tcp};
#[cfg(unix)]
use tokio::net::{UnixStream, unix::pipe};
#[cfg(unix)]
use tokio::runtime::Handle;

use super::io::{ReadStream, WriteStream};
#[cfg(feature = "_tls")]
use super::tls::{TlsReadHalf, TlsWriteHalf};
#[cfg(unix)]
use super::unix::{UnixReadHalf, UnixWriteHalf};
use crate::auth::Channel;
#[cfg(unix)]
use crate::descriptor::{DescriptorRead, send_descriptor};

/// The read half of a byte stream.
pub(crate) enum StreamReadHalf {
    Tcp(tcp::OwnedReadHalf),
    #[cfg(unix)]
    Unix(UnixReadHalf),
    #[cfg(unix)]
    Pipe(pipe::Receiver),
    Other(ReadHalf<Box<dyn Io>>),
    #[cfg(feature = "_tls")]
    Tls(Box<TlsReadHalf<Self>>),
}

/// The write half of a byte stream.
pub(crate) enum StreamWriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    #[cfg(unix)]
    Unix(UnixWriteHalf),
    #[cfg(unix)]
    Pipe(pipe::Sender),
    Other(ShutdownOnDrop),
    #[cfg(feature = "_tls")]
    Tls(Box<TlsWriteHalf<Self>>),
}

impl StreamReadHalf {
    /// Returns the identity of the peer, as far as it is known before the authkey is proved.
    pub(crate) fn identity(&self, peer: Peer) -> Identity {
        #[cfg(feature = "_tls")]
        if let Self::Tls(tls) = self {
            return Identity::over_tls(peer, tls.session());
        }
        peer.into()
    }

    /// Returns what the handshake of TLS has established.
    #[cfg(feature = "_tls")]
    pub(crate) fn tls(&self) -> Option<&Arc<TlsSession>> {
        match self {
            Self::Tls(tls) => Some(tls.session()),
            _ => None,
        }
    }

    /// Returns the TCP socket that the stream runs on, if it runs on one.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp.as_ref()),
            #[cfg(feature = "_tls")]
            Self::Tls(tls) => tls.stream().tcp(),
            _ => None,
        }
    }
}

/// The write half of a custom stream. It shuts its direction down on drop, as sockets do by
/// themselves.
pub(crate) struct ShutdownOnDrop(WriteHalf<Box<dyn Io>>);

impl Drop for ShutdownOnDrop {
    fn drop(&mut self) {
        // A stream that cannot shut down at once closes when its read half is dropped too.
        let mut cx = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.0).poll_shutdown(&mut cx);
    }
}

/// The halves of a byte stream, its peer, and the identity of its channel.
pub(crate) type SplitStream = (StreamReadHalf, StreamWriteHalf, Peer, Channel);

/// Splits a byte stream, and determines its peer and channel.
///
/// Sockets are recognised by type, so that their halves need no lock and can pass descriptors.
pub(crate) fn split(io: impl Io) -> SplitStream {
    let io = match downcast::<TcpStream>(io) {
        Ok(tcp) => return split_tcp(tcp),
        Err(io) => io,
    };
    #[cfg(unix)]
    let io = match downcast::<UnixStream>(io) {
        Ok(unix) => return split_unix(unix),
        Err(io) => io,
    };
    let (peer, channel) = if (&io as &dyn Any).is::<DuplexStream>() {
        (Peer::Memory, Channel::Memory)
    } else {
        (Peer::Unknown, Channel::Unknown)
    };
    let (read_half, write_half) = split_other(io);
    (read_half, write_half, peer, channel)
}

fn split_other(io: impl Io) -> (StreamReadHalf, StreamWriteHalf) {
    let io: Box<dyn Io> = Box::new(io);
    let (read_half, write_half) = tokio::io::split(io);
    (
        StreamReadHalf::Other(read_half),
        StreamWriteHalf::Other(ShutdownOnDrop(write_half)),
    )
}

fn downcast<T: 'static>(io: impl Io) -> Result<T, impl Io> {
    let mut io = Some(io);
    match (&mut io as &mut dyn Any).downcast_mut::<Option<T>>() {
        Some(socket) => Ok(socket.take().expect("the option was just filled")),
        None => Err(io.expect("the option was just filled")),
    }
}

fn split_tcp(tcp: TcpStream) -> SplitStream {
    // Both fail if the peer has disconnected; the first read returns a better error.
    let (peer, channel) = match (tcp.local_addr(), tcp.peer_addr()) {
        (Ok(local), Ok(peer)) => (Peer::Tcp(peer), Channel::Tcp { local, peer }),
        _ => (Peer::Unknown, Channel::Unknown),
    };
    let (read_half, write_half) = tcp.into_split();
    (
        StreamReadHalf::Tcp(read_half),
        StreamWriteHalf::Tcp(write_half),
        peer,
        channel,
    )
}

#[cfg(unix)]
fn split_unix(unix: UnixStream) -> SplitStream {
    let peer = farcall_core::transport::unix::peer(&unix);
    let channel = match peer {
        Peer::Unix(Some(peer)) => Channel::Unix {
            local: own_credentials(),
            peer,
        },
        _ => Channel::Unknown,
    };
    if Handle::try_current().is_err() {
        let (read_half, write_half) = split_other(unix);
        return (read_half, write_half, peer, channel);
    }
    let (read_half, write_half) = match super::unix::split(unix) {
        Ok((read_half, write_half)) => (
            StreamReadHalf::Unix(read_half),
            StreamWriteHalf::Unix(write_half),
        ),
        // A socket that cannot be registered with the event loop is treated as closed.
        Err(_) => split_other(tokio::io::duplex(1).0),
    };
    (read_half, write_half, peer, channel)
}

#[cfg(unix)]
pub(crate) fn own_credentials() -> farcall_core::transport::Credentials {
    farcall_core::transport::Credentials {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        pid: i32::try_from(std::process::id()).ok(),
    }
}

/// Applies an action to every kind of write half, and another one to that with TLS.
macro_rules! each {
    ($self:expr, $stream:ident => $action:expr, $tls:ident => $tls_action:expr) => {
        match $self {
            Self::Tcp($stream) => $action,
            #[cfg(unix)]
            Self::Unix($stream) => $action,
            #[cfg(unix)]
            Self::Pipe($stream) => $action,
            Self::Other(ShutdownOnDrop($stream)) => $action,
            #[cfg(feature = "_tls")]
            Self::Tls($tls) => $tls_action,
        }
    };
}

impl ReadStream for StreamReadHalf {
    const BLOCKS: bool = false;

    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(space);
        let read = match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, &mut space),
            #[cfg(unix)]
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, &mut space),
            #[cfg(unix)]
            Self::Pipe(pipe) => Pin::new(pipe).poll_read(cx, &mut space),
            Self::Other(other) => Pin::new(other).poll_read(cx, &mut space),
            #[cfg(feature = "_tls")]
            Self::Tls(tls) => return tls.poll_read(cx, space.initialize_unfilled()),
        };
        ready!(read)?;
        Poll::Ready(Ok(space.filled().len()))
    }

    #[cfg(unix)]
    #[inline]
    fn is_unix_socket(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    #[cfg(unix)]
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        match self {
            Self::Unix(socket) => socket.poll_peek(cx),
            _ => Poll::Ready(Ok(None)),
        }
    }

    #[cfg(unix)]
    fn poll_receive_descriptor(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<DescriptorRead>> {
        match self {
            Self::Unix(socket) => socket.poll_receive_descriptor(cx),
            _ => Poll::Ready(Ok(DescriptorRead::End)),
        }
    }

    #[cfg(unix)]
    fn wait_readable(&self, _: Duration) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl WriteStream for StreamWriteHalf {
    #[inline]
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(
            self,
            stream => Pin::new(stream).poll_write(cx, bytes),
            tls => tls.poll_write(cx, bytes)
        )
    }

    #[inline]
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(
            self,
            stream => Pin::new(stream).poll_write_vectored(cx, slices),
            tls => tls.poll_write_vectored(cx, slices)
        )
    }

    /// Returns `true` for a full Unix socket, for TLS, and for custom streams, which may buffer
    /// bytes.
    #[inline]
    fn needs_flush(&self) -> bool {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.is_watched(),
            Self::Other(_) => true,
            #[cfg(feature = "_tls")]
            Self::Tls(_) => true,
            _ => false,
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx), tls => tls.poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx), tls => tls.poll_shutdown(cx))
    }

    #[cfg(unix)]
    fn poll_send_descriptor(
        &mut self,
        cx: &mut Context<'_>,
        handle: BorrowedFd<'_>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Unix(socket) => socket.poll_send(cx, |socket| send_descriptor(socket, handle)),
            _ => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }
}

impl fmt::Debug for StreamReadHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamReadHalf(..)")
    }
}

impl fmt::Debug for StreamWriteHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamWriteHalf(..)")
    }
}
