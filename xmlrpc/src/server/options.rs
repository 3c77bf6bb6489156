//! The settings of a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use rpc_core::{Budget, Fault, FaultKind, Peer, serve};

use crate::XmlRpc;

/// The settings of a [`Server`](crate::Server). The defaults are safe for a server that strangers
/// can reach.
#[derive(Clone)]
pub struct ServerOptions {
    pub(crate) connections: serve::Options,
    pub(crate) format: XmlRpc,
    pub(crate) max_body: usize,
    pub(crate) max_reply: usize,
    pub(crate) budget: Budget,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) max_calls: usize,
    pub(crate) max_multicall: usize,
    pub(crate) gzip_over: Option<usize>,
    pub(crate) fault_policy: FaultPolicy,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) allow_origins: Vec<String>,
    pub(crate) accept_peer: Option<Arc<AcceptPeer>>,
    pub(crate) authorize: Option<Arc<Authorize>>,
}

type AcceptPeer = dyn Fn(&Peer) -> bool + Send + Sync;
type Authorize = dyn Fn(&mut Parts, &Peer) -> Result<(), Rejection> + Send + Sync;

/// The HTTP response to a request that is not served.
#[derive(Debug)]
pub struct Rejection(pub(crate) Box<Response<String>>);

impl Rejection {
    /// A refusal with a text that says why.
    #[must_use]
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let mut response = Response::new(text.into() + "\n");
        *response.status_mut() = status;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, plain);
        Self(Box::new(response))
    }

    /// The same with one more header, such as `WWW-Authenticate`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// The same, with which the connection ends.
    pub(crate) fn closing(self) -> Self {
        self.with_header(CONNECTION, HeaderValue::from_static("close"))
    }
}

/// What callers are told when a call fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultPolicy {
    /// The codes of the fault code interoperability specification: −32700 for a document that
    /// cannot be parsed, −32601 for an unknown method, −32602 for parameters that do not fit, and
    /// so on.
    #[default]
    Interoperability,
    /// What CPython's `SimpleXMLRPCServer` says: code 1 and the Python exception's class and text.
    /// For callers that look for those. Faults that a method returns with a code of its own keep
    /// it, as `xmlrpc.client.Fault` does there.
    CPython,
}

impl FaultPolicy {
    /// The code and the text for the wire, for a failed call of `method`.
    pub(crate) fn apply(self, fault: &Fault, method: &str) -> (i64, String) {
        let message = fault.message();
        if self == Self::Interoperability || fault.kind() == FaultKind::Application {
            return (fault.code(), message.to_owned());
        }
        let text = match fault.kind() {
            FaultKind::UnknownMethod => {
                format!("<class 'Exception'>:method \"{method}\" is not supported")
            }
            FaultKind::Parse | FaultKind::UnsupportedEncoding | FaultKind::InvalidCharacter => {
                format!("<class 'xml.parsers.expat.ExpatError'>:{message}")
            }
            FaultKind::InvalidParams => format!("<class 'TypeError'>:{message}"),
            _ => format!("<class 'Exception'>:{message}"),
        };
        (1, text)
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connections: serve::Options::default(),
            format: XmlRpc::default(),
            max_body: 16 << 20,
            max_reply: 32 << 20,
            budget: Budget::default(),
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            call_timeout: None,
            max_calls: 512,
            max_multicall: 1000,
            gzip_over: Some(1400),
            fault_policy: FaultPolicy::Interoperability,
            hosts: None,
            allow_origins: Vec::new(),
            accept_peer: None,
            authorize: None,
        }
    }
}

impl ServerOptions {
    /// How many connections may be open, and how long a graceful stop waits for them. Default:
    /// those of [`serve::Options`].
    #[must_use]
    pub const fn connections(mut self, connections: serve::Options) -> Self {
        self.connections = connections;
        self
    }

    /// How values are written, and the limits within which they are read. Default: those of
    /// [`XmlRpc`].
    #[must_use]
    pub const fn format(mut self, format: XmlRpc) -> Self {
        self.format = format;
        self
    }

    /// The largest request body in bytes, on the wire and after inflating. Default: 16 MiB, room
    /// for large arrays without letting one peer fill the memory. A larger one is answered with
    /// status 413.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The largest reply in bytes, before it is compressed; that of a multicall with all its results. Default: 32 MiB,
    /// so that what comes as the largest request fits into a reply as well when it is written longer, such as
    /// 16 MiB of bytes, which are 22 MiB of base64. A larger one is not written to its end; the caller gets a fault of
    /// code −32603 that says so.
    #[must_use]
    pub const fn max_reply(mut self, bytes: usize) -> Self {
        self.max_reply = bytes;
        self
    }

    /// The budget for all bytes that are held on behalf of peers: requests from their first byte until they are answered,
    /// replies until their last byte is written, as they lie in memory (inflated, or compressed). The first 64 KiB of
    /// each do not count, so that small calls are answered whatever large ones there are. A budget can be shared
    /// with other servers of the process.
    ///
    /// When it is spent, the connection is closed that has held the most for the longest, if that is more than a second
    /// on average; a call that it made is cancelled. Where nobody has, a request that finds no room is refused with status 503 and a fault of code −32400,
    /// and a reply is replaced by a fault of code −32603. [`Budget`] says more.
    ///
    /// Default: one of 64 MiB for each server: four of the largest requests, or two of the largest replies. What is
    /// larger than the budget finds no room at any time, so [`max_body`](Self::max_body) and
    /// [`max_reply`](Self::max_reply) belong below it.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// How long the head of a request may take, and so how long a connection may be idle between
    /// two requests. Default: 30 s, as the pools of most clients let go of a connection no later.
    #[must_use]
    pub const fn header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// How long the body of a request may take. Default: 60 s, enough for 16 MiB over 3 Mbit/s.
    /// A slower one is answered with status 408.
    #[must_use]
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// How long a peer may take to read 64 KiB of a reply, or a fifth of it where that is more, or what is left of it;
    /// its connection is closed then. So whatever the size, a reply is read within five times this, or at a kibibyte a
    /// second. Default: 60 s, so that nobody keeps a connection and a reply in memory for ever; the 22 MiB of a blob of
    /// 16 MiB can take five minutes, at 0.6 Mbit/s.
    #[must_use]
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// How long a call may run, or a multicall in all. Handlers see it as their
    /// [deadline](rpc_core::Context::deadline). Default: `None`, as only the application knows.
    #[must_use]
    pub const fn call_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// How many calls run at once, over all connections; a multicall is one. Those beyond are refused at once, with
    /// status 503 and a fault of code −32400, and their connections closed: a server that has too much to do would
    /// otherwise answer nobody in time. Calls that are answered without waiting for anything take no place, and a few
    /// that come at the same moment may be more than this.
    ///
    /// Default: 512, half of the connections that there are by default, so that those beyond find a connection on which
    /// they are told.
    #[must_use]
    pub const fn max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// How many calls one `system.multicall` may hold. Default: 1000; more is a fault, and 0 turns
    /// multicall into one. It limits how much work, and how many guesses at a password, one
    /// request can carry.
    #[must_use]
    pub const fn max_multicall(mut self, calls: usize) -> Self {
        self.max_multicall = calls;
        self
    }

    /// Compresses replies of more than so many bytes for callers that accept gzip. Default: 1400,
    /// as CPython's server does: less fits into one packet anyway. `None` never compresses.
    #[must_use]
    pub const fn gzip_over(mut self, bytes: Option<usize>) -> Self {
        self.gzip_over = bytes;
        self
    }

    /// What callers are told when a call fails. Default: [`FaultPolicy::Interoperability`].
    #[must_use]
    pub const fn fault_policy(mut self, policy: FaultPolicy) -> Self {
        self.fault_policy = policy;
        self
    }

    /// Names the hosts that the server is called by, beside IP addresses, `localhost` and names that end in
    /// `.localhost`: `"rpc.example"` at any port, `"rpc.example:8000"` at this one. A request whose `Host` is any other
    /// is refused with status 403; one without a host is not, as no browser sends such.
    ///
    /// Default: on a listener at a loopback address none beside those, so that no web page can call it by a name that
    /// was made to lead there (DNS rebinding); elsewhere all, as only the program knows how others find it. Once hosts
    /// are named they are asked for everywhere, on Unix sockets, in CGI and where the server is mounted in another as
    /// well. A server on a network that browsers are in should name its hosts.
    ///
    /// A reverse proxy on the same machine calls by address unless it was told to pass on the `Host` that it was called
    /// by (nginx: `proxy_set_header Host`, Apache: `ProxyPreserveHost On`): that name is to be named here then.
    ///
    /// ```
    /// let options = xmlrpc::ServerOptions::default().hosts(["rpc.example", "www.rpc.example"]);
    /// # drop(options);
    /// ```
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Lets web pages of these origins, such as `"https://app.example"`, call the server. It answers what their browser
    /// asks beforehand (CORS), and lets the page read the answers; cookies do not travel so.
    ///
    /// Default: none. A request whose `Origin` is neither named here nor that of the `Host` that it is for is refused
    /// with status 403, and so is one that `Sec-Fetch-Site` tells to come from another site or origin. Pages without an
    /// origin of their own, such as files, have the origin `"null"`, and so has any page that wants to: name that one for
    /// a server that everyone may call.
    ///
    /// Behind a proxy that changes the `Host`, the pages of the site itself are to be named here.
    #[must_use]
    pub fn allow_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.allow_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Asks `accept` about each peer as it connects; the connection of one that is refused is
    /// closed before a byte of it is read. Default: all are accepted. CPython calls this
    /// `verify_request`.
    #[must_use]
    pub fn accept_peer(mut self, accept: impl Fn(&Peer) -> bool + Send + Sync + 'static) -> Self {
        self.accept_peer = Some(Arc::new(accept));
        self
    }

    /// Asks `authorize` about the head of each request before its body is read. The refusal is
    /// sent as it is. What it leaves in the extensions, handlers find with
    /// [`Context::extension`](rpc_core::Context::extension). Default: all are served. To decide by
    /// method, see [`Registry::set_guard`](rpc_core::Registry::set_guard).
    ///
    /// ```
    /// use http::StatusCode;
    /// use xmlrpc::{Rejection, ServerOptions};
    ///
    /// let options = ServerOptions::default().authorize(|head, _peer| {
    ///     match head.headers.get("x-token") {
    ///         Some(token) if token == "let me in" => Ok(()),
    ///         _ => Err(Rejection::new(StatusCode::FORBIDDEN, "who are you?")),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn authorize(
        mut self,
        authorize: impl Fn(&mut Parts, &Peer) -> Result<(), Rejection> + Send + Sync + 'static,
    ) -> Self {
        self.authorize = Some(Arc::new(authorize));
        self
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("connections", &self.connections)
            .field("format", &self.format)
            .field("max_body", &self.max_body)
            .field("max_reply", &self.max_reply)
            .field("budget", &self.budget)
            .field("header_timeout", &self.header_timeout)
            .field("body_timeout", &self.body_timeout)
            .field("write_timeout", &self.write_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("max_calls", &self.max_calls)
            .field("max_multicall", &self.max_multicall)
            .field("gzip_over", &self.gzip_over)
            .field("fault_policy", &self.fault_policy)
            .field("hosts", &self.hosts)
            .field("allow_origins", &self.allow_origins)
            .finish_non_exhaustive()
    }
}
