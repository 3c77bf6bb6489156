//! Messages of a WebSocket (RFC 6455): a text message is a document.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use farcall_core::transport::Io;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error};

use super::{Message, MessageHold, ReadError, ReadMessage, SessionAccount, WriteMessage};

/// Bytes of the buffer for reading, which each connection has.
const READ: usize = 8 << 10;

/// Bytes that are collected before they are written.
const COLLECTED: usize = 16 << 10;

/// Bytes of the header of a frame of a client with a short payload.
const SHORT_HEADER: usize = 6;

/// Maximum bytes of pongs that wait to be written before nothing more is read. A peer that reads
/// never comes near it, and one that only sends pings costs no memory.
const MAX_PONGS: usize = 4 << 10;

type Socket = WebSocketStream<Counted<Box<dyn Io>>>;

/// The bytes that the frames of a WebSocket take, which only its byte stream knows, and the answers
/// to them, which only its reader knows.
#[derive(Debug, Default)]
struct Counts {
    /// Bytes received since the last message.
    received: AtomicUsize,
    /// Bytes of the pongs that the byte stream has not taken yet.
    pongs: AtomicUsize,
}

/// The reading half of a WebSocket.
pub(crate) struct WebSocketReader {
    stream: SplitStream<Socket>,
    counts: Arc<Counts>,
    hold: MessageHold,
    since: Option<Instant>,
    heard_at: Instant,
}

/// The writing half of a WebSocket.
pub(crate) struct WebSocketWriter(SplitSink<Socket, tungstenite::Message>);

/// Returns the halves of a WebSocket of a server, whose client has sent `read` already.
pub(crate) async fn accepted(
    io: Box<dyn Io>,
    read: Bytes,
    max_message: usize,
) -> (WebSocketReader, WebSocketWriter) {
    let counts = Arc::<Counts>::default();
    counts.received.store(read.len(), Ordering::Relaxed);
    let io = Counted::new(io, Arc::clone(&counts));
    let config = config(max_message);
    let part = read.to_vec();
    let socket = WebSocketStream::from_partially_read(io, part, Role::Server, Some(config));
    halves(socket.await, counts)
}

/// Performs the handshake of a client.
///
/// # Errors
/// If the server does not accept it. The error names the status of its response.
pub(crate) async fn open(
    io: Box<dyn Io>,
    authority: &str,
    path: &str,
    headers: &HeaderMap,
    max_message: usize,
) -> io::Result<(WebSocketReader, WebSocketWriter)> {
    let counts = Arc::<Counts>::default();
    let io = Counted::new(io, Arc::clone(&counts));
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let mut request = format!("ws://{authority}{path}")
        .into_client_request()
        .map_err(invalid)?;
    request.headers_mut().extend(headers.clone());
    let config = config(max_message);
    let opened = tokio_tungstenite::client_async_with_config(request, io, Some(config)).await;
    let (socket, _) = opened.map_err(|error| match error {
        Error::Http(response) => {
            let status = response.status();
            let text = if status.is_success() {
                format!("the server answered with {status}, not with a WebSocket")
            } else {
                format!("the server refused the WebSocket with status {status}")
            };
            io::Error::new(io::ErrorKind::ConnectionRefused, text)
        }
        error => into_io(error),
    })?;
    Ok(halves(socket, counts))
}

fn halves(socket: Socket, counts: Arc<Counts>) -> (WebSocketReader, WebSocketWriter) {
    let (sink, stream) = socket.split();
    let reader = WebSocketReader {
        stream,
        counts,
        hold: MessageHold::default(),
        since: None,
        heard_at: Instant::now(),
    };
    (reader, WebSocketWriter(sink))
}

fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(COLLECTED)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

impl WebSocketReader {
    /// Completes with the next frame. All frames are read here, so that all pongs are counted.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<tungstenite::Message, Error>>> {
        let polled = self.stream.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(tungstenite::Message::Ping(payload)))) = &polled {
            // The pong is written when the next frame is asked for, or with what is written before.
            let pong = payload.len() + SHORT_HEADER;
            self.counts.pongs.fetch_add(pong, Ordering::Relaxed);
        }
        polled
    }

    /// Completes with the next frame, or with an error if the budget has no room for what has
    /// arrived of a message.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        account: &Arc<SessionAccount>,
    ) -> Poll<Result<Option<tungstenite::Message>, ReadError>> {
        let polled = self.poll_next(cx);
        let received = self.counts.received.load(Ordering::Relaxed);
        if received > 0 {
            self.hold.resize(account, received)?;
            if polled.is_pending() {
                self.since.get_or_insert_with(Instant::now);
            }
        } else {
            self.since = None;
        }
        polled.map(|frame| match frame {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(frame)),
            Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) => Ok(None),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { max_size, .. }))) => {
                Err(ReadError::TooLarge(max_size))
            }
            Some(Err(Error::Utf8(_))) => Err(ReadError::Malformed("a message is not UTF-8")),
            Some(Err(error)) => Err(ReadError::Io(into_io(error))),
        })
    }
}

impl ReadMessage for WebSocketReader {
    async fn read(
        &mut self,
        _: usize,
        account: &Arc<SessionAccount>,
    ) -> Result<Option<Message>, ReadError> {
        loop {
            let frame = poll_fn(|cx| self.poll_frame(cx, account)).await?;
            let document = match frame {
                None | Some(tungstenite::Message::Close(_)) => return Ok(None),
                Some(tungstenite::Message::Text(text)) => Bytes::from(text),
                // Some clients send documents as binary messages. Both are read as UTF-8.
                Some(tungstenite::Message::Binary(bytes)) => bytes,
                Some(tungstenite::Message::Ping(payload) | tungstenite::Message::Pong(payload)) => {
                    self.heard_at = Instant::now();
                    // These can come in the middle of a message, and are no part of it.
                    let length = payload.len() + SHORT_HEADER;
                    let received = &self.counts.received;
                    let rest = received.load(Ordering::Relaxed).saturating_sub(length);
                    received.store(rest, Ordering::Relaxed);
                    continue;
                }
                Some(tungstenite::Message::Frame(_)) => continue,
            };
            self.heard_at = Instant::now();
            self.counts.received.store(0, Ordering::Relaxed);
            self.since = None;
            let mut hold = std::mem::take(&mut self.hold);
            hold.resize(account, document.len())?;
            return Ok(Some(Message { document, hold }));
        }
    }

    async fn drain(&mut self) {
        while let Some(Ok(_)) = poll_fn(|cx| self.poll_next(cx)).await {}
    }

    fn incomplete_since(&self) -> Option<Instant> {
        self.since
    }

    fn heard_at(&self) -> Option<Instant> {
        Some(self.heard_at)
    }
}

impl WriteMessage for WebSocketWriter {
    async fn write(&mut self, document: Bytes) -> io::Result<()> {
        let is_long = document.len() > COLLECTED;
        let text = document.try_into();
        let text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let fed = self.0.feed(tungstenite::Message::Text(text)).await;
        fed.map_err(into_io)?;
        // The bytes were copied. They count until the peer has taken them.
        if is_long { self.flush().await } else { Ok(()) }
    }

    async fn ping(&mut self) -> io::Result<()> {
        let ping = tungstenite::Message::Ping(Bytes::new());
        self.0.feed(ping).await.map_err(into_io)
    }

    fn flush(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        let flushed = self.0.flush();
        async { flushed.await.map_err(into_io) }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self.0.close().await {
            Err(Error::ConnectionClosed) => Ok(()),
            closed => closed.map_err(into_io),
        }
    }
}

/// A byte stream that counts what is read, and lets nothing be read while a peer leaves more than
/// [`MAX_PONGS`] unread: the pongs would pile up, beyond any budget, for as long as it sends pings.
struct Counted<I> {
    io: I,
    counts: Arc<Counts>,
    /// The reader that waits for pongs to be written.
    reader: Option<Waker>,
}

impl<I> Counted<I> {
    const fn new(io: I, counts: Arc<Counts>) -> Self {
        Self {
            io,
            counts,
            reader: None,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Counted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.counts.pongs.load(Ordering::Relaxed) > MAX_PONGS {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        let received = buffer.filled().len() - before;
        self.counts.received.fetch_add(received, Ordering::Relaxed);
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counted<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    /// Flushes the stream, which is asked for once all that waits has been written to it.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.counts.pongs.store(0, Ordering::Relaxed);
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
