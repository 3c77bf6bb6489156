//! Options of a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "_tls")]
use farcall_core::serve::PendingHandshakes;
#[cfg(feature = "_tls")]
use farcall_core::transport::Address;
use farcall_core::transport::Peer;
#[cfg(feature = "_tls")]
use farcall_core::transport::tls::ServerTls;
use farcall_core::{Budget, Identity};

use super::{Authorize, Pages};
use crate::setters;

/// Options of a [server](super::HttpServer), whatever its protocols. The defaults are safe for a
/// server that untrusted peers can reach.
#[derive(Clone)]
#[must_use = "options do nothing until they are given to a server"]
pub struct ServerOptions {
    pub(super) max_connections: usize,
    pub(super) drain_timeout: Duration,
    pub(super) max_body: usize,
    pub(super) max_reply: usize,
    /// The budget that the program chose, if any.
    budget: Option<Budget>,
    pub(super) header_timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) call_timeout: Option<Duration>,
    pub(super) max_calls: usize,
    pub(super) gzip_over: Option<usize>,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) allow_origins: Vec<String>,
    pub(super) accept_address: Option<Arc<AcceptAddress>>,
    pub(super) accept_peer: Option<Arc<AcceptPeer>>,
    pub(super) trust_scgi: Option<Arc<AcceptAddress>>,
    pub(super) authorize: Option<Arc<dyn Authorize>>,
    pub(super) pages: Vec<Arc<dyn Pages>>,
    #[cfg(feature = "_tls")]
    tls: Option<ServerTls>,
    #[cfg(feature = "_tls")]
    pub(super) handshake_timeout: Duration,
    #[cfg(feature = "_tls")]
    pub(super) max_pending: usize,
    #[cfg(feature = "_tls")]
    pub(super) max_pending_per_address: usize,
}

type AcceptAddress = dyn Fn(&Peer) -> bool + Send + Sync;
type AcceptPeer = dyn Fn(&Identity) -> bool + Send + Sync;

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            drain_timeout: Duration::from_secs(30),
            max_body: 16 << 20,
            max_reply: 32 << 20,
            budget: None,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            call_timeout: None,
            max_calls: 512,
            gzip_over: Some(1400),
            hosts: None,
            allow_origins: Vec::new(),
            accept_address: None,
            accept_peer: None,
            trust_scgi: None,
            authorize: None,
            pages: Vec::new(),
            #[cfg(feature = "_tls")]
            tls: None,
            #[cfg(feature = "_tls")]
            handshake_timeout: Duration::from_secs(10),
            #[cfg(feature = "_tls")]
            max_pending: PendingHandshakes::MAX,
            #[cfg(feature = "_tls")]
            max_pending_per_address: PendingHandshakes::MAX_PER_ADDRESS,
        }
    }
}

impl ServerOptions {
    setters! {
        /// Maximum number of open connections. Further peers wait in the backlog of the listener
        /// until one of them closes. Default: 1024, the number of open files that many systems
        /// allow a process.
        max_connections: usize,

        /// Maximum time that a graceful stop waits for running calls before it aborts them.
        /// Default: 30 s, within the time that service managers grant a process to exit.
        drain_timeout: Duration,

        /// Maximum bytes of a request body, on the wire and after inflating. Default: 16 MiB,
        /// enough for large arrays, while a single peer cannot fill the memory. A larger body is
        /// refused with status 413.
        max_body: usize,

        /// Maximum bytes of a reply before compression; of a batch, with all its results.
        /// Default: 32 MiB, so that a reply can return the content of the largest request even in a
        /// longer encoding: 16 MiB of bytes are 22 MiB of base64. Encoding stops at the limit, and
        /// the caller receives a fault with code −32603 that names the limit.
        max_reply: usize,
    }

    /// Budget for all bytes that the server holds for its peers: requests from their first byte
    /// until their call completes, and replies until their last byte is written, at their size in
    /// memory (inflated, or compressed). The first 64 KiB of each do not count, so that large calls
    /// never prevent small ones. Several servers of a process can share a budget.
    ///
    /// When the budget is spent, the connection with the largest product of bytes and time held is
    /// closed and its call cancelled, if its bytes have been held for more than a second on
    /// average. If there is no such connection, a request without room is refused with status 503
    /// and a fault with code −32400, and a reply without room is replaced by a fault with code
    /// −32603. See [`Budget`].
    ///
    /// Default: 64 MiB for each server, four of the largest requests or two of the largest replies;
    /// more if [`max_body`](Self::max_body) or [`max_reply`](Self::max_reply) is. A message larger
    /// than a budget set here never has room.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Returns the budget for one server: the chosen one, or a new one with room for the largest
    /// message.
    pub(super) fn budget_for_server(&self) -> Budget {
        let largest = self.max_body.max(self.max_reply);
        match &self.budget {
            Some(budget) => budget.clone(),
            None if largest > Budget::default().bytes() => Budget::new(largest),
            None => Budget::default(),
        }
    }

    setters! {
        /// Timeout for the head of a request, and so the maximum idle time of a connection between
        /// two requests. Default: 30 s, because most clients drop an idle connection from their
        /// pool by then.
        header_timeout: Duration,

        /// Timeout for the body of a request. Default: 60 s, enough for 16 MiB over 3 Mbit/s. A
        /// slower body is refused with status 408.
        body_timeout: Duration,

        /// Time in which a peer must read 64 KiB of a reply, or a fifth of the reply if that is
        /// more, or the rest of it. Otherwise its connection is closed. So a reply of any size is
        /// read within five times this timeout, or at 1 KiB/s. Default: 60 s, so that no peer keeps
        /// a connection and a reply in memory indefinitely. The 22 MiB of a 16 MiB blob can take
        /// five minutes, at 0.6 Mbit/s.
        write_timeout: Duration,

        /// Timeout of a call, or of a whole batch. Handlers see it as their
        /// [deadline](farcall_core::Context::deadline). Default: `None`, because only the
        /// application knows a suitable value.
        call_timeout: Option<Duration>,

        /// Maximum number of concurrent calls, over all connections; a batch counts as one.
        /// Further calls are refused at once, with status 503 and a fault with code −32400, and
        /// their connections closed: otherwise an overloaded server would answer no call in time.
        /// Calls that complete without waiting do not count, and calls that arrive at the same
        /// moment can exceed the limit slightly.
        ///
        /// Default: 512, half of the default maximum of connections, so that there are connections
        /// left on which further calls can be refused.
        max_calls: usize,

        /// Compresses replies of more than this number of bytes for callers that accept gzip.
        /// Default: 1400, as in CPython's server, because a smaller reply fits into one packet
        /// anyway. `None` disables compression.
        #[cfg(feature = "gzip")]
        gzip_over: Option<usize>,
    }

    /// Sets the hosts that requests may name, in addition to IP addresses, `localhost` and names
    /// that end in `.localhost`: `"rpc.example"` matches any port, `"rpc.example:8000"` only this
    /// one. A request with any other `Host` is refused with status 403. A request without a host
    /// is not refused, because no browser sends one.
    ///
    /// Default: on a listener at a loopback address, no further hosts, so that no web page can call
    /// it by a name that resolves to it (DNS rebinding); on other listeners, any host, because only
    /// the program knows the names of the server. Once hosts are set, they are checked everywhere,
    /// including Unix sockets, CGI and a server mounted in another one. A server on a network with
    /// browsers should set its hosts.
    ///
    /// A reverse proxy on the same machine sends the server's address as `Host`, unless configured
    /// to forward the original one (nginx: `proxy_set_header Host`, Apache: `ProxyPreserveHost
    /// On`). The forwarded name must be set here.
    ///
    /// ```
    /// use farcall::http::ServerOptions;
    ///
    /// let options = ServerOptions::default().hosts(["rpc.example", "www.rpc.example"]);
    /// # drop(options);
    /// ```
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Allows web pages of these origins, such as `"https://app.example"`, to call the server,
    /// whatever the protocol. The server answers their preflight requests (CORS) and lets the pages
    /// read the replies. There is no wildcard: the answer names the origin of the
    /// page. It never allows credentials, so browsers send no cookies; a token is sent as a header.
    ///
    /// Default: none. A request is refused with status 403 if its `Origin` is neither allowed here
    /// nor that of its `Host` (with TLS: with the scheme `https`), or if `Sec-Fetch-Site` names
    /// another site or origin. Pages without an origin, such as files, have the origin `"null"`,
    /// which any page can also assume: allow it only for a server that everyone may call.
    ///
    /// Behind a proxy that changes the `Host`, the origin of the site itself must be allowed here.
    pub fn allow_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.allow_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Calls `accept` for each new connection with its address, before the TLS handshake, if there
    /// is one, which takes the server a millisecond. Closes the connection if the result is
    /// `false`. Default: all addresses are accepted. [`accept_peer`](Self::accept_peer) sees more
    /// of the peer, later.
    ///
    /// ```
    /// use farcall::http::ServerOptions;
    ///
    /// let options = ServerOptions::default()
    ///     .accept_address(|peer| peer.ip().is_none_or(|ip| ip.is_loopback()));
    /// # drop(options);
    /// ```
    pub fn accept_address(
        mut self,
        accept: impl Fn(&Peer) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.accept_address = Some(Arc::new(accept));
        self
    }

    /// Calls `accept` for each new connection, once its identity is known: the address, the user of
    /// a Unix socket, and the certificate of a TLS client, after the TLS handshake. Closes the
    /// connection before the first request is read if the result is `false`. Default: all peers are
    /// accepted. CPython calls this `verify_request`.
    ///
    /// ```
    /// use farcall::http::ServerOptions;
    ///
    /// // The user with this number, over a Unix socket; and nobody else.
    /// let options = ServerOptions::default()
    ///     .accept_peer(|caller| caller.user().is_some_and(|user| user.uid == 1000));
    /// # drop(options);
    /// ```
    pub fn accept_peer(
        mut self,
        accept: impl Fn(&Identity) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.accept_peer = Some(Arc::new(accept));
        self
    }

    /// Believes the peers for which `trust` returns `true` what they say of their own clients over
    /// [SCGI](super::HttpServer::bind_scgi): the address (`REMOTE_ADDR`, `REMOTE_PORT`) and the
    /// user (`REMOTE_USER`) are the identity of the caller then, as with CGI. It must hold for web
    /// servers only: any other peer could name whom it likes. Default: no peer.
    ///
    /// ```
    /// use farcall::http::ServerOptions;
    ///
    /// // nginx, at a Unix socket that only its user can connect to.
    /// let options = ServerOptions::default().trust_scgi(|_| true);
    /// # drop(options);
    /// ```
    pub fn trust_scgi(mut self, trust: impl Fn(&Peer) -> bool + Send + Sync + 'static) -> Self {
        self.trust_scgi = Some(Arc::new(trust));
        self
    }

    /// Asks `authorize` about each request, with its head, before its body is read. A rejection is
    /// sent unchanged. Handlers see what `authorize` adds to the
    /// [identity](farcall_core::Context::identity) of the caller, and can read extensions that it
    /// inserts into the head with [`Context::extension`](farcall_core::Context::extension).
    /// Default: all requests are served. To decide by method, see
    /// [`Registry::set_guard`](farcall_core::Registry::set_guard).
    ///
    /// `farcall::middleware` has ready-made values: tokens, passwords and a rate limit. In a pair,
    /// both must permit a request.
    ///
    /// ```
    /// use farcall::middleware::{BearerAuth, RateLimit};
    /// use farcall::http::ServerOptions;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tokens = BearerAuth::new(["a-long-random-token"])?;
    /// let options = ServerOptions::default().authorize((RateLimit::per_second(50), tokens));
    /// # drop(options);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A closure needs the types of its arguments. `Parts` is that of the crate `http` 1:
    ///
    /// ```
    /// use farcall::Identity;
    /// use farcall::http::{Rejection, ServerOptions};
    /// use http::StatusCode;
    /// use http::request::Parts;
    ///
    /// // A proxy in front authenticates users, and sets this header whatever the client sent.
    /// let options = ServerOptions::default().authorize(|head: &mut Parts, caller: &mut Identity| {
    ///     let user = head.headers.get("x-user").and_then(|user| user.to_str().ok());
    ///     let Some(user) = user else {
    ///         return Err(Rejection::new(StatusCode::FORBIDDEN, format!("who is {caller}?")));
    ///     };
    ///     caller.set_subject(user);
    ///     Ok(())
    /// });
    /// # drop(options);
    /// ```
    pub fn authorize(mut self, authorize: impl Authorize) -> Self {
        self.authorize = Some(Arc::new(authorize));
        self
    }

    /// Adds answers to GET and HEAD requests, at any path, such as the documentation of
    /// `farcall::web`. Of several, the first that has a page for a request answers it. The host of
    /// a request and the site that it comes from are checked as for calls, except that a link of
    /// another site may lead to a page. Default: none; such requests are refused with status 405.
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages.push(Arc::new(pages));
        self
    }
}

#[cfg(feature = "_tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
impl ServerOptions {
    /// Serves over TLS (`https://`), on all listeners except Unix sockets, whose bytes do not leave
    /// the machine. A server that is mounted in another one is not affected.
    ///
    /// Handlers see the names in the verified certificate of a client as part of the
    /// [identity](farcall_core::Context::identity) of their caller, and the result of the handshake
    /// as its [`tls`](farcall_core::Identity::tls). Default: no TLS.
    ///
    /// ```no_run
    /// use farcall::transport::tls::ServerTls;
    /// use farcall::http::ServerOptions;
    /// use farcall::xmlrpc::Server;
    ///
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = ServerTls::from_files("server.pem", "server.key")?.watch();
    /// let server = Server::with_options(ServerOptions::default().tls(tls));
    /// server.register_function("add", |a: i64, b: i64| a + b)?;
    /// server.bind("0.0.0.0:8443").await?.serve().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    setters! {
        /// Timeout of the TLS handshake. Default: 10 s, enough for slow networks and small devices.
        /// A peer that does not complete it in time is disconnected.
        handshake_timeout: Duration,

        /// Maximum number of concurrent TLS handshakes of each listener, and at most half of
        /// [`max_connections`](Self::max_connections), so that silent peers leave room for others.
        /// When one more peer connects, the oldest handshake is aborted, since a peer that means
        /// well completes it quickly. Default: 512.
        max_pending: usize,

        /// Maximum number of concurrent TLS handshakes with one IPv4 address or one IPv6 /64
        /// network. It works like [`max_pending`](Self::max_pending). Default: 256.
        max_pending_per_address: usize,
    }

    /// Returns the TLS of a listener at `address`.
    pub(super) const fn tls_at(&self, address: &Address) -> Option<&ServerTls> {
        match address {
            Address::Unix(_) | Address::Abstract(_) => None,
            _ => self.tls.as_ref(),
        }
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ServerOptions");
        #[cfg(feature = "_tls")]
        shown
            .field("tls", &self.tls)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("max_pending", &self.max_pending)
            .field("max_pending_per_address", &self.max_pending_per_address);
        shown
            .field("max_connections", &self.max_connections)
            .field("drain_timeout", &self.drain_timeout)
            .field("max_body", &self.max_body)
            .field("max_reply", &self.max_reply)
            .field("budget", &self.budget_for_server())
            .field("header_timeout", &self.header_timeout)
            .field("body_timeout", &self.body_timeout)
            .field("write_timeout", &self.write_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("max_calls", &self.max_calls)
            .field("gzip_over", &self.gzip_over)
            .field("hosts", &self.hosts)
            .field("allow_origins", &self.allow_origins)
            .field(
                "accept_address",
                &self.accept_address.as_ref().map(|_| ".."),
            )
            .field("accept_peer", &self.accept_peer.as_ref().map(|_| ".."))
            .field("trust_scgi", &self.trust_scgi.as_ref().map(|_| ".."))
            .field("authorize", &self.authorize.as_ref().map(|_| ".."))
            .field("pages", &self.pages.len())
            .finish()
    }
}
