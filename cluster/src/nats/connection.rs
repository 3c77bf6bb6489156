//! Connections to a NATS server, or to a cluster of them.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_nats::{ConnectOptions, ServerAddr, Subject, ToServerAddrs};
use bytes::Bytes;
use farcall_http::client::Secrets;
use percent_encoding::percent_decode_str;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::caller_clock::CallerClock;
use super::error::ConnectionError;
use super::link::{Link, Links};
use crate::credentials::{Credentials, NatsProof};

/// Connection to a NATS server, or to one server of a cluster, over which services are offered and
/// called. Clones share it. It reconnects by itself, to any server of the cluster, also after the
/// client of async-nats has broken down at a message of a stranger. Services and listeners of
/// streams then subscribe again.
///
/// While it is not connected, calls fail at once as
/// [`NotSent`](farcall_core::CallError::NotSent). When it breaks, all calls in flight fail as
/// [`Lost`](farcall_core::CallError::Lost), and streams end.
///
/// # Examples
///
/// ```no_run
/// use farcall::cluster::nats::{Client, Connection};
/// use farcall::Caller as _;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("nats://127.0.0.1:4222").await?;
/// let calculator = Client::new(&connection, "calculator")?;
/// let sum: i64 = calculator.call("add", (3, 5)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connection(Arc<ConnectionState>);

struct ConnectionState {
    /// The present link. Its sender is dropped when there will be no other.
    link: watch::Receiver<Arc<Link>>,
    clock: CallerClock,
    /// The first server, without user information.
    server: String,
    secrets: Arc<Secrets>,
    keeper: AbortHandle,
}

impl Drop for ConnectionState {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Connection {
    /// Connects to a server by its URL, `nats://HOST:PORT`, or to one of several, divided by commas.
    /// User and password, or a token alone, can stand in it before `@`; with `tls://` the
    /// connection is encrypted, if Farcall has the feature `tls` by the authorities that the system
    /// trusts.
    ///
    /// # Errors
    /// If a URL is invalid, or no server can be reached.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt.
    pub async fn open(servers: &str) -> Result<Self, ConnectionError> {
        Self::open_as(servers, &Credentials::default()).await
    }

    /// Connects as [`open`](Self::open) does, with the part of credentials that is for NATS, and
    /// their TLS.
    ///
    /// # Errors
    /// If a URL or the credentials are invalid, no server can be reached, or it refuses them.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt.
    pub async fn open_as(
        servers: &str,
        credentials: &Credentials,
    ) -> Result<Self, ConnectionError> {
        let mut options = options(credentials).map_err(ConnectionError)?;
        if credentials.nats_proof().is_none() {
            options = with_user(options, servers);
        }
        Self::open_hiding(servers, options, secrets(servers, credentials)).await
    }

    /// Connects with options of async-nats: credentials, nkeys, certificates, TLS. Its event
    /// callback and its capacities are replaced. What a server repeats of the secrets in these
    /// options, errors may show: those of [`open_as`](Self::open_as) are hidden.
    ///
    /// # Errors
    /// If a URL is invalid, or no server can be reached.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the attempt.
    pub async fn open_with(
        servers: &str,
        options: ConnectOptions,
    ) -> Result<Self, ConnectionError> {
        let secrets = secrets(servers, &Credentials::default());
        Self::open_hiding(servers, options, secrets).await
    }

    async fn open_hiding(
        servers: &str,
        options: ConnectOptions,
        secrets: Secrets,
    ) -> Result<Self, ConnectionError> {
        let secrets = Arc::new(secrets);
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| ConnectionError(error);
        let servers: Vec<&str> = servers.split(',').map(str::trim).collect();
        let mut addresses = Vec::new();
        for server in &servers {
            let parsed = server.to_server_addrs();
            // The error of the parser is not shown: it may repeat the URL.
            let invalid = |_| io::Error::new(io::ErrorKind::InvalidInput, "invalid URL");
            addresses.extend(
                parsed
                    .map_err(invalid)
                    .map_err(|error| failed(error.into()))?,
            );
        }
        let server = addresses.first().map_or_else(String::new, |address| {
            let host = match address.host() {
                host if host.contains(':') => format!("[{host}]"),
                host => host.to_owned(),
            };
            format!("{}:{}", host, address.port())
        });
        let links = Links::new(addresses, options, Arc::clone(&secrets));
        let first = links.open().await?;
        let random = first.link().client().new_inbox();
        let (present, link) = watch::channel(Arc::clone(first.link()));
        let keeper = tokio::spawn(links.keep(first, present));
        Ok(Self(Arc::new(ConnectionState {
            link,
            clock: CallerClock::new(random.rsplit('.').next().unwrap_or_default()),
            server,
            secrets,
            keeper: keeper.abort_handle(),
        })))
    }

    /// The client of async-nats, for everything else that NATS does. If it breaks down, another
    /// takes its place, so it is to be asked for each time. Draining it closes the connection.
    #[must_use]
    pub fn client(&self) -> async_nats::Client {
        self.link().client().clone()
    }

    /// Returns `true` if there is a connection to a server at the moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link().is_connected()
    }

    /// The number of calls, questions and streams that wait for messages.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.link().inbox().len()
    }

    /// Returns the URL of a service, for the command `farcall`: of any instance, or of a certain
    /// one.
    pub(crate) fn url(&self, service: &str, instance: Option<&str>) -> String {
        let server = &self.0.server;
        match instance {
            None => format!("nats://{server}/{service}"),
            Some(id) => format!("nats://{server}/{service}/{id}"),
        }
    }

    /// The secrets that no error shows, even if a server or a service repeats it.
    pub(super) fn secrets(&self) -> &Arc<Secrets> {
        &self.0.secrets
    }

    /// The present client of async-nats, with its inbox.
    pub(super) fn link(&self) -> Arc<Link> {
        Arc::clone(&self.0.link.borrow())
    }

    /// Completes with the link that has taken the place of an earlier one, or with none if the
    /// connection is closed for good.
    pub(super) async fn link_after(&self, earlier: &Arc<Link>) -> Option<Arc<Link>> {
        let mut link = self.0.link.clone();
        let next = link.wait_for(|link| !Arc::ptr_eq(link, earlier)).await;
        Some(Arc::clone(&*next.ok()?))
    }

    /// Returns what the clock of this connection shows, as a header.
    pub(super) fn clock(&self) -> String {
        self.0.clock.header()
    }

    /// Passes a message on if that takes no time. For messages whose loss does no harm.
    pub(super) fn try_publish(&self, subject: Subject, reply: Option<Subject>, body: Bytes) {
        self.link().try_publish(subject, reply, body);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.0.server)
            .field("is_connected", &self.is_connected())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Returns what a client sends to servers to prove who it is.
pub(super) fn secrets(servers: &str, credentials: &Credentials) -> Secrets {
    let mut secrets = Secrets::default();
    for server in servers.split(',') {
        let address = server.split_once("://").map_or(server, |(_, rest)| rest);
        let Some((user, _)) = address.rsplit_once('@') else {
            continue;
        };
        // A user without a password is a token.
        let secret = user.split_once(':').map_or(user, |(_, password)| password);
        secrets = secrets.and(secret);
    }
    match credentials.nats_proof() {
        Some(NatsProof::Password { password: text, .. } | NatsProof::Token(text)) => {
            secrets.and(text)
        }
        // The key itself is never sent, and the token of JWT is a line of its own.
        Some(NatsProof::Credentials(text)) => text.lines().fold(secrets, Secrets::and),
        Some(NatsProof::NKey(_)) | None => secrets,
    }
}

/// Returns the options of a connection with these credentials.
fn options(
    credentials: &Credentials,
) -> Result<ConnectOptions, Box<dyn std::error::Error + Send + Sync>> {
    let options = with_tls(ConnectOptions::new().name("farcall"), credentials)?;
    Ok(match credentials.nats_proof().cloned() {
        None => options,
        Some(NatsProof::Password { user, password }) => options.user_and_password(user, password),
        Some(NatsProof::Token(token)) => options.token(token),
        Some(NatsProof::NKey(seed)) => options.nkey(seed),
        Some(NatsProof::Credentials(text)) => options.credentials(&text)?,
    })
}

/// Proves what the URL of a server has before its host, which async-nats does not send: a user and
/// a password, or a token. It has one proof for all servers, so that of the first URL counts.
fn with_user(options: ConnectOptions, servers: &str) -> ConnectOptions {
    let addresses = servers.split(',').map(|server| server.trim().parse());
    let mut addresses = addresses.filter_map(Result::<ServerAddr, _>::ok);
    let found = addresses.find_map(|address| {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some((
            decoded(address.username()?),
            address.password().map(decoded),
        ))
    });
    match found {
        None => options,
        Some((token, None)) => options.token(token),
        Some((user, Some(password))) => options.user_and_password(user, password),
    }
}

/// Sets the TLS of Farcall. That of async-nats panics if a program contains both providers of
/// cryptography.
#[cfg(feature = "_tls")]
fn with_tls(
    options: ConnectOptions,
    credentials: &Credentials,
) -> Result<ConnectOptions, Box<dyn std::error::Error + Send + Sync>> {
    use farcall_core::transport::tls::Profile;

    let config = credentials.client_tls().config(Profile::Http)?;
    let mut config = (*config).clone();
    config.alpn_protocols.clear();
    Ok(options.tls_client_config(config))
}

#[cfg(not(feature = "_tls"))]
fn with_tls(
    options: ConnectOptions,
    _: &Credentials,
) -> Result<ConnectOptions, Box<dyn std::error::Error + Send + Sync>> {
    Ok(options)
}
