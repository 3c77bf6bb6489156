//! Connections between two parts of a program.

use std::io;

use crate::codec::Codec;
use crate::connection::{Connection, Receiver, Sender};
#[cfg(unix)]
use crate::connection::{Reader, StreamReadHalf, StreamWriteHalf, Writer};

/// Creates two connections that are each other's peers, like CPython's `Pipe()`.
///
/// On Unix this is a socket pair; either socket can be passed to another process.
///
/// # Errors
/// If the system cannot create the sockets.
#[allow(
    clippy::type_complexity,
    reason = "two connections that mirror each other"
)]
pub fn pipe<S, R, C: Codec>() -> io::Result<(Connection<S, R, C>, Connection<R, S, C>)> {
    #[cfg(unix)]
    let (local, remote) = tokio::net::UnixStream::pair()?;
    #[cfg(not(unix))]
    let (local, remote) = tokio::io::duplex(64 * 1024);
    Ok((Connection::new(local), Connection::new(remote)))
}

/// Creates a one-way pipe, like CPython's `Pipe(False)`.
///
/// # Errors
/// If the system cannot create the pipe.
pub fn simplex<T, C: Codec>() -> io::Result<(Receiver<T, C>, Sender<T, C>)> {
    #[cfg(unix)]
    {
        let (sender, receiver) = tokio::net::unix::pipe::pipe()?;
        let reader = Reader::over(StreamReadHalf::Pipe(receiver));
        let writer = Writer::over(StreamWriteHalf::Pipe(sender));
        Ok((
            Receiver::from_parts(reader, C::default()),
            Sender::from_parts(writer, C::default()),
        ))
    }
    #[cfg(not(unix))]
    {
        let (local, remote) = pipe()?;
        Ok((local.split().1, remote.split().0))
    }
}
