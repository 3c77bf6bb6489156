//! A stream from every host, merged.

use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use farcall_conn::rpc::{self, StreamError};
use farcall_core::protocol::{Args, Name};
use farcall_core::{CallError, Caller as _, Context};
use futures_util::stream::SelectAll;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use serde::de::DeserializeOwned;

use super::attempt::BoxFuture;
use super::encoded::FleetFormat;
use super::host::Host;
use super::outcomes::Outcomes;
use super::{Fleet, descriptors};
use crate::client::Protocol;

/// An update of a [`Subscription`].
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

/// The items of a stream from every host, as they come: created by [`Fleet::subscribe`]. Dropping
/// it ends all streams, and their sources at the hosts.
#[must_use = "a subscription makes progress only while it is polled"]
pub struct Subscription<T> {
    opening: Outcomes<'static, rpc::Stream<T>>,
    is_opened: bool,
    streams: SelectAll<HostStream<T>>,
}

/// The stream of one host, with its end as the last item.
struct HostStream<T> {
    host: Host,
    stream: Option<rpc::Stream<T>>,
}

/// The host cannot send streams.
#[derive(Debug, thiserror::Error)]
#[error(
    "streams need a connection (`conn+rpc://…`), and this host is called over another protocol"
)]
struct NoStreams;

impl Fleet {
    /// Calls a method of all hosts that returns a stream, and merges the streams: logs, or
    /// progress. Such streams need connections: a host of XML-RPC has the error in its
    /// [`Update::Ended`].
    ///
    /// Each open stream holds a connection, beyond the window, which limits how many are opened at
    /// once. The limit of open files is raised for all of them.
    ///
    /// ```
    /// # use farcall::cluster::{Fleet, Update};
    /// # async fn example(fleet: &Fleet) {
    /// let mut lines = fleet.subscribe::<String>("log.follow", ("/var/log/syslog",));
    /// while let Some((host, update)) = lines.next().await {
    ///     match update {
    ///         Update::Item(line) => println!("{host}: {line}"),
    ///         Update::Ended(Err(error)) => eprintln!("{host}: {error}"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn subscribe<T>(&self, method: impl Into<Name>, args: impl Args) -> Subscription<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let context = Context::new(method);
        let encoded = FleetFormat::of(&self.hosts).encode(&args);
        self.subscribe_each(move |host| {
            let call = encoded.call(host.format(), context.clone());
            async move { host.call_encoded(call?).await }
        })
    }

    /// Merges the streams that a function opens, once for each host: by a typed call of a
    /// `#[client]` trait, or with arguments of its own for each host.
    ///
    /// Otherwise, it is [`subscribe`](Self::subscribe).
    pub fn subscribe_each<T, F, Fut>(&self, open: F) -> Subscription<T>
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Host) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<rpc::Stream<T>, CallError>> + Send + 'static,
    {
        descriptors::window(self.hosts.len());
        let call = move |host: Host| -> BoxFuture<'static, _> {
            if host.client().protocol() == Protocol::XmlRpc {
                return ready(Err(CallError::Refused(Box::new(NoStreams)))).boxed();
            }
            open(host).boxed()
        };
        Subscription {
            opening: self.run(self.settings.idempotent, Arc::new(call)),
            is_opened: false,
            streams: SelectAll::new(),
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Subscription<T> {
    /// Returns the next update, or `None` once the streams of all hosts have ended.
    ///
    /// # Cancel safety
    /// No item is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<(Host, Update<T>)> {
        poll_fn(|cx| self.poll_next_unpin(cx)).await
    }
}

impl<T: DeserializeOwned + Send + 'static> Stream for Subscription<T> {
    type Item = (Host, Update<T>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while !this.is_opened {
            match this.opening.poll_next_unpin(cx) {
                Poll::Ready(Some((host, outcome))) => match outcome.result {
                    Ok(stream) => this.streams.push(HostStream {
                        host,
                        stream: Some(stream),
                    }),
                    Err(error) => {
                        return Poll::Ready(Some((host, Update::Ended(Err(error)))));
                    }
                },
                Poll::Ready(None) => this.is_opened = true,
                Poll::Pending => break,
            }
        }
        match this.streams.poll_next_unpin(cx) {
            Poll::Ready(None) if !this.is_opened => Poll::Pending,
            update => update,
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Stream for HostStream<T> {
    type Item = (Host, Update<T>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(None);
        };
        let update = match stream.poll_next_unpin(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(item))) => Update::Item(item),
            Poll::Ready(Some(Err(error @ StreamError::Decode(_)))) => Update::Undecodable(error),
            Poll::Ready(Some(Err(error))) => Update::Ended(Err(error.into())),
            Poll::Ready(None) => Update::Ended(Ok(())),
        };
        if let Update::Ended(_) = update {
            self.stream = None;
        }
        Poll::Ready(Some((self.host.clone(), update)))
    }
}

impl<T: DeserializeOwned + Send + 'static> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}
