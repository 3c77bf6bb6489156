//! Decryption of the records that a stream brings.

use std::cell::Cell;
use std::io::{self, Read as _};
use std::task::{Context, Poll};

use farcall_core::transport::tls::TlsError;
use farcall_core::transport::tls::rustls::{self, Connection as TlsConnection};

use super::{SharedTls, lock};
use crate::connection::io::ReadStream;

/// Minimum number of bytes asked of the stream in one read, and the number in the handshake. rustls
/// buffers 18,437 bytes, of which a record that is not complete yet takes up to 16,645, and accepts
/// no more while over 16,384 decrypted bytes wait.
const MIN_READ: usize = 1024;

/// Maximum number of bytes asked of the stream in one read.
const MAX_READ: usize = 64 * 1024;

thread_local! {
    /// Spare: the buffer for one read of the stream, whose bytes TLS takes before the read returns.
    static RECORDS: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The result of one read of a stream.
pub(super) struct Received {
    /// The number of bytes that were read: 0 at the end of the stream.
    pub(super) encrypted: usize,
    /// The number of bytes that were decrypted into the given space.
    pub(super) decrypted: usize,
}

/// Reads a stream once, and decrypts what it can into `space`.
///
/// TLS takes all bytes that are read, since no more are asked for than `space` has room for.
pub(super) fn poll_receive<R: ReadStream>(
    stream: &mut R,
    tls: &SharedTls,
    cx: &mut Context<'_>,
    space: &mut [u8],
) -> Poll<io::Result<Received>> {
    let mut records = RECORDS.try_with(Cell::take).unwrap_or_default();
    let length = space.len().clamp(MIN_READ, MAX_READ);
    if records.len() < length {
        records.resize(length, 0);
    }
    let received = match stream.poll_read(cx, &mut records[..length]) {
        Poll::Ready(Ok(count)) => {
            let decrypted = decrypt(&mut lock(tls), &records[..count], space);
            Poll::Ready(decrypted.map(|decrypted| Received {
                encrypted: count,
                decrypted,
            }))
        }
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    };
    // Thread-local values are not available while a thread exits.
    let _ = RECORDS.try_with(|spare| spare.replace(records));
    received
}

/// Passes received records to TLS, or the end of the stream if there are none, and returns the
/// number of bytes decrypted into `space`.
fn decrypt(tls: &mut TlsConnection, mut records: &[u8], space: &mut [u8]) -> io::Result<usize> {
    if records.is_empty() {
        tls.read_tls(&mut records)?;
        return Ok(0);
    }
    let mut filled = 0;
    // After a `close_notify`, whatever follows is not taken.
    while !records.is_empty() && tls.read_tls(&mut records)? > 0 {
        let processed = tls.process_new_packets();
        filled += tls.reader().read(&mut space[filled..]).or_else(no_bytes)?;
        match processed {
            Ok(_) => {}
            // TLS returns it again, after the bytes in front of it were taken.
            Err(_) if filled > 0 => break,
            Err(error) => return Err(into_io(error)),
        }
    }
    Ok(filled)
}

/// Returns 0 if there are no decrypted bytes yet.
fn no_bytes(error: io::Error) -> io::Result<usize> {
    match error.kind() {
        io::ErrorKind::WouldBlock => Ok(0),
        _ => Err(error),
    }
}

/// Returns the decrypted bytes that were not read, which are empty at the end; or `None` if the
/// stream must be read first.
pub(super) fn decrypted(tls: &mut TlsConnection) -> io::Result<Option<&[u8]>> {
    if tls
        .reader()
        .into_first_chunk()
        .is_err_and(|error| would_block(&error))
    {
        // An error may have followed the bytes that were read last.
        tls.process_new_packets().map_err(into_io)?;
        return Ok(None);
    }
    let chunk = tls.reader().into_first_chunk();
    chunk.map(Some).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            let message =
                "the connection ended without a `close_notify` of TLS: it may have been cut";
            io::Error::new(io::ErrorKind::UnexpectedEof, message)
        }
        _ => error,
    })
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn into_io(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, TlsError::from(error))
}
