//! Connections between two threads of a program.

use std::io;
use std::os::unix::net::UnixStream;

use super::half::{BlockingReadHalf, BlockingWriteHalf};
use super::stream::{BlockingStream, StreamKind};
use super::{Connection, Receiver, Sender};
use crate::codec::Codec;
use crate::connection::{Reader, Writer};

/// Creates two connections that are each other's peers, like CPython's `Pipe()`. This is a socket
/// pair; either socket can be passed to another process.
///
/// # Errors
/// If the system cannot create the sockets.
#[allow(
    clippy::type_complexity,
    reason = "two connections that mirror each other"
)]
pub fn pipe<S, R, C: Codec>() -> io::Result<(Connection<S, R, C>, Connection<R, S, C>)> {
    let (local, remote) = UnixStream::pair()?;
    Ok((local.into(), remote.into()))
}

/// Creates a one-way pipe, like CPython's `Pipe(False)`.
///
/// # Errors
/// If the system cannot create the pipe.
pub fn simplex<T, C: Codec>() -> io::Result<(Receiver<T, C>, Sender<T, C>)> {
    let (reader, writer) = io::pipe()?;
    let (receiving, _) = BlockingStream::new(StreamKind::Pipe, reader.into()).split();
    let (_, sending) = BlockingStream::new(StreamKind::Pipe, writer.into()).split();
    let receiving = BlockingReadHalf::System(receiving);
    let sending = BlockingWriteHalf::System(sending);
    Ok((
        Receiver::from_parts(Reader::over(receiving), C::default()),
        Sender::from_parts(Writer::over(sending), C::default()),
    ))
}
