//! Messages of a WebSocket (RFC 6455): a text message is a document.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

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

type Socket = WebSocketStream<Counted<Box<dyn Io>>>;

/// The reading half of a WebSocket.
pub(crate) struct WebSocketReader {
    stream: SplitStream<Socket>,
    /// Bytes received since the last message.
    received: Arc<AtomicUsize>,
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
    let received = Arc::new(AtomicUsize::new(read.len()));
    let io = Counted(io, Arc::clone(&received));
    let config = config(max_message);
    let part = read.to_vec();
    let socket = WebSocketStream::from_partially_read(io, part, Role::Server, Some(config));
    halves(socket.await, received)
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
    let received = Arc::new(AtomicUsize::new(0));
    let io = Counted(io, Arc::clone(&received));
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
    Ok(halves(socket, received))
}

fn halves(socket: Socket, received: Arc<AtomicUsize>) -> (WebSocketReader, WebSocketWriter) {
    let (sink, stream) = socket.split();
    let reader = WebSocketReader {
        stream,
        received,
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
    /// Completes with the next frame, or with an error if the budget has no room for what has
    /// arrived of a message.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        account: &Arc<SessionAccount>,
    ) -> Poll<Result<Option<tungstenite::Message>, ReadError>> {
        let polled = self.stream.poll_next_unpin(cx);
        let received = self.received.load(Ordering::Relaxed);
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
                    let rest = self.received.load(Ordering::Relaxed).saturating_sub(length);
                    self.received.store(rest, Ordering::Relaxed);
                    continue;
                }
                Some(tungstenite::Message::Frame(_)) => continue,
            };
            self.heard_at = Instant::now();
            self.received.store(0, Ordering::Relaxed);
            self.since = None;
            let mut hold = std::mem::take(&mut self.hold);
            hold.resize(account, document.len())?;
            return Ok(Some(Message { document, hold }));
        }
    }

    async fn drain(&mut self) {
        while let Some(Ok(_)) = self.stream.next().await {}
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

/// A byte stream that counts what is read.
struct Counted<I>(I, Arc<AtomicUsize>);

impl<I: AsyncRead + Unpin> AsyncRead for Counted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        self.1
            .fetch_add(buffer.filled().len() - before, Ordering::Relaxed);
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counted<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
