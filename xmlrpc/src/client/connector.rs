//! Connections for the HTTP client's pool.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rpc_core::transport::{Connect, Io};
use tower_service::Service;

use super::error::ConnectError;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Dial = dyn Fn() -> BoxFuture<io::Result<Box<dyn Io>>> + Send + Sync;

/// Connects to the one place that all calls of a client go to, whatever the URI says: a server or
/// a proxy, over any transport. TLS belongs here, around what `dial` gives.
#[derive(Clone)]
pub(super) struct Connector {
    dial: Arc<Dial>,
    peer: Arc<str>,
    timeout: Option<Duration>,
    proxied: bool,
}

impl Connector {
    /// `peer` is for error messages; the timeout is for the whole of a connection attempt.
    pub(super) fn new(connect: impl Connect, peer: String, timeout: Option<Duration>) -> Self {
        let dial = move || -> BoxFuture<io::Result<Box<dyn Io>>> {
            let connect = connect.clone();
            Box::pin(async move { Ok(Box::new(connect.connect().await?) as Box<dyn Io>) })
        };
        Self {
            dial: Arc::new(dial),
            peer: peer.into(),
            timeout,
            proxied: false,
        }
    }

    /// The other end is a proxy, which wants the whole URL in each request.
    pub(super) const fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = BoxFuture<Result<Stream, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dialling = (self.dial)();
        let Self {
            peer,
            timeout,
            proxied,
            ..
        } = self.clone();
        Box::pin(async move {
            let connected = match timeout {
                Some(timeout) => match tokio::time::timeout(timeout, dialling).await {
                    Ok(connected) => connected,
                    Err(_) => Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("no connection within {timeout:?}"),
                    )),
                },
                None => dialling.await,
            };
            match connected {
                Ok(io) => Ok(Stream {
                    io: TokioIo::new(io),
                    proxied,
                }),
                Err(error) => Err(ConnectError {
                    peer,
                    error: Arc::new(error),
                }),
            }
        })
    }
}

/// A connection that tells the pool whether there is a proxy at its other end.
pub(super) struct Stream {
    io: TokioIo<Box<dyn Io>>,
    proxied: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
