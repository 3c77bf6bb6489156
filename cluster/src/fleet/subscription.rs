//! A stream from every host, merged.

use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

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
use crate::client::{HostStream, Update, no_streams};

/// The items of a stream from every host, as they come: created by [`Fleet::subscribe`]. Dropping
/// it ends all streams, and their sources at the hosts.
#[must_use = "a subscription makes progress only while it is polled"]
pub struct Subscription<T> {
    opening: Outcomes<'static, HostStream<T>>,
    is_opened: bool,
    streams: SelectAll<OfHost<T>>,
}

/// The stream of one host, with the host beside each update.
struct OfHost<T> {
    host: Host,
    stream: HostStream<T>,
}

impl Fleet {
    /// Calls a method of all hosts that returns a stream, and merges the streams: logs, or
    /// progress. Hosts send streams over connections, over sockets of JSON-RPC and WebSockets
    /// (where they are subscriptions), and over NATS: one that is called over HTTP has the error in
    /// its [`Update::Ended`].
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
            async move { host.subscribe_encoded::<T>(call?).await }
        })
    }

    /// Merges the streams that a function opens, once for each host: by
    /// [`Host::subscribe`] with arguments of its own for each host, or by a typed call of a
    /// `#[client]` trait, which returns a [`Stream`](farcall_conn::rpc::Stream) over connections.
    ///
    /// Otherwise, it is [`subscribe`](Self::subscribe).
    pub fn subscribe_each<T, S, F, Fut>(&self, open: F) -> Subscription<T>
    where
        T: DeserializeOwned + Send + 'static,
        S: Into<HostStream<T>>,
        F: Fn(Host) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, CallError>> + Send + 'static,
    {
        descriptors::window(self.hosts.len());
        let call = move |host: Host| -> BoxFuture<'static, _> {
            if !host.client().has_streams() {
                return ready(Err(no_streams())).boxed();
            }
            open(host).map(|opened| opened.map(Into::into)).boxed()
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
                    Ok(stream) => this.streams.push(OfHost { host, stream }),
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

impl<T: DeserializeOwned> Stream for OfHost<T> {
    type Item = (Host, Update<T>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let update = self.stream.poll_next_unpin(cx);
        update.map(|update| update.map(|update| (self.host.clone(), update)))
    }
}

impl<T: DeserializeOwned + Send + 'static> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}
