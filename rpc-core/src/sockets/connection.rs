//! A connection, as a handler has it.

use std::fmt;
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::serve::{FIRST_CALL_GRACE, Stopped};
use crate::time::Countdown;
use crate::transport::{Io, Peer};

/// A connection to a peer, a byte stream in both directions.
///
/// When the server stops, reading comes to an end as if the peer had closed its side, as soon as
/// nothing is left to read: a handler that reads requests and answers them needs no code for stops.
/// A connection has at least [a second](FIRST_CALL_GRACE) for its first bytes.
pub struct Connection {
    io: Box<dyn Io>,
    peer: Peer,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_stopped: bool,
    idle_timeout: Duration,
    /// Runs while the handler waits for the peer to send.
    reading: Countdown,
    /// Runs while it waits for the peer to read. They differ, since code that copies flushes what
    /// it has written whenever there is nothing to read.
    writing: Countdown,
}

impl Connection {
    pub(super) fn new(io: impl Io, peer: Peer, stopped: Stopped, idle_timeout: Duration) -> Self {
        let accepted = Instant::now();
        Self {
            io: Box::new(io),
            peer,
            stopped: Box::pin(async move {
                stopped.await;
                sleep_until(accepted + FIRST_CALL_GRACE).await;
            }),
            is_stopped: false,
            idle_timeout,
            reading: Countdown::new(),
            writing: Countdown::new(),
        }
    }

    /// The peer.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// Returns the result of reading or writing, or an error if the peer lets the handler wait for too
/// long.
fn in_time<T>(
    polled: Poll<io::Result<T>>,
    countdown: &mut Countdown,
    timeout: Duration,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if polled.is_ready() {
        countdown.stop();
        return polled;
    }
    ready!(countdown.poll(timeout, cx));
    let message = "the peer neither sends nor reads";
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_read(cx, buffer);
        if polled.is_pending() {
            this.is_stopped = this.is_stopped || this.stopped.as_mut().poll(cx).is_ready();
            if this.is_stopped {
                return Poll::Ready(Ok(()));
            }
        }
        in_time(polled, &mut this.reading, this.idle_timeout, cx)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(cx, bytes);
        in_time(polled, &mut this.writing, this.idle_timeout, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_flush(cx);
        in_time(polled, &mut this.writing, this.idle_timeout, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_shutdown(cx);
        in_time(polled, &mut this.writing, this.idle_timeout, cx)
    }
}

/// Shows the peer.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// A [`Connection`] for a handler that blocks its thread.
#[derive(Debug)]
pub struct BlockingConnection {
    connection: Connection,
    runtime: Handle,
}

impl BlockingConnection {
    pub(super) const fn new(connection: Connection, runtime: Handle) -> Self {
        Self {
            connection,
            runtime,
        }
    }

    /// The peer.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        self.connection.peer()
    }

    /// Closes the sending direction: the peer reads the end of the stream.
    ///
    /// # Errors
    /// Errors of the connection.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.runtime.block_on(self.connection.shutdown())
    }
}

impl Read for BlockingConnection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.connection.read(buffer))
    }
}

impl Write for BlockingConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(self.connection.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.runtime.block_on(self.connection.flush())
    }
}
