//! A socket with the TLS connections around it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Instant;

use super::stream::{Progress, Stream};
use super::tls::{Tls, TlsTarget};

/// A byte stream to the server: a socket, or TLS over such a stream. To reach an `https` server
/// through an `https` proxy, TLS runs over TLS.
pub(crate) enum Layered<S: Stream> {
    Plain(S),
    Tls(Box<Tls<Self>>),
}

impl<S: Stream> Layered<S> {
    /// Adds a TLS connection.
    ///
    /// # Errors
    /// If the handshake fails, and an error of kind `TimedOut` if the deadline passes.
    pub(super) async fn secure(
        self,
        target: &TlsTarget,
        deadline: Option<Instant>,
    ) -> io::Result<Self> {
        let tls = Tls::handshake(target, self, deadline);
        tls.await.map(|tls| Self::Tls(Box::new(tls)))
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

// The futures of TLS contain those of what is below. They are boxed to be of finite size, and so
// that those of plain connections stay small. They are boxed in functions of their own, since the
// compiler could not tell otherwise that they can be sent to another thread.

fn try_read<'a, S: Stream>(
    tls: &'a mut Tls<Layered<S>>,
    space: &'a mut [u8],
) -> BoxFuture<'a, io::Result<Option<usize>>> {
    Box::pin(tls.try_read(space))
}

fn write<'a, S: Stream>(
    tls: &'a mut Tls<Layered<S>>,
    bytes: &'a [u8],
    space: &'a mut [u8],
    deadline: Option<Instant>,
) -> BoxFuture<'a, io::Result<Progress>> {
    Box::pin(tls.write(bytes, space, deadline))
}

fn read<'a, S: Stream>(
    tls: &'a mut Tls<Layered<S>>,
    space: &'a mut [u8],
    deadline: Option<Instant>,
) -> BoxFuture<'a, io::Result<usize>> {
    Box::pin(tls.read(space, deadline))
}

impl<S: Stream> Stream for Layered<S> {
    async fn try_read(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        match self {
            Self::Plain(socket) => socket.try_read(space).await,
            Self::Tls(tls) => try_read(tls, space).await,
        }
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> io::Result<Progress> {
        match self {
            Self::Plain(socket) => socket.write(bytes, space, deadline).await,
            Self::Tls(tls) => write(tls, bytes, space, deadline).await,
        }
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(space, deadline).await,
            Self::Tls(tls) => read(tls, space, deadline).await,
        }
    }

    fn write_last(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(socket) => socket.write_last(bytes),
            Self::Tls(tls) => tls.write_last(bytes),
        }
    }

    fn shrink(&mut self) {
        match self {
            Self::Plain(socket) => socket.shrink(),
            Self::Tls(tls) => tls.shrink(),
        }
    }
}
