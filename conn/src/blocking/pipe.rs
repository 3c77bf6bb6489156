//! Connections between two threads of a program.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::reader::BlockingReader;
use super::stream::BlockingStream;
use super::writer::BlockingWriter;
use super::{Connection, Receiver, Sender};
use crate::codec::Codec;
use crate::connection::MAX_MESSAGE;

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
    let reader = BlockingReader::new(Arc::new(BlockingStream::PipeReader(reader)), MAX_MESSAGE);
    let writer = BlockingWriter::new(Arc::new(BlockingStream::PipeWriter(writer)));
    Ok((
        Receiver::from_parts(reader, C::default()),
        Sender::from_parts(writer, C::default()),
    ))
}
