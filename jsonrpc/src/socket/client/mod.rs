//! The client over sockets.

#[cfg(feature = "jsonrpc-client")]
mod batch;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use farcall_core::protocol::{Args, Call, Format as _, Name, Payload, time};
use farcall_core::{CallError, Caller, Context, Json};
use farcall_http::client::Secrets;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::time::timeout_at;

#[cfg(feature = "jsonrpc-client")]
pub use self::batch::SocketBatch;
use super::connector::{Connector, start};
use super::url::SocketUrl;
use super::{InvalidSocketUrl, SocketClientOptions};
use crate::message::{FramedReader, FramedWriter};
use crate::session::{Session, encoded, observed, unsubscribe_name};
use crate::{Framing, Service, Subscription};

/// A client of JSON-RPC over one connection: a socket, or a WebSocket.
///
/// | URL | messages |
/// |---|---|
/// | `json+tcp://HOST:PORT`, `json+unix://PATH` | [lines](Framing::Lines) |
/// | `json+lsp+tcp://HOST:PORT`, `json+lsp+unix://PATH` | with [headers](Framing::Headers) |
/// | `json+tls://HOST:PORT`, `json+lsp+tls://HOST:PORT` | the same over TLS (feature `tls`) |
/// | `ws://HOST:PORT/PATH`, `wss://…` | WebSocket (feature `websocket`) |
///
/// Many calls can be under way at once, and are answered in any order. Clones share the connection.
/// It is opened by the first call, and after a loss by the next one. A call that was not sent
/// because the connection had ended is sent over the new one. One that was sent fails as
/// [`Lost`](CallError::Lost), because it may have run. Subscriptions end with their connection,
/// which closes when the last clone and the last subscription are dropped.
///
/// It is a [`Caller`], so that it implements traits marked `#[client]`.
///
/// ```
/// use farcall::jsonrpc::{SocketClient, Subscription};
/// use farcall::{CallError, Caller as _};
///
/// async fn heads() -> Result<(), Box<dyn std::error::Error>> {
///     let node = SocketClient::new("ws://127.0.0.1:8546")?;
///     let number: String = node.call("eth_blockNumber", ()).await?;
///     let mut heads: Subscription<farcall::Value> =
///         node.subscribe("eth_subscribe", ("newHeads",)).await?;
///     while let Some(head) = heads.next().await {
///         println!("{:?} after {number}", head?);
///     }
///     Ok(())
/// }
/// # drop(heads());
/// ```
#[derive(Clone)]
pub struct SocketClient(Arc<ClientState>);

struct ClientState {
    /// None: the connection cannot be opened again.
    connector: Option<Connector>,
    options: SocketClientOptions,
    slot: Mutex<Slot>,
    /// Attempts to connect that have failed.
    failed: AtomicU64,
}

#[derive(Default)]
struct Slot {
    session: Option<Session>,
    /// The error of the last attempt.
    failure: Option<Arc<io::Error>>,
}

impl SocketClient {
    /// Creates a client of the server at `url`, with default options. Nothing is connected yet.
    ///
    /// # Errors
    /// If the URL is malformed, or needs a feature that this build does not have.
    pub fn new(url: &str) -> Result<Self, InvalidSocketUrl> {
        Self::with_options(url, SocketClientOptions::default())
    }

    /// Creates a client of the server at `url`. Nothing is connected yet.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_options(url: &str, options: SocketClientOptions) -> Result<Self, InvalidSocketUrl> {
        let connector = Connector::new(SocketUrl::parse(url)?, &options)?;
        Ok(Self::of(Some(connector), options, None))
    }

    /// Returns `true` if the scheme of a URL is one of those above, whatever follows.
    #[must_use]
    pub fn has_scheme(url: &str) -> bool {
        let scheme = url
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        let schemes = [
            "json+tcp",
            "json+tls",
            "json+unix",
            "json+lsp+tcp",
            "json+lsp+tls",
            "json+lsp+unix",
            "ws",
            "wss",
        ];
        scheme.is_some_and(|scheme| schemes.contains(&&*scheme))
    }

    /// Creates a client over a connection that is open, such as the standard input and output of a
    /// language server that the program has started. It is not opened again.
    ///
    /// # Panics
    /// Outside of a runtime of tokio, which runs the connection.
    pub fn over(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        framing: Framing,
        options: SocketClientOptions,
    ) -> Self {
        let reader = FramedReader::new(reader, framing);
        let writer = FramedWriter::new(writer, framing, None);
        let session = start(reader, writer, &options, &Arc::default());
        Self::of(None, options, Some(session))
    }

    fn of(
        connector: Option<Connector>,
        options: SocketClientOptions,
        session: Option<Session>,
    ) -> Self {
        let slot = Slot {
            session,
            failure: None,
        };
        Self(Arc::new(ClientState {
            connector,
            options,
            slot: Mutex::new(slot),
            failed: AtomicU64::new(0),
        }))
    }

    /// Returns the session of the connection, which is opened if there is none.
    ///
    /// # Errors
    /// [`CallError::NotSent`], if the server cannot be reached.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt to connect.
    pub async fn session(&self) -> Result<Session, CallError> {
        let state = &*self.0;
        let failed = state.failed.load(Ordering::Acquire);
        let mut slot = state.slot.lock().await;
        if let Some(session) = &slot.session
            && (!session.is_ended() || state.connector.is_none())
        {
            return Ok(session.clone());
        }
        // Callers that have waited for an attempt share its error.
        if let Some(failure) = &slot.failure
            && state.failed.load(Ordering::Acquire) != failed
        {
            return Err(not_sent(failure));
        }
        let Some(connector) = &state.connector else {
            return Err(not_sent(&Arc::new(io::ErrorKind::NotConnected.into())));
        };
        let end = time::deadline(state.options.connect_timeout);
        let connected = timeout_at(end, connector.connect(&state.options)).await;
        let connected = connected.unwrap_or_else(|_| {
            let text = "the server did not answer in time";
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        });
        let connected = connected.map_err(|error| connector.not_connected(error));
        match connected {
            Ok(session) => {
                slot.failure = None;
                Ok(slot.session.insert(session).clone())
            }
            Err(error) => {
                let error = Arc::new(error);
                slot.failure = Some(Arc::clone(&error));
                state.failed.fetch_add(1, Ordering::AcqRel);
                Err(not_sent(&error))
            }
        }
    }

    /// Makes a call that subscribes, and returns the items that follow: see
    /// [`Session::subscribe`]. The [timeout](SocketClientOptions::timeout) applies to the call, not
    /// to the items.
    ///
    /// # Errors
    /// Those of a call.
    ///
    /// # Cancel safety
    /// If the future is dropped, a subscription that the server has begun is ended.
    pub async fn subscribe<T: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<Subscription<T>, CallError> {
        let call = encoded(self.format(), Context::new(method), &args)?;
        self.subscribe_encoded(call).await
    }

    /// Makes a call that subscribes, whose arguments are already encoded, such as one that goes to
    /// several servers.
    ///
    /// # Errors
    /// Those of a call.
    ///
    /// # Cancel safety
    /// As with [`subscribe`](Self::subscribe).
    pub async fn subscribe_encoded<T: DeserializeOwned>(
        &self,
        call: Call<Json>,
    ) -> Result<Subscription<T>, CallError> {
        let call = self.limited(call);
        let had_session = self.had_session();
        match self.subscribe_once(&call).await {
            Err(CallError::NotSent(_)) if had_session => self.subscribe_once(&call).await,
            begun => begun,
        }
    }

    /// Starts a [`SocketBatch`]: several calls in one message.
    #[cfg(feature = "jsonrpc-client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "jsonrpc-client")))]
    pub fn batch(&self) -> SocketBatch {
        SocketBatch::new(self.clone())
    }

    /// Sends several calls, whose arguments are encoded, as one batch: see
    /// [`Session::send_batch`]. The [timeout](SocketClientOptions::timeout) applies to those
    /// without a deadline of their own.
    ///
    /// # Errors
    /// If they cannot be sent.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the calls; they may have run nevertheless.
    pub async fn send_batch(
        &self,
        calls: &[Call<Json>],
    ) -> Result<Vec<Result<Payload, CallError>>, CallError> {
        let limited = |call: &Call<Json>| self.limited(call.clone());
        let calls: Vec<_> = calls.iter().map(limited).collect();
        self.session().await?.send_batch(&calls).await
    }

    /// Sends a call whose arguments are already encoded, such as one that goes to several servers,
    /// and decodes the result.
    ///
    /// # Errors
    /// Those of a call.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call; it may have run nevertheless.
    pub async fn call_encoded<R: DeserializeOwned>(
        &self,
        call: Call<Json>,
    ) -> Result<R, CallError> {
        let format = call.format;
        let result = format.decode_reply(&self.send(call).await?);
        result.map_err(|error| CallError::Decode(self.secrets().redact_error(error)))
    }

    /// The secrets that no error shows, even if the server repeats it.
    fn secrets(&self) -> Arc<Secrets> {
        let connector = self.0.connector.as_ref();
        connector.map_or_else(Arc::default, |connector| Arc::clone(connector.secrets()))
    }

    /// Applies the default timeout to a call that has no deadline of its own.
    fn limited(&self, mut call: Call<Json>) -> Call<Json> {
        if !call.context.has_own_deadline()
            && let Some(timeout) = self.0.options.timeout
        {
            let limit = time::deadline(timeout).into_std();
            let deadline = call.context.deadline();
            let deadline = deadline.map_or(limit, |deadline| deadline.min(limit));
            call.context = call.context.with_deadline(Some(deadline));
        }
        call
    }

    /// Returns `true` if there is a connection that may turn out to have ended, so that a call that
    /// it did not take is sent once more.
    fn had_session(&self) -> bool {
        let slot = self.0.slot.try_lock();
        self.0.connector.is_some() && slot.is_ok_and(|slot| slot.session.is_some())
    }

    /// Sends a call, once more if the connection has ended before.
    async fn send_twice(&self, call: &Call<Json>) -> Result<Payload, CallError> {
        let had_session = self.had_session();
        match self.send_once(call).await {
            Err(CallError::NotSent(_)) if had_session => self.send_once(call).await,
            sent => sent,
        }
    }

    /// Returns the session that a call is sent over, within its deadline.
    async fn session_for(&self, call: &Call<Json>) -> Result<Session, CallError> {
        match call.context.deadline() {
            None => self.session().await,
            Some(deadline) => timeout_at(deadline.into(), self.session())
                .await
                .unwrap_or_else(|_| Err(not_sent(&Arc::new(io::ErrorKind::TimedOut.into())))),
        }
    }

    async fn subscribe_once<T>(&self, call: &Call<Json>) -> Result<Subscription<T>, CallError> {
        let session = self.session_for(call).await?;
        let unsubscribe = unsubscribe_name(call.context.method());
        session.subscribe_encoded(call, unsubscribe).await
    }

    async fn send_once(&self, call: &Call<Json>) -> Result<Payload, CallError> {
        self.session_for(call).await?.exchange(call, None).await
    }
}

fn not_sent(error: &Arc<io::Error>) -> CallError {
    CallError::NotSent(Arc::clone(error).into())
}

impl Caller for SocketClient {
    type Format = Json;

    fn format(&self) -> Json {
        let service = self.0.options.service.as_ref();
        service.map_or_else(Json::default, Service::json)
    }

    async fn send(&self, call: Call<Json>) -> Result<Payload, CallError> {
        let call = self.limited(call);
        observed(&call.context, self.send_twice(&call)).await
    }

    /// Encodes the arguments immediately.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = encoded(self.format(), context, &args);
        async move { self.call_encoded(call?).await }
    }
}

impl fmt::Debug for SocketClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketClient")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
