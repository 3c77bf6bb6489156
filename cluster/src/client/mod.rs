//! Clients of any protocol, by URL.

mod format;
mod http;
#[cfg(feature = "managers")]
mod manager;
mod options;
mod session;
#[cfg(feature = "jsonrpc-sockets")]
mod socket;
mod stream;
mod url;
pub(crate) mod via;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farcall_conn::rpc;
#[cfg(feature = "jsonrpc-sockets")]
use farcall_core::Json;
use farcall_core::protocol::{Args, Call, Format as _, Name, Payload};
use farcall_core::{CallError, Caller, Context};
use serde::de::DeserializeOwned;

use self::format::mismatch;
pub use self::format::{AnyFormat, ClientFormat};
use self::http::HttpLink;
#[cfg(feature = "managers")]
use self::manager::ManagedObject;
#[cfg(feature = "managers")]
pub use self::manager::ManagerFormat;
pub use self::options::ConnectOptions;
use self::session::Session;
pub use self::session::SessionFailed;
#[cfg(feature = "jsonrpc-sockets")]
use self::socket::SocketLink;
pub(crate) use self::stream::no_streams;
pub use self::stream::{HostStream, Update};
use self::url::without_secrets;
pub use self::url::{ConnectionUrl, Protection, Protocol, UrlError};
pub use self::via::Via;
use crate::credentials::Credentials;
#[cfg(feature = "nats")]
use crate::nats::LazyClient;

/// A client of one host, over the protocol that the URL names.
///
/// It connects when the first call is made. Concurrent calls share one attempt, later calls use the
/// same connection, and after a loss the next call makes a new one. Clones share all of this, and
/// cost a reference count.
///
/// | URL | protocol |
/// |---|---|
/// | `http://HOST:PORT/PATH`, `https://…`, `http+unix://SOCKET:/PATH` | XML-RPC |
/// | `json+http://HOST:PORT/PATH`, `json+https://…`, `json+http+unix://SOCKET:/PATH` | JSON-RPC (feature `jsonrpc-client`) |
/// | `json+tcp://HOST:PORT`, `json+tls://…`, `json+unix://PATH`, the same with `json+lsp+`, `ws://HOST:PORT/PATH`, `wss://…` | JSON-RPC over sockets (feature `jsonrpc-sockets`) and WebSocket (feature `websocket`) |
/// | `scgi://HOST:PORT`, `scgi+unix://SOCKET` | XML-RPC over SCGI, as rtorrent has it |
/// | `nats://HOST:PORT/SERVICE`, `nats://HOST:PORT/SERVICE/INSTANCE`, `nats+tls://…` | a service over NATS, any instance or a certain one (feature `nats`) |
/// | `conn+rpc://HOST:PORT`, `conn+rpc+tls://…`, `conn+rpc+encrypted://…` (TLS by the authkey alone), `conn+rpc+unix://PATH`, `conn+rpc+abstract://NAME` | calls over connections |
/// | `conn+manager://HOST:PORT/TYPEID`, `conn+manager+tls://…`, and so on | an object of one of Python's managers, which is created, or shared under this name (feature `managers`) |
///
/// A client is a [`Caller`], so that it implements traits marked `#[client]`.
///
/// ```
/// use farcall::Caller as _;
/// use farcall::cluster::{Client, Credentials};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = farcall::rpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # let bound = server.bind("127.0.0.1:0").await?;
/// # let url = bound.url();
/// # tokio::spawn(bound.serve());
///
/// // Such as "conn+rpc://node1:7000" or "https://node1/RPC2".
/// let client = Client::open(&url, &Credentials::new())?;
/// let sum: i64 = client.call("add", (3, 5)).await?;
/// assert_eq!(sum, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    url: Box<str>,
    /// The URL without secrets, if it has any.
    shown: Option<Box<str>>,
    credentials: Credentials,
    options: ConnectOptions,
    link: Link,
}

enum Link {
    Http(HttpLink),
    #[cfg(feature = "jsonrpc-sockets")]
    Socket(SocketLink),
    Session(Session),
    #[cfg(feature = "nats")]
    Nats(LazyClient),
    #[cfg(feature = "managers")]
    Manager(ManagedObject),
    Other(Box<dyn AnyCaller>),
}

impl Client {
    /// Creates a client of the host at `url`. Nothing is connected yet.
    ///
    /// # Errors
    /// If the URL is malformed or belongs to no protocol, or if the proxy set in the environment
    /// cannot be used.
    pub fn open(url: &str, credentials: &Credentials) -> Result<Self, UrlError> {
        Self::with_options(url, credentials, ConnectOptions::default())
    }

    /// Creates a client of the host at `url`, with `options`. Nothing is connected yet.
    ///
    /// # Errors
    /// As with [`open`](Self::open).
    pub fn with_options(
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
    ) -> Result<Self, UrlError> {
        let link = match Protocol::of(url)? {
            protocol @ (Protocol::XmlRpc | Protocol::JsonRpc) => {
                Link::Http(HttpLink::new(protocol, url, credentials, options)?)
            }
            #[cfg(feature = "jsonrpc-sockets")]
            Protocol::JsonSocket => Link::Socket(SocketLink::new(url, credentials, options)?),
            #[cfg(not(feature = "jsonrpc-sockets"))]
            Protocol::JsonSocket => return Err(UrlError::NoJsonSockets),
            #[cfg(feature = "nats")]
            Protocol::Nats => Link::Nats(LazyClient::new(
                url,
                credentials,
                options.connect_timeout,
                options.max_reply,
            )?),
            #[cfg(not(feature = "nats"))]
            Protocol::Nats => return Err(UrlError::NoNats),
            #[cfg(feature = "managers")]
            Protocol::Manager => Link::Manager(ManagedObject::new(url)?),
            #[cfg(not(feature = "managers"))]
            Protocol::Manager => return Err(UrlError::NoManagers),
            _ => Link::Session(Session::new(url)?),
        };
        Ok(Self::over(url, credentials.clone(), options, link))
    }

    /// Creates a client from any caller: of another protocol, or wrapped in layers, or a registry
    /// of this process. `url` is for people, such as `nats://…`; it is not parsed.
    ///
    /// ```
    /// use farcall::cluster::Client;
    /// use farcall::xmlrpc::XmlRpc;
    /// use farcall::{Caller as _, Registry, ServiceCaller};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry: Registry<XmlRpc> = Registry::new();
    /// registry.register_function("add", |a: i64, b: i64| a + b)?;
    /// let client = Client::of("local", ServiceCaller::new(registry, XmlRpc::default()));
    /// let sum: i64 = client.call("add", (3, 5)).await?;
    /// assert_eq!(sum, 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(url: &str, caller: impl Caller<Format: ClientFormat> + 'static) -> Self {
        let link = Link::Other(Box::new(caller));
        let (credentials, options) = (Credentials::default(), ConnectOptions::default());
        Self::over(url, credentials, options, link)
    }

    fn over(url: &str, credentials: Credentials, options: ConnectOptions, link: Link) -> Self {
        Self(Arc::new(Inner {
            url: url.into(),
            shown: without_secrets(url).map(Into::into),
            credentials,
            options,
            link,
        }))
    }

    /// The URL, without user information, query and fragment.
    #[must_use]
    pub fn url(&self) -> &str {
        self.0.shown.as_deref().unwrap_or(&self.0.url)
    }

    /// The protocol that the URL names.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match &self.0.link {
            Link::Http(link) => link.protocol(),
            #[cfg(feature = "jsonrpc-sockets")]
            Link::Socket(_) => Protocol::JsonSocket,
            Link::Session(_) => Protocol::Connection,
            #[cfg(feature = "nats")]
            Link::Nats(_) => Protocol::Nats,
            #[cfg(feature = "managers")]
            Link::Manager(_) => Protocol::Manager,
            Link::Other(_) => Protocol::Other,
        }
    }

    /// Closes the connections that no call uses, and those in use once their calls and streams have
    /// ended. The next call connects anew.
    pub fn disconnect(&self) {
        match &self.0.link {
            Link::Http(link) => link.disconnect(),
            #[cfg(feature = "jsonrpc-sockets")]
            Link::Socket(link) => link.disconnect(),
            Link::Session(session) => session.disconnect(),
            #[cfg(feature = "nats")]
            // One connection carries the calls of all hosts.
            Link::Nats(_) => {}
            #[cfg(feature = "managers")]
            Link::Manager(object) => object.disconnect(),
            Link::Other(_) => {}
        }
    }

    /// [Disconnects](Self::disconnect), and waits for at most a second until the host knows what
    /// this needs to be told: a manager in CPython would keep an object for ever that was not
    /// released. Call it before a program ends.
    ///
    /// # Cancel safety
    /// The host is told in any case, unless the runtime ends.
    pub async fn close(&self) {
        self.disconnect();
        #[cfg(feature = "managers")]
        if let Link::Manager(object) = &self.0.link {
            object.close().await;
        }
    }

    /// Sends a call whose arguments are already encoded, such as one that goes to several hosts,
    /// and decodes the result.
    ///
    /// # Errors
    /// Those of [`call`](Caller::call).
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call; the method may still have run.
    pub async fn call_encoded<R: DeserializeOwned>(
        &self,
        call: Call<AnyFormat>,
    ) -> Result<R, CallError> {
        let Inner {
            url,
            credentials,
            options,
            ..
        } = &*self.0;
        match &self.0.link {
            Link::Http(link) => {
                let call = self.limited(call);
                return link.call_encoded(url, credentials, *options, call).await;
            }
            #[cfg(feature = "jsonrpc-sockets")]
            Link::Socket(link) => {
                let call = convert(self.limited(call))?;
                return link.call_encoded(url, credentials, *options, call).await;
            }
            _ => {}
        }
        let format = self.format();
        let reply = self.send(call).await?;
        let decoded = format.decode_reply(&reply);
        decoded.map_err(|error| match &self.0.link {
            #[cfg(feature = "nats")]
            Link::Nats(client) => CallError::Decode(client.redact_error(error)),
            _ => CallError::Decode(error),
        })
    }

    /// Calls a method that returns a stream, and returns the updates of that: a stream over
    /// connections and over NATS, a subscription over sockets of JSON-RPC and WebSockets. The
    /// default timeout of calls is the time to open it.
    ///
    /// ```
    /// # use farcall::cluster::{Client, Update};
    /// # async fn example(client: Client) -> Result<(), farcall::CallError> {
    /// let mut lines = client.subscribe::<String>("log.follow", ("/var/log/syslog",)).await?;
    /// while let Some(update) = lines.next().await {
    ///     match update {
    ///         Update::Item(line) => println!("{line}"),
    ///         Update::Ended(end) => end?,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`call`](Caller::call), and [`CallError::Refused`] if the protocol of the host has
    /// no streams, as HTTP has none.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call; the method may still have run. A stream that the host
    /// has begun is ended.
    pub async fn subscribe<T: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<HostStream<T>, CallError> {
        let call = self.format().call(Context::new(method), &args)?;
        self.subscribe_encoded(call).await
    }

    /// Does the same with arguments that are already encoded.
    pub(crate) async fn subscribe_encoded<T: DeserializeOwned>(
        &self,
        call: Call<AnyFormat>,
    ) -> Result<HostStream<T>, CallError> {
        if !self.has_streams() {
            return Err(no_streams());
        }
        #[cfg(feature = "jsonrpc-sockets")]
        if let Link::Socket(link) = &self.0.link {
            let Inner {
                url,
                credentials,
                options,
                ..
            } = &*self.0;
            let call = convert(self.limited(call))?;
            return link.subscribe(url, credentials, *options, call).await;
        }
        let stream: rpc::Stream<T> = self.call_encoded(call).await?;
        Ok(stream.into())
    }

    /// Returns `false` if the protocol has no streams.
    pub(crate) fn has_streams(&self) -> bool {
        match &self.0.link {
            Link::Http(_) => false,
            #[cfg(feature = "managers")]
            Link::Manager(_) => false,
            _ => true,
        }
    }

    /// Applies the default timeout to a call that has no deadline of its own.
    fn limited(&self, mut call: Call<AnyFormat>) -> Call<AnyFormat> {
        if !call.context.has_own_deadline()
            && let Some(timeout) = self.0.options.timeout
        {
            call.context = limit(call.context, timeout);
        }
        call
    }
}

/// Limits a call to `timeout` from now on, or to its deadline if that is earlier.
fn limit(context: Context, timeout: Duration) -> Context {
    let limit = farcall_core::protocol::time::deadline(timeout).into_std();
    let deadline = context
        .deadline()
        .map_or(limit, |deadline| deadline.min(limit));
    context.with_deadline(Some(deadline))
}

/// Converts a call to the format of the caller.
fn convert<F: ClientFormat>(call: Call<AnyFormat>) -> Result<Call<F>, CallError> {
    Ok(Call {
        format: F::of(call.format).ok_or_else(|| CallError::Encode(mismatch(call.format)))?,
        params: call.params,
        context: call.context,
    })
}

impl Caller for Client {
    type Format = AnyFormat;

    fn format(&self) -> AnyFormat {
        match &self.0.link {
            Link::Http(link) => link.format(),
            #[cfg(feature = "jsonrpc-sockets")]
            Link::Socket(_) => AnyFormat::Json(Json::default()),
            Link::Session(_) => AnyFormat::Rpc(self.0.options.encoding),
            #[cfg(feature = "nats")]
            Link::Nats(client) => AnyFormat::Nats(client.format()),
            #[cfg(feature = "managers")]
            Link::Manager(_) => AnyFormat::Manager(ManagerFormat),
            Link::Other(caller) => caller.any_format(),
        }
    }

    /// # Cancel safety
    /// Dropping the future abandons the call; the method may still have run. An attempt to connect
    /// goes on if other calls wait for it.
    async fn send(&self, call: Call<AnyFormat>) -> Result<Payload, CallError> {
        let call = self.limited(call);
        let (credentials, options) = (&self.0.credentials, &self.0.options);
        match &self.0.link {
            Link::Http(link) => link.send(&self.0.url, credentials, *options, call).await,
            #[cfg(feature = "jsonrpc-sockets")]
            Link::Socket(link) => {
                let call = convert(call)?;
                link.send(&self.0.url, credentials, *options, call).await
            }
            Link::Session(session) => session.send(convert(call)?, credentials, options).await,
            #[cfg(feature = "nats")]
            Link::Nats(client) => client.send(convert(call)?).await,
            #[cfg(feature = "managers")]
            Link::Manager(object) => object.send(convert(call)?, credentials, options).await,
            Link::Other(caller) => caller.send_any(call).await,
        }
    }

    /// Encodes the arguments immediately.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = self.format().call(context, &args);
        async move { self.call_encoded(call?).await }
    }
}

/// A caller of any type.
trait AnyCaller: Send + Sync {
    fn any_format(&self) -> AnyFormat;

    fn send_any(&self, call: Call<AnyFormat>) -> BoxFuture<'_, Result<Payload, CallError>>;
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<C: Caller<Format: ClientFormat>> AnyCaller for C {
    fn any_format(&self) -> AnyFormat {
        self.format().into()
    }

    fn send_any(&self, call: Call<AnyFormat>) -> BoxFuture<'_, Result<Payload, CallError>> {
        Box::pin(async move { self.send(convert(call)?).await })
    }
}

/// Shows the URL without secrets.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url())
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
