//! The stream of one host, whichever protocol it is called over.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
#[cfg(feature = "jsonrpc-sockets")]
use std::sync::Arc;
use std::task::{Context, Poll};

use farcall_conn::rpc::{self, StreamError};
use farcall_core::CallError;
#[cfg(feature = "jsonrpc-sockets")]
use farcall_jsonrpc::{Subscription, SubscriptionError};
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;

/// An update of a stream.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update<T> {
    /// An item of the stream of the host.
    Item(T),
    /// An item that cannot be decoded. The stream continues.
    Undecodable(StreamError),
    /// The stream of the host has ended, or could not be opened. It comes once for each host.
    Ended(Result<(), CallError>),
}

/// The updates of the stream of one host: a stream of a connection, or a subscription of JSON-RPC.
/// Created by [`Client::subscribe`](super::Client::subscribe), or from either. It implements the
/// `Stream` trait of futures-core; [`next`](Self::next) reads updates without it.
///
/// Dropping it ends the stream, and its source at the host.
#[must_use = "a stream makes progress only while it is polled"]
pub struct HostStream<T> {
    /// None once it has ended.
    source: Option<Source<T>>,
}

enum Source<T> {
    Stream(rpc::Stream<T>),
    #[cfg(feature = "jsonrpc-sockets")]
    Subscription(Subscription<T>),
}

/// The host cannot send streams.
#[derive(Debug, thiserror::Error)]
#[error(
    "streams need a connection (`conn+rpc://…`), a socket of JSON-RPC (`json+tcp://…`) or a \
     WebSocket (`ws://…`), and this host is called over another protocol"
)]
struct NoStreams;

/// Returns the error of a host that cannot send streams. Nothing was sent.
pub(crate) fn no_streams() -> CallError {
    CallError::Refused(Box::new(NoStreams))
}

impl<T: DeserializeOwned> HostStream<T> {
    /// Returns the next update, or `None` after [`Update::Ended`].
    ///
    /// # Cancel safety
    /// No item is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Update<T>> {
        poll_fn(|cx| self.poll_next_unpin(cx)).await
    }
}

impl<T> From<rpc::Stream<T>> for HostStream<T> {
    fn from(stream: rpc::Stream<T>) -> Self {
        Self {
            source: Some(Source::Stream(stream)),
        }
    }
}

#[cfg(feature = "jsonrpc-sockets")]
#[cfg_attr(docsrs, doc(cfg(feature = "jsonrpc-sockets")))]
impl<T> From<Subscription<T>> for HostStream<T> {
    fn from(subscription: Subscription<T>) -> Self {
        Self {
            source: Some(Source::Subscription(subscription)),
        }
    }
}

impl<T: DeserializeOwned> Stream for HostStream<T> {
    type Item = Update<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update<T>>> {
        let next = match &mut self.source {
            None => return Poll::Ready(None),
            Some(Source::Stream(stream)) => stream.poll_next_unpin(cx).map(of_stream),
            #[cfg(feature = "jsonrpc-sockets")]
            Some(Source::Subscription(items)) => items.poll_next_unpin(cx).map(of_subscription),
        };
        next.map(|update| {
            if let Update::Ended(_) = update {
                self.source = None;
            }
            Some(update)
        })
    }
}

fn of_stream<T>(next: Option<Result<T, StreamError>>) -> Update<T> {
    match next {
        Some(Ok(item)) => Update::Item(item),
        Some(Err(error @ StreamError::Decode(_))) => Update::Undecodable(error),
        Some(Err(error)) => Update::Ended(Err(error.into())),
        None => Update::Ended(Ok(())),
    }
}

#[cfg(feature = "jsonrpc-sockets")]
fn of_subscription<T>(next: Option<Result<T, SubscriptionError>>) -> Update<T> {
    match next {
        Some(Ok(item)) => Update::Item(item),
        Some(Err(SubscriptionError::Decode(error))) => {
            Update::Undecodable(StreamError::Decode(Arc::new(error)))
        }
        Some(Err(error)) => Update::Ended(Err(error.into())),
        None => Update::Ended(Ok(())),
    }
}

impl<T> fmt::Debug for HostStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostStream")
            .field("has_ended", &self.source.is_none())
            .finish_non_exhaustive()
    }
}
