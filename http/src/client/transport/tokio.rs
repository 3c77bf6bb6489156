//! The transport of the async client.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use farcall_core::protocol::time::within;
use farcall_core::transport::tcp::TcpConnector;
#[cfg(unix)]
use farcall_core::transport::unix::UnixConnector;
use farcall_core::transport::{Connect, Io};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use super::Destination;
use crate::client::pool::Transport;
use crate::client::stream::{self, Progress, Stream, timed_out};

type Dial = dyn Fn() -> BoxFuture<io::Result<TokioStream>> + Send + Sync;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connects to the destination of a client, over any transport of `farcall_core`.
pub struct TokioConnector {
    dial: Box<Dial>,
}

impl TokioConnector {
    /// Creates a connector over a transport.
    pub fn new(connect: impl Connect) -> Self {
        Self::over(connect, |io| TokioStream::Other(Box::new(io)))
    }

    /// Creates a connector to a destination.
    #[must_use]
    pub fn to(destination: Destination) -> Self {
        match destination {
            Destination::Tcp(host, port) => {
                Self::over(TcpConnector::new(host, port), TokioStream::Tcp)
            }
            #[cfg(unix)]
            Destination::Unix(path) => Self::over(UnixConnector::new(path), TokioStream::Unix),
            #[cfg(not(unix))]
            Destination::Unix(_) => unreachable!("no URL of a unix socket is accepted"),
        }
    }

    fn over<C: Connect>(connect: C, socket: fn(C::Io) -> TokioStream) -> Self {
        let dial = move || -> BoxFuture<io::Result<TokioStream>> {
            let connect = connect.clone();
            Box::pin(async move { connect.connect().await.map(socket) })
        };
        Self {
            dial: Box::new(dial),
        }
    }
}

impl fmt::Debug for TokioConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioConnector").finish_non_exhaustive()
    }
}

impl Transport for TokioConnector {
    type Stream = TokioStream;

    async fn connect(&self, deadline: Option<Instant>) -> io::Result<TokioStream> {
        before(deadline, (self.dial)()).await
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }
}

/// A byte stream. TCP and Unix sockets have variants of their own since the system can be asked
/// whether they are idle.
#[non_exhaustive]
pub enum TokioStream {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection to a socket file.
    #[cfg(unix)]
    Unix(UnixStream),
    /// A stream of any other transport.
    Other(Box<dyn Io>),
}

impl fmt::Debug for TokioStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            #[cfg(unix)]
            Self::Unix(_) => "Unix",
            Self::Other(_) => "Other",
        })
    }
}

impl TokioStream {
    fn io(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp),
            #[cfg(unix)]
            Self::Unix(unix) => Pin::new(unix),
            Self::Other(io) => Pin::new(io),
        }
    }
}

impl Stream for TokioStream {
    async fn try_read(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        let is_idle = match self {
            Self::Tcp(tcp) => stream::is_idle(tcp),
            #[cfg(unix)]
            Self::Unix(unix) => stream::is_idle(unix),
            Self::Other(io) => {
                // A single-threaded runtime that was busy or blocked since the last call has not
                // polled its I/O driver. Yielding makes it do so.
                yield_now().await;
                let mut space = ReadBuf::new(space);
                let mut cx = Context::from_waker(Waker::noop());
                return match Pin::new(io).poll_read(&mut cx, &mut space) {
                    Poll::Pending => Ok(None),
                    Poll::Ready(read) => read.map(|()| Some(space.filled().len())),
                };
            }
        };
        if is_idle {
            Ok(None)
        } else {
            self.read(space, None).await.map(Some)
        }
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> io::Result<Progress> {
        let mut space = ReadBuf::new(space);
        let progress = poll_fn(|cx| {
            if let Poll::Ready(written) = self.io().poll_write(cx, bytes) {
                return Poll::Ready(match written {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    written => written.map(Progress::Written),
                });
            }
            ready!(self.io().poll_read(cx, &mut space))?;
            Poll::Ready(Ok(Progress::Read(space.filled().len())))
        });
        before(deadline, progress).await
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let mut space = ReadBuf::new(space);
        let read = poll_fn(|cx| {
            // Written bytes may still be in a buffer of the transport.
            if let Poll::Ready(Err(error)) = self.io().poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            ready!(self.io().poll_read(cx, &mut space))?;
            Poll::Ready(Ok(space.filled().len()))
        });
        before(deadline, read).await
    }

    fn write_last(&mut self, bytes: &[u8]) {
        // An error means that the server has already closed the connection.
        let _ = match self {
            Self::Tcp(tcp) => tcp.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(unix) => unix.try_write(bytes),
            // It may need a runtime, and streams can be dropped anywhere.
            Self::Other(_) => Ok(0),
        };
    }
}

/// Awaits `future`, or fails once the deadline passes.
///
/// A peer that sends without a pause has something to read each time, so that no timer would be
/// asked: the deadline is compared with the clock first.
async fn before<T>(
    deadline: Option<Instant>,
    future: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    if deadline.is_some_and(|deadline| tokio::time::Instant::now() >= deadline.into()) {
        return Err(timed_out());
    }
    let timer = || deadline.map(|deadline| sleep_until(deadline.into()));
    within(future, timer)
        .await
        .unwrap_or_else(|| Err(timed_out()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{join, repeat, sink};
    use tokio::time::advance;

    use super::*;
    use crate::client::stream::is_timed_out;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_seen_though_the_peer_sends_without_a_pause() {
        let mut stream = TokioStream::Other(Box::new(join(repeat(b' '), sink())));
        let deadline = Some(tokio::time::Instant::now().into_std() + Duration::from_secs(1));
        let space = &mut [0; 8];
        for _ in 0..3 {
            assert_eq!(stream.read(space, deadline).await.unwrap(), 8);
            advance(Duration::from_millis(300)).await;
        }
        advance(Duration::from_millis(300)).await;
        assert!(is_timed_out(
            &stream.read(space, deadline).await.unwrap_err()
        ));
        assert!(is_timed_out(
            &stream.write(b"x", space, deadline).await.unwrap_err()
        ));
        assert_eq!(stream.read(space, None).await.unwrap(), 8);
    }
}
