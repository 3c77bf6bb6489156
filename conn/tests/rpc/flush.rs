//! Transports that buffer written bytes until they are flushed, as encrypting ones do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall_conn::rpc::{Client, Server};
use farcall_core::transport::memory::listener;
use farcall_core::transport::{Address, Connect, Listen, Peer};
use tokio::io::{AsyncRead, AsyncWrite, BufStream, ReadBuf};
use tokio::time::timeout;

use crate::support::spawn;

/// Stream that writes nothing before it is flushed, and flushes only at the second poll.
struct Reluctant<S> {
    stream: BufStream<S>,
    was_asked: bool,
}

impl<S: AsyncRead + AsyncWrite> Reluctant<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: BufStream::new(stream),
            was_asked: false,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Reluctant<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Reluctant<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.was_asked = !self.was_asked;
        if self.was_asked {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Transport whose streams are [`Reluctant`].
#[derive(Clone)]
struct Over<T>(T);

impl<T: Connect> Connect for Over<T> {
    type Io = Reluctant<T::Io>;

    async fn connect(&self) -> io::Result<Self::Io> {
        self.0.connect().await.map(Reluctant::new)
    }
}

impl<T: Listen> Listen for Over<T> {
    type Io = Reluctant<T::Io>;

    async fn accept(&mut self) -> io::Result<(Self::Io, Peer)> {
        let (io, peer) = self.0.accept().await?;
        Ok((Reluctant::new(io), peer))
    }

    fn local_address(&self) -> io::Result<Address> {
        self.0.local_address()
    }
}

#[tokio::test]
async fn written_bytes_are_flushed_even_if_a_flush_is_pending_first() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let (listening, connector) = listener("flush");
    spawn(&server, Over(listening)).await;
    let client = Client::over(Over(connector)).await.unwrap();
    let calls = async {
        for i in 0..100 {
            assert_eq!(client.call::<i64>("add", (i, 1)).await.unwrap(), i + 1);
        }
        // Concurrent calls, which are not written by their own tasks.
        for _ in 0..100 {
            let add = || client.call::<i64>("add", (3, 5));
            let (a, b, c) = tokio::join!(add(), add(), add());
            assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (8, 8, 8));
        }
    };
    timeout(Duration::from_secs(20), calls).await.unwrap();
}
