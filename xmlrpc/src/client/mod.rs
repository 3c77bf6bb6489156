//! The client: calls as HTTP requests.

mod batch;
mod connection;
mod connector;
mod cookies;
mod error;
mod http;
mod options;
mod pool;
mod proxy;
mod url;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rpc_core::Args;
use rpc_core::transport::Connect;
use rpc_core::transport::tcp::TcpConnector;
use rpc_core::{Call, CallError, Caller, Name, Payload};
use serde::de::DeserializeOwned;
use tower_service::Service;

pub use self::batch::{Batch, BatchError, Results, Ticket};
use self::connector::Connector;
pub use self::error::{HttpError, InvalidHeader, InvalidUrl};
use self::http::Http;
pub use self::options::ClientOptions;
pub(crate) use self::url::{Socket, Target};
use crate::XmlRpc;
use crate::document::write_call;

/// Room for what stands around the parameters in a call document.
const ENVELOPE: usize = 160;

/// A client of one XML-RPC server.
///
/// Clones are one and the same client: they share connections, cookies and settings, and cost a
/// reference count. Connections are made when they are needed and kept for later calls, one for
/// each call that runs at the same time.
///
/// A client is a [`Caller`], so that traits marked `#[client]` are implemented for it, and a
/// `tower_service::Service`, so that any tower layer fits around it. Its calls have to be made
/// within a tokio runtime whose timer and I/O are enabled;
/// [`blocking::Client`](crate::blocking::Client) brings its own.
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
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    format: XmlRpc,
    /// The URL without secrets.
    shown: String,
    /// The server was found to know no `system.multicall`.
    lacks_multicall: AtomicBool,
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
        let target = Target::parse(url)?;
        let proxy = options.proxy.for_target(&target)?;
        let timeout = options.connect_timeout;
        #[cfg(unix)]
        if let Some(socket) = &target.socket {
            let peer = socket.display().to_string();
            let connect = rpc_core::transport::unix::UnixConnector::new(socket);
            let connector = Connector::new(connect, peer, timeout);
            return Ok(Self::over(connector, target, None, &options));
        }
        let (host, port) = match &proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => target.host_and_port(),
        };
        let kind = if proxy.is_some() { "the proxy " } else { "" };
        let peer = if host.contains(':') {
            format!("{kind}[{host}]:{port}")
        } else {
            format!("{kind}{host}:{port}")
        };
        let connector = Connector::new(TcpConnector::new(host, port), peer, timeout);
        Ok(Self::over(connector, target, proxy.as_ref(), &options))
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
        let target = Target::parse(url)?;
        let connector = Connector::new(connect, target.to_string(), options.connect_timeout);
        Ok(Self::over(connector, target, None, &options))
    }

    fn over(
        connector: Connector,
        target: Target,
        proxy: Option<&proxy::Proxy>,
        options: &ClientOptions,
    ) -> Self {
        let shown = target.to_string();
        Self {
            inner: Arc::new(Inner {
                http: Http::new(connector, target, proxy, options),
                format: options.format,
                shown,
                lacks_multicall: AtomicBool::new(false),
            }),
        }
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

    fn lacks_multicall(&self) -> bool {
        self.inner.lacks_multicall.load(Ordering::Relaxed)
    }

    fn remember_that_multicall_is_lacking(&self) {
        self.inner.lacks_multicall.store(true, Ordering::Relaxed);
    }
}

impl Caller for Client {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        self.inner.format
    }

    async fn send(&self, call: Call<XmlRpc>) -> Result<Payload, CallError> {
        let params = call.params.as_slice();
        let mut document = Vec::with_capacity(params.len() + ENVELOPE);
        write_call(call.method(), params, &mut document).map_err(CallError::Encode)?;
        let deadline = call.context.deadline();
        // The parameters are in the document now.
        drop(call.params);
        let http = &self.inner.http;
        http.exchange(document, call.format, deadline).await
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
        f.debug_tuple("Client").field(&self.inner.shown).finish()
    }
}
