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
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout_at};

use super::pool::Pool;
use super::transport::{Destination, Progress, Stream, Transport, timed_out};

type Dial = dyn Fn() -> BoxFuture<io::Result<Box<dyn Io>>> + Send + Sync;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connects to the one place that all calls of a client go to, over any transport. TLS belongs here, around what `dial`
/// gives.
pub(super) struct Connector {
    dial: Box<Dial>,
}

impl Connector {
    pub(super) fn new(connect: impl Connect) -> Self {
        let dial = move || -> BoxFuture<io::Result<Box<dyn Io>>> {
            let connect = connect.clone();
            Box::pin(async move { Ok(Box::new(connect.connect().await?) as Box<dyn Io>) })
        };
        Self {
            dial: Box::new(dial),
        }
    }

    pub(super) fn to(destination: Destination) -> Self {
        match destination {
            Destination::Tcp(host, port) => Self::new(TcpConnector::new(host, port)),
            #[cfg(unix)]
            Destination::Unix(path) => Self::new(UnixConnector::new(path)),
            #[cfg(not(unix))]
            Destination::Unix(_) => unreachable!("no URL of a unix socket is accepted"),
        }
    }
}

impl Transport for Connector {
    type Stream = Box<dyn Io>;

    async fn connect(&self, deadline: Option<Instant>) -> io::Result<Box<dyn Io>> {
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

impl Stream for Box<dyn Io> {
    async fn is_quiet(&mut self) -> bool {
        // A runtime of one thread that did something else since the last call, or slept, has
        // not looked at its sockets. This pause makes it, for a microsecond: a connection that
        // the server has closed meanwhile is then replaced instead of losing the call.
        yield_now().await;
        let mut byte = [0];
        let mut asleep = Context::from_waker(Waker::noop());
        let read = Pin::new(self).poll_read(&mut asleep, &mut ReadBuf::new(&mut byte));
        read.is_pending()
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> io::Result<Progress> {
        let mut space = ReadBuf::new(space);
        let progress = poll_fn(|cx| {
            if let Poll::Ready(written) = Pin::new(&mut *self).poll_write(cx, bytes) {
                return Poll::Ready(match written {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    written => written.map(Progress::Written),
                });
            }
            ready!(Pin::new(&mut *self).poll_read(cx, &mut space))?;
            Poll::Ready(Ok(Progress::Read(space.filled().len())))
        });
        within(deadline, progress).await
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let mut space = ReadBuf::new(space);
        let read = poll_fn(|cx| {
            // What was written may wait in a buffer of the transport.
            if let Poll::Ready(Err(error)) = Pin::new(&mut *self).poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            ready!(Pin::new(&mut *self).poll_read(cx, &mut space))?;
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
    // Most is done at once, and needs no timer.
    let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    match (first, deadline) {
        (Poll::Ready(done), _) => done,
        (Poll::Pending, None) => future.await,
        (Poll::Pending, Some(deadline)) => timeout_at(deadline.into(), future)
            .await
            .unwrap_or_else(|_| Err(timed_out())),
    }
}
