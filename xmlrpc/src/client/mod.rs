//! The client: sends calls as HTTP requests.

pub(crate) mod batch;
pub(crate) mod endpoint;
mod reply;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use farcall_core::protocol::Args;
use farcall_core::protocol::{Call, Name, Payload};
use farcall_core::transport::Connect;
use farcall_core::{CallError, Caller, Within};
use farcall_http::client::{InvalidUrl, TokioConnector, require_runtime};
use serde::de::DeserializeOwned;
use tower_service::Service;

pub use self::batch::{Batch, BatchError, Results, Ticket};
use self::endpoint::Endpoint;
use crate::XmlRpc;
use crate::document::reply_result;

/// The settings of a [`Client`]: see [`farcall_http::client::ClientOptions`] for all of them.
pub type ClientOptions = farcall_http::client::ClientOptions<XmlRpc>;

/// The client to use without a runtime.
const BLOCKING: &str = "farcall_xmlrpc::blocking::Client";

/// A client of one XML-RPC server.
///
/// Clones share connections, cookies and settings, and cost a reference count. Connections are
/// opened on demand, one for each concurrent call, and kept for later calls.
///
/// A client is a [`Caller`], so that it implements traits marked `#[client]`, and a
/// `tower_service::Service`, so that any tower layer can wrap it. Its calls must be made within a
/// tokio runtime whose timer and I/O are enabled; [`blocking::Client`](crate::blocking::Client)
/// needs no runtime.
///
/// ```
/// use farcall::xmlrpc::Client;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = farcall::xmlrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let url = listening.url();
/// # tokio::spawn(listening.serve());
/// // Such as "http://user:password@localhost:8000/RPC2".
/// let client = Client::new(&url)?;
/// let sum: i64 = client.call("add", (3, 5)).await?;
/// assert_eq!(sum, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    endpoint: Arc<Endpoint<TokioConnector>>,
}

impl Client {
    /// Creates a client of the server at `url`, with the default [options](ClientOptions).
    ///
    /// URLs are `http://HOST:PORT/PATH`, `https://HOST:PORT/PATH` (feature `tls`) or, for a unix
    /// socket, `http+unix://SOCKET:/PATH`, all with `USER:PASSWORD@` before host or socket if the
    /// server expects credentials. The password
    /// never appears in errors or `Debug` output. Without a path, `/RPC2` is used. Nothing is sent
    /// yet.
    ///
    /// Servers that speak SCGI have `scgi://HOST:PORT/PATH` or `scgi+unix://SOCKET:/PATH` (also
    /// written `scgi:///SOCKET`). Headers become variables (`HTTP_…`); there are neither proxies,
    /// cookies, redirects nor TLS, and each call has a connection of its own.
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
    /// ```
    /// use farcall::transport::memory;
    /// use farcall::xmlrpc::{Client, ClientOptions, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new();
    /// server.register_function("add", |a: i64, b: i64| a + b)?;
    /// let (listener, connector) = memory::listener("sums");
    /// tokio::spawn(server.listen(listener)?.serve());
    ///
    /// let options = ClientOptions::default();
    /// let client = Client::with_connector("http://sums", connector, options)?;
    /// let sum: i64 = client.call("add", (3, 5)).await?;
    /// assert_eq!(sum, 8);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Calls a method by name with a tuple of arguments, and waits for the result.
    ///
    /// # Errors
    /// [`CallError::Fault`] if the server replied with a fault; the other variants are failures to
    /// send the call or to read the reply. [`execution`](CallError::execution) tells whether the
    /// method ran. [`HttpError::of`](farcall_http::client::HttpError::of) has the details of an
    /// HTTP response that held no reply. If the server repeats a secret of this client, `[hidden]`
    /// replaces it, also in the message of a fault: `SECURITY.md` has the details.
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
        call: Call<XmlRpc>,
    ) -> Result<R, CallError> {
        require_runtime(BLOCKING)?;
        let (result, _) = self.endpoint.send_for(call, reply_result).await?;
        Ok(result)
    }

    /// Starts a [`Batch`]: several calls in one request.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone(), self.format())
    }
}

impl Caller for Client {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        self.endpoint.format()
    }

    async fn send(&self, call: Call<XmlRpc>) -> Result<Payload, CallError> {
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

impl Service<Call<XmlRpc>> for Client {
    type Response = Payload;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Payload, CallError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<XmlRpc>) -> Self::Future {
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
