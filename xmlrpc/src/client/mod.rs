//! The client: calls as HTTP requests.

pub(crate) mod batch;
mod connection;
mod cookies;
pub(crate) mod endpoint;
mod error;
mod options;
mod pool;
mod proxy;
mod redirect;
mod reply;
mod request;
mod response;
mod secrets;
mod stream;
pub(crate) mod transport;
mod url;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rpc_core::Args;
use rpc_core::transport::Connect;
use rpc_core::{Call, CallError, Caller, Name, Payload};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tower_service::Service;

pub use self::batch::{Batch, BatchError, Results, Ticket};
use self::endpoint::Endpoint;
pub use self::error::{HttpError, InvalidHeader, InvalidUrl};
pub use self::options::ClientOptions;
use self::transport::TokioConnector;
pub(crate) use self::url::EncodedSocketPath;
#[cfg(fuzzing)]
pub(crate) use self::{response::segments::read_segments, url::Target};
use crate::XmlRpc;

/// A client of one XML-RPC server.
///
/// Clones are one and the same client: they share connections, cookies and settings, and cost a
/// reference count. Connections are made when they are needed and kept for later calls, one for
/// each call that runs at the same time.
///
/// A client is a [`Caller`], so that traits marked `#[client]` are implemented for it, and a
/// `tower_service::Service`, so that any tower layer fits around it. Its calls have to be made
/// within a tokio runtime whose timer and I/O are enabled;
/// [`blocking::Client`](crate::blocking::Client) needs none.
///
/// ```
/// use xmlrpc::Client;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = xmlrpc::Server::new();
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
    /// A client of the server at `url`, with the default [options](ClientOptions).
    ///
    /// URLs are `http://HOST:PORT/PATH` or, for a unix socket, `http+unix://SOCKET:/PATH`, both
    /// with `USER:PASSWORD@` before host or socket where the server wants that. The password never
    /// appears in errors and `Debug`. No path means `/RPC2`. Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL is malformed or of another scheme, or the proxy that the environment names
    /// cannot be used.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Self::with_options(url, ClientOptions::default())
    }

    /// A client of the server at `url`, with these options. See [`new`](Self::new) for URLs.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    #[expect(clippy::needless_pass_by_value, reason = "as with every with_options")]
    pub fn with_options(url: &str, options: ClientOptions) -> Result<Self, InvalidUrl> {
        let endpoint = Endpoint::new(url, &options, TokioConnector::to)?;
        Ok(Self {
            endpoint: Arc::new(endpoint),
        })
    }

    /// A client that reaches its server through `connect`, whatever the host of the URL: over the
    /// transport inside one program, for example. The URL gives path, `Host` header and user.
    /// Proxies are not used.
    ///
    /// ```
    /// use rpc_core::transport::memory;
    /// use xmlrpc::{Client, ClientOptions, Server};
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
    /// If the URL is malformed or of another scheme.
    #[expect(clippy::needless_pass_by_value, reason = "as with every with_options")]
    pub fn with_connector(
        url: &str,
        connect: impl Connect,
        options: ClientOptions,
    ) -> Result<Self, InvalidUrl> {
        let endpoint = Endpoint::at(url, &options, TokioConnector::new(connect))?;
        Ok(Self {
            endpoint: Arc::new(endpoint),
        })
    }

    /// Calls a method by its name, with a tuple of arguments, and waits for the result.
    ///
    /// # Errors
    /// [`CallError::Fault`] is the server's own answer; the other variants tell what went wrong
    /// with sending the call or reading the reply, and
    /// [`execution`](CallError::execution) whether the method ran. [`HttpError::of`] has the
    /// details of an HTTP answer that held no reply.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up and closes its connection; the method may have run
    /// all the same.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        Caller::call(self, method, args)
    }

    /// Several calls in one request: see [`Batch`].
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }
}

impl Caller for Client {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        self.endpoint.format()
    }

    async fn send(&self, call: Call<XmlRpc>) -> Result<Payload, CallError> {
        require_runtime()?;
        self.endpoint.send(call).await
    }

    fn call_in<R: DeserializeOwned>(
        &self,
        context: rpc_core::Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = self.endpoint.call_in(context, args);
        async move {
            require_runtime()?;
            call.await
        }
    }
}

/// Whether there is an event loop here that sockets can wait in.
fn require_runtime() -> Result<(), CallError> {
    match Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => {
            let error = "there is no tokio runtime here: use `xmlrpc::blocking::Client`";
            Err(CallError::NotSent(error.into()))
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

/// Without user, password and query of the URL.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client")
            .field(&self.endpoint.shown())
            .finish()
    }
}
