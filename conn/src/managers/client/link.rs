//! The connections to one manager, and the references to its objects.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farcall_core::CallError;
use farcall_core::protocol::Payload;
use farcall_pickle::{Pickle, Value};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, Notify};

use super::channel::{Channel, Serializer};
use super::reply;
use crate::codec::pickle_error;
use crate::connect::Dialer;
use crate::establish::ConnectionConfig;
use crate::managers::wire::{AsTuple, Request, TokenAddress};

/// The object that every CPython server has under this id: `None`. It answers only `__str__`,
/// `__repr__` and `#GETVALUE`. A server in Rust has no such object, and says so.
const PING: (&str, &str) = ("0", "__repr__");

/// The manager was restarted, or every connection to it broke, after the local side got the object:
/// the source of [`CallError::NotSent`].
///
/// The new process may use the id of the object for another one, so the call is not sent. Create
/// the proxy again, or ask for the object by [`Proxy::revive`](super::Proxy::revive).
#[derive(Debug, thiserror::Error)]
#[error("the manager was restarted or the connection was lost since the proxy was made")]
#[non_exhaustive]
pub struct StaleProxy;

/// The connections to one manager, and the references that change.
pub(super) struct Link {
    pub(super) dialer: Dialer,
    pub(super) config: ConnectionConfig,
    pub(super) pickle: Pickle,
    pub(super) serializer: Serializer,
    /// The address for tokens, unless those of the server have another.
    pub(super) address: TokenAddress,
    pub(super) max_idle: usize,
    /// The runtime of the tasks that go on when the future of a call is dropped.
    pub(super) runtime: Handle,
    pub(super) idle: Mutex<Vec<(u64, Channel)>>,
    /// A connection that no calls use: while it answers, the manager is the same process.
    pub(super) anchor: AsyncMutex<Anchor>,
    pub(super) changes: Mutex<Changes>,
    pub(super) released: Notify,
}

pub(super) struct Anchor {
    channel: Channel,
    /// Counts the connections that were lost with all others: the restarts, as far as the local
    /// side can tell.
    generation: u64,
}

impl Anchor {
    pub(super) const fn new() -> Self {
        Self {
            channel: Channel::broken(),
            generation: 0,
        }
    }
}

/// The references that the server does not know about yet.
#[derive(Default)]
pub(super) struct Changes {
    /// By generation and id: the references to add, or to remove if negative.
    counts: HashMap<(u64, String), i64>,
    /// A task sends them.
    is_sending: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    async fn open(&self) -> Result<Channel, CallError> {
        let established = self.dialer.connect(&self.config).await.map_err(not_sent)?;
        Ok(Channel::new(established.into_connection(), self.serializer))
    }

    /// Calls a function of the server, over a connection of its own.
    pub(super) async fn once<A, K>(
        &self,
        function: &str,
        args: &A,
        kwargs: &K,
    ) -> Result<Payload, CallError>
    where
        A: Serialize + Sync + ?Sized,
        K: Serialize + Sync + ?Sized,
    {
        let request = self.request(None, function, args, kwargs)?;
        self.once_encoded(&request).await
    }

    pub(super) async fn once_encoded(&self, request: &[u8]) -> Result<Payload, CallError> {
        self.once_about(request, None).await
    }

    /// Calls a function of the server with the id of an object.
    pub(super) async fn once_about(
        &self,
        request: &[u8],
        ident: Option<&str>,
    ) -> Result<Payload, CallError> {
        let message = self.open().await?.exchange(&[request]).await?;
        reply::value(&self.pickle, message, ident)
    }

    /// Encodes a request.
    pub(super) fn request<A, K>(
        &self,
        ident: Option<&str>,
        method: &str,
        args: &A,
        kwargs: &K,
    ) -> Result<Vec<u8>, CallError>
    where
        A: Serialize + ?Sized,
        K: Serialize + ?Sized,
    {
        let encoded = Request::encode(&self.pickle, ident, method, args, kwargs);
        encoded.map_err(|error| CallError::Encode(pickle_error(&error)))
    }

    /// Opens a connection for calls of objects.
    async fn accept(&self) -> Result<Channel, CallError> {
        let name = format!("farcall-{}", std::process::id());
        let request = self.request(None, "accept_connection", &(name,), &empty())?;
        let mut channel = self.open().await?;
        let opened = channel.exchange(&[&request]).await;
        let opened = opened.and_then(|message| reply::value(&self.pickle, message, None));
        // No method has run.
        opened.map_err(not_sent)?;
        Ok(channel)
    }

    /// Returns the number of the generation that the manager belongs to now.
    pub(super) async fn generation(&self) -> Result<u64, CallError> {
        let mut anchor = self.anchor.lock().await;
        if self.answers(&mut anchor).await {
            return Ok(anchor.generation);
        }
        let channel = self.accept().await?;
        anchor.generation += 1;
        anchor.channel = channel;
        lock(&self.idle).clear();
        Ok(anchor.generation)
    }

    /// Checks that the manager still is the process of this generation.
    ///
    /// # Errors
    /// If it is not: what was called before may have run.
    pub(super) async fn confirm(&self, generation: u64) -> Result<(), CallError> {
        if self.generation().await? == generation {
            return Ok(());
        }
        Err(CallError::Lost(Box::new(StaleProxy)))
    }

    /// Returns `true` if an address in a token is that of the manager: hosts have several names.
    pub(super) fn is_at(&self, address: &TokenAddress) -> bool {
        match (&self.address, address) {
            (TokenAddress::Tcp(_, port), TokenAddress::Tcp(_, other)) => port == other,
            (TokenAddress::Path(path), TokenAddress::Path(other)) => path == other,
            _ => false,
        }
    }

    /// Returns `true` if the manager still is the process that it was.
    async fn answers(&self, anchor: &mut Anchor) -> bool {
        let (ident, method) = PING;
        let Ok(request) = self.request(Some(ident), method, &AsTuple(&()), &empty()) else {
            return false;
        };
        anchor.channel.exchange(&[&request]).await.is_ok()
    }

    /// Returns a connection for the calls of an object.
    ///
    /// # Errors
    /// If the manager cannot be reached, or is no longer the one that has the object.
    pub(super) async fn channel(&self, generation: u64) -> Result<Channel, CallError> {
        while let Some((of, mut channel)) = self.next_idle() {
            if of == generation && !channel.is_unusable().await {
                return Ok(channel);
            }
        }
        // In this order: if the anchor answers afterwards, the connection is to the same process.
        let channel = self.accept().await?;
        if self.generation().await? != generation {
            return Err(CallError::NotSent(Box::new(StaleProxy)));
        }
        Ok(channel)
    }

    fn next_idle(&self) -> Option<(u64, Channel)> {
        lock(&self.idle).pop()
    }

    /// Keeps a connection for the next call.
    pub(super) fn keep(&self, channel: Channel, generation: u64) {
        let mut idle = lock(&self.idle);
        if idle.len() < self.max_idle {
            idle.push((generation, channel));
        }
    }

    /// Adds a reference to an object, as soon as possible.
    pub(super) fn add(self: &Arc<Self>, generation: u64, ident: &str) {
        self.change(generation, ident, 1);
    }

    /// Removes a reference to an object, as soon as possible.
    pub(super) fn release(self: &Arc<Self>, generation: u64, ident: &str) {
        self.change(generation, ident, -1);
    }

    fn change(self: &Arc<Self>, generation: u64, ident: &str, by: i64) {
        let mut changes = lock(&self.changes);
        *changes
            .counts
            .entry((generation, ident.to_owned()))
            .or_default() += by;
        if !std::mem::replace(&mut changes.is_sending, true) {
            drop(changes);
            let link = Arc::clone(self);
            self.runtime.spawn(async move { link.send_changes().await });
        }
    }

    async fn send_changes(&self) {
        loop {
            let counts = {
                let mut changes = lock(&self.changes);
                if changes.counts.is_empty() {
                    changes.is_sending = false;
                    break;
                }
                std::mem::take(&mut changes.counts)
            };
            // References to objects of a manager that was restarted are gone with it.
            let Ok(current) = self.generation().await else {
                continue;
            };
            for ((generation, ident), count) in counts {
                let function = if count > 0 { "incref" } else { "decref" };
                for _ in 0..count.unsigned_abs() {
                    if generation != current {
                        break;
                    }
                    // Of an object that is gone, nothing is left to count.
                    if let Err(error) = self.once(function, &(&ident,), &empty()).await {
                        tracing::debug!(?error, "a manager did not count a reference");
                        break;
                    }
                }
            }
        }
        self.released.notify_waiters();
    }

    /// Waits until the server knows of all references.
    pub(super) async fn settled(&self) {
        loop {
            let released = self.released.notified();
            if !lock(&self.changes).is_sending {
                return;
            }
            released.await;
        }
    }
}

fn not_sent(error: impl std::error::Error + Send + Sync + 'static) -> CallError {
    CallError::NotSent(Box::new(error))
}

/// Returns no keyword arguments.
pub(super) const fn empty() -> Value {
    Value::Dict(Vec::new())
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.dialer).finish()
    }
}
