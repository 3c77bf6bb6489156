//! Streams as arguments and results of calls.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use farcall_core::Fault;
#[cfg(feature = "json")]
use farcall_core::protocol::attachment::JsonStream;
use farcall_core::protocol::attachment::{self, Carrier};
use farcall_core::protocol::{Attachment, Format as _, Payload};
use futures_util::Stream as Items;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::mpsc;

use super::encoding::Encoding;
use super::error::StreamError;
use super::session::{IncomingStream, ItemSource, OutgoingStream};

/// Sequence of items that one side produces while the other takes them. A stream can be an argument
/// or a result of a method, or a part of one.
///
/// The receiver grants the producer a window (256 KiB by default), so that a slow receiver delays
/// only its own stream. When the receiver drops the stream, its source is dropped. When the source
/// ends, fails or is dropped, the stream ends accordingly. A stream ends with its connection. The
/// time between items is not limited: put a [timeout](tokio::time::timeout) around
/// [`next`](Self::next) if it must be.
///
/// Implements the `Stream` trait of futures-core. [`next`](Self::next) reads items without that
/// trait.
///
/// # Examples
///
/// ```
/// # use farcall::rpc::Stream;
/// # use farcall::{CallError, client, service};
/// struct Files;
///
/// #[service]
/// impl Files {
///     /// The lines of a file, as they are read.
///     pub fn lines(&self, count: u32) -> Stream<String> {
///         let (sender, lines) = Stream::channel(16);
///         tokio::spawn(async move {
///             for number in 0..count {
///                 if sender.send(format!("line {number}")).await.is_err() {
///                     // Nobody listens any more.
///                     return;
///                 }
///             }
///         });
///         lines
///     }
///
///     /// The longest of the lines that come.
///     pub async fn longest(&self, mut lines: Stream<String>) -> Result<usize, farcall::Fault> {
///         let mut longest = 0;
///         while let Some(line) = lines.next().await {
///             longest = longest.max(line?.len());
///         }
///         Ok(longest)
///     }
/// }
///
/// #[client]
/// trait FilesApi {
///     async fn lines(&self, count: u32) -> Result<Stream<String>, CallError>;
///     async fn longest(&self, lines: Stream<String>) -> Result<usize, CallError>;
/// }
/// # use farcall::rpc::{Client, Server};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::new();
/// # server.register_instance(Files)?;
/// # let bound = server.bind("127.0.0.1:0").await?;
/// # let client = Client::connect(bound.local_address().clone());
/// # tokio::spawn(bound.serve());
/// # let files = client.await?;
///
/// let mut lines = files.lines(3).await?;
/// assert_eq!(lines.next().await.unwrap()?, "line 0");
/// // The other lines pass from the one call to the other.
/// assert_eq!(files.longest(lines).await?, 6);
/// # Ok(())
/// # }
/// ```
pub struct Stream<T> {
    inner: Mutex<Option<StreamInner<T>>>,
}

/// Origin of the items of a [`Stream`].
enum StreamInner<T> {
    Local(Pin<Box<dyn Items<Item = Result<T, Fault>> + Send>>),
    Incoming(Arc<IncomingStream>),
    /// Source of a stream that was passed within the process: its items are encoded and decoded
    /// locally.
    Source(Box<dyn ItemSource>),
}

impl<T> Stream<T> {
    /// Creates a stream of these items. The first fault among them ends the stream.
    pub fn new(items: impl Items<Item = Result<T, Fault>> + Send + 'static) -> Self {
        Self::of(StreamInner::Local(Box::pin(items)))
    }

    /// Creates a stream and a sender of its items. Sending waits while `capacity` items have not
    /// been taken.
    #[must_use]
    pub fn channel(capacity: usize) -> (StreamSender<T>, Self)
    where
        T: Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (StreamSender(sender), Self::new(ChannelItems(receiver)))
    }

    fn of(inner: StreamInner<T>) -> Self {
        Self {
            inner: Mutex::new(Some(inner)),
        }
    }

    fn inner(&mut self) -> &mut Option<StreamInner<T>> {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: DeserializeOwned> Stream<T> {
    /// Returns the next item, or `None` at the end of the stream.
    ///
    /// # Cancel safety
    /// No item is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<T, StreamError>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, StreamError>>> {
        let inner = self.inner();
        let item = match inner {
            None => return Poll::Ready(None),
            Some(StreamInner::Local(items)) => items
                .as_mut()
                .poll_next(cx)
                .map(|item| item.map(|item| item.map_err(StreamError::Fault))),
            Some(StreamInner::Incoming(incoming)) => {
                let encoding = incoming.encoding();
                let item = incoming.poll_next(cx);
                item.map(|item| item.map(|item| decode(encoding, &item?)))
            }
            Some(StreamInner::Source(source)) => {
                let encoding = Encoding::default();
                let item = source.poll_next(cx, encoding);
                item.map(|item| {
                    item.map(|item| decode(encoding, &item.map_err(StreamError::Fault)?))
                })
            }
        };
        if let Poll::Ready(None | Some(Err(StreamError::Fault(_) | StreamError::Disconnected(_)))) =
            item
        {
            *inner = None;
        }
        item
    }
}

fn decode<T: DeserializeOwned>(encoding: Encoding, item: &Payload) -> Result<T, StreamError> {
    encoding
        .decode_reply(item)
        .map_err(|error| StreamError::Decode(Arc::new(error)))
}

impl<T: DeserializeOwned> Items for Stream<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

/// Sender of the items of a [`Stream::channel`]. Clones send into the same stream, which ends when
/// the last clone is dropped.
pub struct StreamSender<T>(mpsc::Sender<Result<T, Fault>>);

/// The receiver of a stream dropped it, or its connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is closed: its receiver was dropped or disconnected")]
pub struct StreamClosed;

impl<T> StreamSender<T> {
    /// Sends an item, as soon as there is room for it.
    ///
    /// # Errors
    /// If the receiver dropped the stream, or its connection closed.
    ///
    /// # Cancel safety
    /// If the future is dropped, the item is not sent.
    pub async fn send(&self, item: T) -> Result<(), StreamClosed> {
        self.0.send(Ok(item)).await.map_err(|_| StreamClosed)
    }

    /// Ends the stream with a fault.
    ///
    /// # Errors
    /// As with [`send`](Self::send).
    ///
    /// # Cancel safety
    /// If the future is dropped, the stream ends without the fault.
    pub async fn fail(self, fault: Fault) -> Result<(), StreamClosed> {
        self.0.send(Err(fault)).await.map_err(|_| StreamClosed)
    }

    /// Completes when the receiver has dropped the stream, or its connection closed.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Returns `true` if the receiver has dropped the stream, or its connection closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl<T> Clone for StreamSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for StreamSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSender").finish_non_exhaustive()
    }
}

/// The receiving side of a [`Stream::channel`].
struct ChannelItems<T>(mpsc::Receiver<Result<T, Fault>>);

impl<T> Items for ChannelItems<T> {
    type Item = Result<T, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Encodes the items of a local stream.
struct EncodedItems<T>(Pin<Box<dyn Items<Item = Result<T, Fault>> + Send>>);

impl<T: Serialize> ItemSource for EncodedItems<T> {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>> {
        self.0
            .as_mut()
            .poll_next(cx)
            .map(|item| item.map(|item| encoding.reply(&item?).map_err(Fault::internal)))
    }
}

/// Encodes the items of a local stream as JSON.
#[cfg(feature = "json")]
struct JsonStreamItems<T>(Pin<Box<dyn Items<Item = Result<T, Fault>> + Send>>);

#[cfg(feature = "json")]
impl<T: Serialize> Items for JsonStreamItems<T> {
    type Item = Result<Payload, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.0.as_mut().poll_next(cx);
        item.map(|item| {
            item.map(|item| {
                let mut out = Vec::new();
                let encoded = farcall_core::Json::default().encode_reply(&item?, &mut out);
                encoded.map(|()| out.into()).map_err(Fault::internal)
            })
        })
    }
}

/// Serializing a stream passes it on: this value has no more items afterwards.
impl<T: Serialize + 'static> Serialize for Stream<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        attachment::serialize(serializer, |carrier| {
            let inner = self
                .inner
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match inner {
                None => Err("the stream has already been passed on".to_owned()),
                #[cfg(feature = "json")]
                Some(StreamInner::Local(items)) if carrier == Carrier::Json => {
                    let items = Box::pin(JsonStreamItems(items));
                    Ok(Arc::new(JsonStream::new(items)) as Attachment)
                }
                Some(_) if carrier == Carrier::Json => {
                    Err("a stream that was received cannot be passed on in JSON".to_owned())
                }
                Some(StreamInner::Local(items)) => {
                    Ok(Arc::new(OutgoingStream::new(Box::new(EncodedItems(items)))) as Attachment)
                }
                Some(StreamInner::Incoming(incoming)) => {
                    Ok(Arc::new(OutgoingStream::new(incoming.relay())) as Attachment)
                }
                Some(StreamInner::Source(source)) => {
                    Ok(Arc::new(OutgoingStream::new(source)) as Attachment)
                }
            }
        })
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Stream<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attachment = attachment::deserialize_stream::<T, D>(deserializer)?;
        // Without a connection in between, the stream was passed within the process.
        if let Some(attached) = attachment.downcast_ref::<OutgoingStream>() {
            let source = attached.take();
            let already_taken = || D::Error::custom("a stream can be received only once");
            return Ok(Self::of(StreamInner::Source(
                source.ok_or_else(already_taken)?,
            )));
        }
        match attachment.downcast::<IncomingStream>() {
            Ok(incoming) if incoming.take() => Ok(Self::of(StreamInner::Incoming(incoming))),
            Ok(_) => Err(D::Error::custom("a stream can be received only once")),
            Err(_) => Err(D::Error::custom("the attachment is not a stream")),
        }
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
