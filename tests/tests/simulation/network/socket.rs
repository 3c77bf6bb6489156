//! One side of a simulated connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::direction::Direction;
use crate::trace::Trace;

/// A socket. Dropping it ends its stream.
pub(crate) struct Socket {
    name: &'static str,
    connection: u64,
    incoming: Arc<Direction>,
    outgoing: Arc<Direction>,
    sleep: Pin<Box<Sleep>>,
    ended: bool,
    trace: Trace,
}

impl Socket {
    /// Returns both sides of a connection, the connecting one first.
    pub(crate) fn pair(
        connection: u64,
        to_server: &Arc<Direction>,
        to_client: &Arc<Direction>,
        trace: &Trace,
    ) -> (Self, Self) {
        let end = |name, incoming: &Arc<Direction>, outgoing: &Arc<Direction>| Self {
            name,
            connection,
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            sleep: Box::pin(sleep_until(Instant::now())),
            ended: false,
            trace: trace.clone(),
        };
        (
            end("client", to_client, to_server),
            end("server", to_server, to_client),
        )
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = this.incoming.poll_read(cx, &mut this.sleep, buffer);
        if let Poll::Ready(result) = &read {
            let length = buffer.filled().len() - before;
            let (name, connection) = (this.name, this.connection);
            this.trace.event(|| match result {
                Ok(()) => format!("connection {connection}: the {name} reads {length} bytes"),
                Err(error) => format!("connection {connection}: the {name} cannot read: {error}"),
            });
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.outgoing.poll_write(cx, bytes);
        if let Poll::Ready(result) = &written {
            let (name, connection) = (self.name, self.connection);
            self.trace.event(|| match result {
                Ok(length) => format!("connection {connection}: the {name} writes {length} bytes"),
                Err(error) => format!("connection {connection}: the {name} cannot write: {error}"),
            });
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            self.ended = true;
            self.outgoing.end();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.ended {
            self.outgoing.end();
        }
        self.incoming.close();
    }
}
