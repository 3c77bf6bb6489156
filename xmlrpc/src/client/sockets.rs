//! Bytes that travel while async code waits.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use rpc_core::transport::tcp::TcpConnector;
#[cfg(unix)]
use rpc_core::transport::unix::UnixConnector;
use rpc_core::transport::{Connect, Io};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::yield_now;
use tokio::time::{sleep, sleep_until};

use super::pool::Pool;
use super::transport::{self, Destination, Progress, Stream, Transport, timed_out};

type Dial = dyn Fn() -> BoxFuture<io::Result<Socket>> + Send + Sync;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connects to the one place that all calls of a client go to, over any transport. TLS belongs
/// here, around what `dial` gives.
pub(super) struct Connector {
    dial: Box<Dial>,
}

impl Connector {
    pub(super) fn new(connect: impl Connect) -> Self {
        Self::over(connect, |io| Socket::Other(Box::new(io)))
    }

    pub(super) fn to(destination: Destination) -> Self {
        match destination {
            Destination::Tcp(host, port) => Self::over(TcpConnector::new(host, port), Socket::Tcp),
            #[cfg(unix)]
            Destination::Unix(path) => Self::over(UnixConnector::new(path), Socket::Unix),
            #[cfg(not(unix))]
            Destination::Unix(_) => unreachable!("no URL of a unix socket is accepted"),
        }
    }

    fn over<C: Connect>(connect: C, socket: fn(C::Io) -> Socket) -> Self {
        let dial = move || -> BoxFuture<io::Result<Socket>> {
            let connect = connect.clone();
            Box::pin(async move { connect.connect().await.map(socket) })
        };
        Self {
            dial: Box::new(dial),
        }
    }
}

impl Transport for Connector {
    type Stream = Socket;

    async fn connect(&self, deadline: Option<Instant>) -> io::Result<Socket> {
        within(deadline, (self.dial)()).await
    }

    fn tend(pool: &Pool<Self>) {
        let pool = pool.downgrade();
        tokio::spawn(async move {
            loop {
                sleep(pool.timeout).await;
                if !pool.close_unused() {
                    return;
                }
            }
        });
    }
}

/// A connection, and whether the system can be asked about it.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// That of any transport.
    Other(Box<dyn Io>),
}

impl Socket {
    fn io(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp),
            #[cfg(unix)]
            Self::Unix(unix) => Pin::new(unix),
            Self::Other(io) => Pin::new(io),
        }
    }
}

impl Stream for Socket {
    async fn is_quiet(&mut self) -> bool {
        match self {
            Self::Tcp(tcp) => transport::is_quiet(tcp),
            #[cfg(unix)]
            Self::Unix(unix) => transport::is_quiet(unix),
            Self::Other(io) => {
                // A runtime of one thread that did something else since the last call, or slept,
                // has not looked at what its transports wait for. This pause makes it.
                yield_now().await;
                let mut byte = [0];
                let mut asleep = Context::from_waker(Waker::noop());
                let read = Pin::new(io).poll_read(&mut asleep, &mut ReadBuf::new(&mut byte));
                read.is_pending()
            }
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
        within(deadline, progress).await
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let mut space = ReadBuf::new(space);
        let read = poll_fn(|cx| {
            // What was written may wait in a buffer of the transport.
            if let Poll::Ready(Err(error)) = self.io().poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            ready!(self.io().poll_read(cx, &mut space))?;
            Poll::Ready(Ok(space.filled().len()))
        });
        within(deadline, read).await
    }
}

/// What `future` gives, unless that takes until after the deadline.
async fn within<T>(
    deadline: Option<Instant>,
    future: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut future = pin!(future);
    let mut timer = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(done) = future.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        // Most is done at once, and needs no timer.
        if timer.is_none() {
            timer.set(deadline.map(|deadline| sleep_until(deadline.into())));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| Err(timed_out())),
            None => Poll::Pending,
        }
    })
    .await
}
