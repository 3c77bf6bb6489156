//! TLS between the frames of a connection and its byte stream, async or blocking.
//!
//! Both halves share the TLS connection, behind a lock that is held while bytes are encrypted or
//! decrypted, never while a stream is read or written. A half holds no bytes of its own while it is
//! idle; what was decrypted and not yet read is at most one record.

mod records;

use std::convert::identity;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read as _, Write};
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
#[cfg(unix)]
use std::time::Duration;

use farcall_core::transport::tls::rustls::Connection as TlsConnection;
use farcall_core::transport::tls::{BytesWithoutData, TlsSession};

use self::records::{decrypted, poll_receive};
use super::io::{ReadStream, WriteStream};
use crate::account::HalfAccount;
#[cfg(unix)]
use crate::descriptor::DescriptorRead;
use crate::error::{RecvError, SendError};
use crate::frame::Encoder;

/// The TLS connection that the halves of a stream share.
type SharedTls = Arc<Mutex<TlsConnection>>;

fn lock(tls: &SharedTls) -> MutexGuard<'_, TlsConnection> {
    // A panic within rustls leaves a connection that returns errors at worst.
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The receiving half of a stream with TLS.
pub(crate) struct TlsReadHalf<R> {
    stream: R,
    tls: SharedTls,
    session: Arc<TlsSession>,
    /// Those received since the last data.
    without_data: BytesWithoutData,
}

/// The sending half of a stream with TLS. It sends `close_notify` when it is shut down or dropped,
/// by which the peer tells the end from a connection that was cut.
pub(crate) struct TlsWriteHalf<W: WriteStream> {
    /// `None` only while it is dropped without closing the stream.
    stream: Option<W>,
    tls: SharedTls,
    /// Encrypted bytes that the stream has not taken.
    output: Encoder,
}

/// Performs the handshake of TLS on a stream.
///
/// # Errors
/// If the stream breaks or ends, or the handshake fails: then the cause is a
/// [`TlsError`](farcall_core::transport::tls::TlsError).
pub(crate) async fn secure<R: ReadStream, W: WriteStream>(
    mut stream: R,
    write_half: W,
    tls: TlsConnection,
) -> io::Result<(TlsReadHalf<R>, TlsWriteHalf<W>)> {
    let tls = Arc::new(Mutex::new(tls));
    // After an error it sends the peer the alert that explains it, when it is dropped.
    let mut writer = TlsWriteHalf {
        stream: Some(write_half),
        tls: Arc::clone(&tls),
        output: Encoder::new(),
    };
    loop {
        writer.take_output();
        poll_fn(|cx| writer.poll_flush(cx)).await?;
        if !lock(&tls).is_handshaking() {
            break;
        }
        let received = poll_fn(|cx| poll_receive(&mut stream, &tls, cx, &mut [])).await?;
        if received.encrypted == 0 {
            let message = "the peer disconnected during the TLS handshake";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
    }
    let session = match &*lock(&tls) {
        TlsConnection::Client(client) => TlsSession::of_client(client),
        TlsConnection::Server(server) => TlsSession::of_server(server),
    };
    let reader = TlsReadHalf {
        stream,
        tls,
        session: Arc::new(session),
        without_data: BytesWithoutData::default(),
    };
    Ok((reader, writer))
}

/// Replaces the stream under TLS by another form of the same stream.
#[cfg(unix)]
pub(crate) fn replace_stream<R, W: WriteStream, S, T: WriteStream>(
    reader: TlsReadHalf<R>,
    mut writer: TlsWriteHalf<W>,
    replace: impl FnOnce(R, W) -> io::Result<(S, T)>,
) -> io::Result<(TlsReadHalf<S>, TlsWriteHalf<T>)> {
    let write_half = writer.stream.take().ok_or(io::ErrorKind::NotConnected)?;
    let (read_half, write_half) = replace(reader.stream, write_half)?;
    let reader = TlsReadHalf {
        stream: read_half,
        tls: reader.tls,
        session: reader.session,
        without_data: reader.without_data,
    };
    let writer = TlsWriteHalf {
        stream: Some(write_half),
        tls: Arc::clone(&writer.tls),
        output: std::mem::take(&mut writer.output),
    };
    Ok((reader, writer))
}

impl<R> TlsReadHalf<R> {
    /// Returns the stream under TLS.
    pub(crate) const fn stream(&self) -> &R {
        &self.stream
    }

    /// Returns what the handshake has established.
    pub(crate) const fn session(&self) -> &Arc<TlsSession> {
        &self.session
    }
}

impl<R: ReadStream> TlsReadHalf<R> {
    /// Reads the stream once, and returns the number of bytes that were decrypted into `space`.
    fn poll_receive(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let received = ready!(poll_receive(&mut self.stream, &self.tls, cx, space))?;
        if received.decrypted > 0 {
            self.without_data.reset();
        } else {
            self.without_data.add(received.encrypted)?;
        }
        Poll::Ready(Ok(received.decrypted))
    }

    /// Returns the number of bytes that were decrypted into `space`, after at most one read of the
    /// stream; `None` if what has arrived is a part of a record, or has no data.
    fn poll_read_once(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<Option<usize>>> {
        let mut tls = lock(&self.tls);
        if decrypted(&mut tls)?.is_some() {
            self.without_data.reset();
            return Poll::Ready(tls.reader().read(space).map(Some));
        }
        drop(tls);
        let count = ready!(self.poll_receive(cx, space))?;
        Poll::Ready(Ok((count > 0).then_some(count)))
    }
}

impl<R: ReadStream> ReadStream for TlsReadHalf<R> {
    const BLOCKS: bool = R::BLOCKS;

    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(count) = ready!(self.poll_read_once(cx, space))? {
                return Poll::Ready(Ok(count));
            }
        }
    }

    fn has_input(&self) -> bool {
        // An error is returned by the next read.
        !matches!(decrypted(&mut lock(&self.tls)), Ok(None))
    }

    /// Waits for each part of a record as a stream without TLS does for its bytes, so that an
    /// eviction is noticed within a record, too.
    fn poll_read_held(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, RecvError>> {
        loop {
            let has_input = self.has_input();
            ready!(self.stream.poll_reserve(cx, account, size, has_input))?;
            let read = self.poll_read_once(cx, space).map_err(RecvError::Io);
            if let Some(count) = ready!(read)? {
                return Poll::Ready(Ok(count));
            }
        }
    }

    #[cfg(unix)]
    fn is_unix_socket(&self) -> bool {
        // Descriptors would travel beside the encryption.
        false
    }

    #[cfg(unix)]
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        loop {
            if let Some(bytes) = decrypted(&mut lock(&self.tls))? {
                return Poll::Ready(Ok(bytes.first().copied()));
            }
            if !self.stream.wait_readable(Duration::ZERO)? {
                return Poll::Pending;
            }
            ready!(self.poll_receive(cx, &mut []))?;
        }
    }

    #[cfg(unix)]
    fn poll_receive_descriptor(&mut self, _: &mut Context<'_>) -> Poll<io::Result<DescriptorRead>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    #[cfg(unix)]
    fn wait_readable(&self, time: Duration) -> io::Result<bool> {
        Ok(self.has_input() || self.stream.wait_readable(time)?)
    }
}

impl<W: WriteStream> TlsWriteHalf<W> {
    /// Returns the stream under TLS.
    #[cfg(unix)]
    pub(crate) const fn stream(&self) -> Option<&W> {
        self.stream.as_ref()
    }

    /// Takes what TLS has to send.
    fn take_output(&mut self) {
        take_output(&mut lock(&self.tls), &mut self.output);
    }

    /// Encrypts bytes of one or more of the slices, and returns their number. All earlier ones must
    /// have been [written](Self::poll_write_encrypted).
    fn encrypt(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut tls = lock(&self.tls);
        let count = tls.writer().write_vectored(slices);
        take_output(&mut tls, &mut self.output);
        count
    }

    /// Writes the encrypted bytes with `write`.
    fn poll_write_output<E>(
        &mut self,
        mut write: impl FnMut(&mut W, &[u8]) -> Poll<Result<usize, E>>,
        to_error: fn(io::Error) -> E,
    ) -> Poll<Result<(), E>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(to_error(io::ErrorKind::NotConnected.into())));
        };
        while !self.output.is_empty() {
            match ready!(write(stream, self.output.unwritten()))? {
                0 => return Poll::Ready(Err(to_error(io::ErrorKind::WriteZero.into()))),
                count => self.output.wrote(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the encrypted bytes to the stream.
    fn poll_write_encrypted(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_output(|stream, bytes| stream.poll_write(cx, bytes), identity)
    }
}

fn take_output(tls: &mut TlsConnection, output: &mut Encoder) {
    while tls.wants_write() {
        // Appending to memory does not fail.
        let _ = tls.write_tls(&mut Append(output));
    }
}

/// Appends what is written to an encoder.
struct Append<'a>(&'a mut Encoder);

impl Write for Append<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push_raw(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        for slice in slices {
            self.0.push_raw(slice);
        }
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: WriteStream> WriteStream for TlsWriteHalf<W> {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    /// Encrypts what it returns, up to 64 KiB, which the next write or flush writes.
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_encrypted(cx))?;
        Poll::Ready(self.encrypt(slices))
    }

    fn poll_write_held(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        account: &mut HalfAccount,
        size: usize,
    ) -> Poll<Result<usize, SendError>> {
        let write = |stream: &mut W, output: &[u8]| {
            let account = &mut *account;
            stream.poll_write_held(cx, output, account, size)
        };
        ready!(self.poll_write_output(write, SendError::Io))?;
        let encrypted = self.encrypt(&[IoSlice::new(bytes)]);
        Poll::Ready(encrypted.map_err(SendError::Io))
    }

    fn needs_flush(&self) -> bool {
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_encrypted(cx))?;
        match &mut self.stream {
            Some(stream) => stream.poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.tls).send_close_notify();
        self.take_output();
        ready!(self.poll_flush(cx))?;
        match &mut self.stream {
            Some(stream) => stream.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn is_timeout(error: &io::Error) -> bool {
        W::is_timeout(error)
    }

    #[cfg(unix)]
    fn poll_send_descriptor(
        &mut self,
        _: &mut Context<'_>,
        _: BorrowedFd<'_>,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

impl<W: WriteStream> Drop for TlsWriteHalf<W> {
    fn drop(&mut self) {
        if self.stream.is_none() {
            return;
        }
        lock(&self.tls).send_close_notify();
        self.take_output();
        // The bytes that the stream does not take at once are lost, and the peer sees that.
        let write = |stream: &mut W, bytes: &[u8]| Poll::Ready(stream.try_write(bytes));
        let _ = self.poll_write_output(write, identity);
    }
}

impl<R> fmt::Debug for TlsReadHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsReadHalf(..)")
    }
}

impl<W: WriteStream> fmt::Debug for TlsWriteHalf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsWriteHalf(..)")
    }
}
