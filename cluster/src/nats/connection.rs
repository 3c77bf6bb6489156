//! Connections to a NATS server, or to a cluster of them.

use std::fmt;
use std::future::ready;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{ConnectOptions, Event, HeaderMap, ServerAddr, Subject, ToServerAddrs};
use bytes::Bytes;
use farcall_core::protocol::output::{Causes, Foreign};
use farcall_http::client::Secrets;
use futures_util::{FutureExt as _, StreamExt as _};
use percent_encoding::percent_decode_str;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::caller_clock::CallerClock;
use super::headers;
use super::inbox::Inbox;
use super::stream_state::{MessageKind, message, parse};
use crate::credentials::{Credentials, NatsProof};

/// Messages that wait for the socket. What waits here when a connection breaks is sent over the
/// next one, so it is few.
const WAITING: usize = 256;

/// Messages of a subscription that wait for their reader: as many as a service runs calls.
/// async-nats drops further ones.
const UNREAD: usize = 16 * 1024;

/// Maximum time of a round trip to the server.
const ROUND_TRIP: Duration = Duration::from_secs(2);

/// Time after which a broken connection is noticed whose event was lost among others.
const TICK: Duration = Duration::from_secs(1);

/// Connection to a NATS server, or to one server of a cluster, over which services are offered and
/// called. Clones share it. It reconnects by itself, to any server of the cluster.
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
    client: async_nats::Client,
    inbox: Arc<Inbox>,
    clock: CallerClock,
    /// The first server, without user information.
    server: String,
    secrets: Arc<Secrets>,
    reader: AbortHandle,
}

impl Drop for ConnectionState {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The connection to a NATS server cannot be opened. The text contains no URL, which may have a
/// password.
#[derive(thiserror::Error)]
#[error("cannot connect to NATS")]
pub struct ConnectionError(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);

farcall_core::debug_errors!(ConnectionError);

/// A message was not sent.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no connection to a NATS server at the moment.
    #[error("there is no connection to a NATS server")]
    NotConnected,
    /// The message is longer than the server accepts.
    #[error(
        "the message has {len} bytes with its headers, and the NATS server takes at most {max}: \
         send much data as a stream over a session, or raise `max_payload` of the server"
    )]
    TooLarge {
        /// Length of the message with its headers, in bytes.
        len: usize,
        /// The limit of the server, in bytes.
        max: usize,
    },
    /// The message could not be passed on.
    #[error("the connection to NATS was closed")]
    Closed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

farcall_core::debug_errors!(SendError);

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
        let lost = Arc::new(LostConnection {
            inbox: OnceLock::new(),
            secrets: Arc::clone(&secrets),
        });
        let events = Arc::clone(&lost);
        let options = options
            .client_capacity(WAITING)
            .subscription_capacity(UNREAD)
            .event_callback(move |event| {
                events.on_event(&event);
                ready(())
            });
        let connected = options.connect(addresses).await;
        // The server may have written why it refuses.
        let refused = |error: async_nats::ConnectError| {
            let text = Causes(&error).to_string();
            let shown = secrets.redact(&text);
            failed(if shown == text {
                error.into()
            } else {
                shown.into()
            })
        };
        let client = connected.map_err(refused)?;
        let inbox = Arc::new(Inbox::new(client.new_inbox()));
        // Cannot be set already: the cell is new.
        let _ = lost.inbox.set(Arc::downgrade(&inbox));
        let answers = client.subscribe(inbox.subscription()).await;
        let answers = answers.map_err(|error| failed(error.into()))?;
        let reader = tokio::spawn(read(client.clone(), answers, Arc::clone(&inbox)));
        let random = client.new_inbox();
        Ok(Self(Arc::new(ConnectionState {
            clock: CallerClock::new(random.rsplit('.').next().unwrap_or_default()),
            client,
            inbox,
            server,
            secrets,
            reader: reader.abort_handle(),
        })))
    }

    /// The client of async-nats, for everything else that NATS does.
    #[must_use]
    pub fn client(&self) -> &async_nats::Client {
        &self.0.client
    }

    /// Returns `true` if there is a connection to a server at the moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.client.connection_state() == State::Connected
    }

    /// The number of calls, questions and streams that wait for messages.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.inbox.len()
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

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.0.inbox
    }

    /// The number of the present connection: it changes when another is made.
    pub(super) fn generation(&self) -> u64 {
        generation(&self.0.client)
    }

    /// Returns what the clock of this connection shows, as a header.
    pub(super) fn clock(&self) -> String {
        self.0.clock.header()
    }

    /// Checks that a message can be sent now.
    pub(super) fn check(&self, headers: Option<&HeaderMap>, body: usize) -> Result<(), SendError> {
        if !self.is_connected() {
            return Err(SendError::NotConnected);
        }
        let (len, max) = (
            headers.map_or(0, headers::wire_len) + body,
            self.0.client.max_payload(),
        );
        if len > max {
            return Err(SendError::TooLarge { len, max });
        }
        Ok(())
    }

    /// Passes a message on, which waits while many others do.
    pub(super) async fn publish(
        &self,
        subject: Subject,
        reply: Option<Subject>,
        headers: Option<HeaderMap>,
        body: Bytes,
    ) -> Result<(), SendError> {
        self.check(headers.as_ref(), body.len())?;
        let client = &self.0.client;
        let sent = match (reply, headers) {
            (Some(reply), Some(headers)) => {
                client
                    .publish_with_reply_and_headers(subject, reply, headers, body)
                    .await
            }
            (Some(reply), None) => client.publish_with_reply(subject, reply, body).await,
            (None, Some(headers)) => client.publish_with_headers(subject, headers, body).await,
            (None, None) => client.publish(subject, body).await,
        };
        sent.map_err(|error| SendError::Closed(error.into()))
    }

    /// Completes when the server has processed what was passed on before, such as subscriptions:
    /// it returns messages in the order in which it gets them. A connection that does not return
    /// its own messages completes after a while.
    pub(super) async fn round_trip(&self) -> Result<(), SendError> {
        let (place, mut messages) = self.inbox().question();
        let subject = place.subject().clone();
        self.publish(subject, None, None, Bytes::new()).await?;
        let _ = timeout(ROUND_TRIP, messages.recv()).await;
        Ok(())
    }

    /// Passes a message on if that takes no time. For messages whose loss does no harm.
    pub(super) fn try_publish(&self, subject: Subject, reply: Option<Subject>, body: Bytes) {
        let _ = self.publish(subject, reply, None, body).now_or_never();
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

/// Passes the loss of a connection on to the inbox, which does not exist before the connection.
struct LostConnection {
    inbox: OnceLock<Weak<Inbox>>,
    secrets: Arc<Secrets>,
}

impl LostConnection {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Disconnected | Event::Closed => {
                if let Some(inbox) = self.inbox.get().and_then(Weak::upgrade) {
                    inbox.on_disconnected(None);
                }
            }
            event => {
                let text = self.secrets.redact(&event.to_string());
                tracing::debug!(event = %Foreign::excerpt(&text), "event of NATS");
            }
        }
    }
}

fn generation(client: &async_nats::Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}

/// Delivers the messages to the inbox.
async fn read(client: async_nats::Client, mut answers: async_nats::Subscriber, inbox: Arc<Inbox>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = generation(&client);
    loop {
        tokio::select! {
            message = answers.next() => match message {
                Some(message) => {
                    if let Some(message) = inbox.deliver(message) {
                        refuse(&client, &message);
                    }
                }
                None => break,
            },
            _ = ticks.tick() => {
                let present = generation(&client);
                if present != std::mem::replace(&mut known, present) {
                    inbox.on_disconnected(Some(present));
                }
            }
        }
    }
    inbox.on_disconnected(None);
}

/// Tells a peer that its stream does not exist any more.
fn refuse(client: &async_nats::Client, received: &async_nats::Message) {
    let kind = parse(&received.payload).map(|(kind, ..)| kind);
    if let (Some(reply), Some(kind)) = (&received.reply, kind)
        && kind != MessageKind::Reset
    {
        let reset = message(MessageKind::Reset, 0, b"");
        // If many messages wait, the peer learns it at its next message.
        let _ = client.publish(reply.clone(), reset).now_or_never();
    }
}
