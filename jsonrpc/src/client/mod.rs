//! The client: sends calls as HTTP requests.

mod answer;
pub(crate) mod batch;
pub(crate) mod endpoint;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall_core::protocol::{Args, Call, Name, Payload};
use farcall_core::transport::Connect;
use farcall_core::{CallError, Caller, Json, Within};
use farcall_http::client::{InvalidUrl, TokioConnector, require_runtime};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tower_service::Service;

pub use self::answer::ErrorData;
use self::answer::decode;
pub use self::batch::{Batch, BatchError, Results, Ticket};
use self::endpoint::Endpoint;

/// The settings of a [`Client`]: see [`farcall_http::client::ClientOptions`] for all of them.
pub type ClientOptions = farcall_http::client::ClientOptions<Json>;

/// The client to use without a runtime.
const BLOCKING: &str = "farcall_jsonrpc::blocking::Client";

/// A client of one JSON-RPC server.
///
/// Clones share connections, cookies, ids and settings, and cost a reference count. Connections are
/// opened on demand, one for each concurrent call, and kept for later calls.
///
/// A client is a [`Caller`], so that it implements traits marked `#[client]`, and a
/// `tower_service::Service`, so that any tower layer can wrap it. Its calls must be made within a
/// tokio runtime whose timer and I/O are enabled; [`blocking::Client`](crate::blocking::Client)
/// needs no runtime.
///
/// ```
/// use farcall::jsonrpc::Client;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = farcall::jsonrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let url = listening.url();
/// # tokio::spawn(listening.serve());
/// // Such as "http://user:password@localhost:6800/jsonrpc".
/// let client = Client::new(&url)?;
/// let sum: i64 = client.call("add", (3, 5)).await?;
/// assert_eq!(sum, 8);
/// # Ok(())
/// # }
/// ```
///
/// # Answers
///
/// An error is read as a fault whatever the HTTP status: aria2 has 400 and 404 for some. An answer
/// without `jsonrpc`, or with both a result and an error of which one is null, is that of a server
/// older than 2.0, and read as well. An answer to another id is
/// [`CallError::NotAReply`].
#[derive(Clone)]
pub struct Client {
    endpoint: Arc<Endpoint<TokioConnector>>,
}

impl Client {
    /// Creates a client of the server at `url`, with the default [options](ClientOptions).
    ///
    /// URLs are `http://HOST:PORT/PATH`, `https://HOST:PORT/PATH` (feature `tls`) or, for a unix
    /// socket, `http+unix://SOCKET:/PATH`, all with `USER:PASSWORD@` before host or socket if the
    /// server expects credentials. The password never appears in errors or `Debug` output. Without
    /// a path, `/` is used. Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL is malformed or has another scheme, or if the proxy set in the environment cannot
    /// be used.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Self::with_options(url, ClientOptions::default())
    }

    /// Creates a client of the server at `url` with `options`. See [`new`](Self::new) for URLs.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_options(url: &str, options: ClientOptions) -> Result<Self, InvalidUrl> {
        let endpoint = Arc::new(Endpoint::new(url, options, TokioConnector::to)?);
        Ok(Self { endpoint })
    }

    /// Creates a client that reaches its server through `connect`, whatever the host of the URL:
    /// over the in-process transport, for example. The URL provides the path, the `Host` header and
    /// the credentials. If it begins with `https`, TLS runs over the transport. Proxies are not
    /// used.
    ///
    /// # Errors
    /// If the URL is malformed or has another scheme.
    pub fn with_connector(
        url: &str,
        connect: impl Connect,
        options: ClientOptions,
    ) -> Result<Self, InvalidUrl> {
        let endpoint = Arc::new(Endpoint::at(url, options, TokioConnector::new(connect))?);
        Ok(Self { endpoint })
    }

    /// Calls a method by name with a tuple of arguments, which are sent as an array, and waits for
    /// the result.
    ///
    /// # Errors
    /// [`CallError::Fault`] if the server answered with an error, whose data
    /// [`ErrorData::of`] has; the other variants are failures to send the call or to read the
    /// answer. [`execution`](CallError::execution) tells whether the method ran.
    /// [`HttpError::of`](farcall_http::client::HttpError::of) has the details of an HTTP response
    /// that held no answer. If the server repeats a secret of this client, `[hidden]` replaces it.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call and closes its connection; the method may still have
    /// run.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        Caller::call(self, method, args)
    }

    /// Calls a method with parameters by name: the members of a struct or a map.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # struct Calculator;
    /// # #[farcall::service]
    /// # impl Calculator {
    /// #     pub fn subtract(&self, minuend: i64, subtrahend: i64) -> i64 { minuend - subtrahend }
    /// # }
    /// # let server = farcall::jsonrpc::Server::new();
    /// # server.register_instance(std::sync::Arc::new(Calculator))?;
    /// # let listening = server.bind("127.0.0.1:0").await?;
    /// # let client = farcall::jsonrpc::Client::new(&listening.url())?;
    /// # tokio::spawn(listening.serve());
    /// #[derive(serde::Serialize)]
    /// struct Subtract {
    ///     minuend: i64,
    ///     subtrahend: i64,
    /// }
    ///
    /// let params = Subtract { minuend: 42, subtrahend: 23 };
    /// let difference: i64 = client.call_named("subtract", &params).await?;
    /// assert_eq!(difference, 19);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As with [`call`](Self::call), and [`CallError::Encode`] if the parameters are neither a
    /// struct nor a map.
    ///
    /// # Cancel safety
    /// The same as for [`call`](Self::call).
    pub fn call_named<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        params: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = self.endpoint.call_named(method.into(), params);
        async move {
            require_runtime(BLOCKING)?;
            call.await
        }
    }

    /// Sends a notification: a call that is not answered. The future completes when the server has
    /// accepted it, and the outcome of the method is not reported.
    ///
    /// # Errors
    /// As with [`call`](Self::call). [`CallError::Fault`] if the server answers it with an error
    /// nevertheless.
    ///
    /// # Cancel safety
    /// The same as for [`call`](Self::call).
    pub fn notify(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<(), CallError>> + Send {
        let context = farcall_core::Context::new(method).one_way();
        let call = self.call_in::<IgnoredAny>(context, args);
        async move { call.await.map(drop) }
    }

    /// Returns a client whose calls take at most `time`, or the remaining time of the call that is
    /// being handled, if that is less. A call that exceeds the limit fails and is cancelled. The
    /// methods of every `#[client]` trait are available on it.
    pub fn within(&self, time: Duration) -> Within<&Self> {
        Caller::within(self, time)
    }

    /// Sends a call whose arguments are already encoded, such as one that goes to several servers,
    /// and decodes the result.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    ///
    /// # Cancel safety
    /// The same as for [`call`](Self::call).
    pub async fn call_encoded<R: DeserializeOwned>(
        &self,
        call: Call<Json>,
    ) -> Result<R, CallError> {
        require_runtime(BLOCKING)?;
        let format = call.format;
        let result = self.endpoint.send(call).await?;
        decode(format, &result, self.endpoint.secrets())
    }

    /// Starts a [`Batch`]: several calls in one request.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone(), self.format(), self.endpoint.ids())
    }
}

impl Caller for Client {
    type Format = Json;

    fn format(&self) -> Json {
        self.endpoint.format()
    }

    async fn send(&self, call: Call<Json>) -> Result<Payload, CallError> {
        require_runtime(BLOCKING)?;
        self.endpoint.send(call).await
    }

    fn call_in<R: DeserializeOwned>(
        &self,
        context: farcall_core::Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = self.endpoint.call_in(context, args);
        async move {
            require_runtime(BLOCKING)?;
            call.await
        }
    }
}

impl Service<Call<Json>> for Client {
    type Response = Payload;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Payload, CallError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<Json>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(call).await })
    }
}

/// Shows the URL without user, password and query, and the limits.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.endpoint, f)
    }
}
