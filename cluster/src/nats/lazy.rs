//! Clients by URL, which connect at the first call and share connections.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use farcall_core::protocol::{Call, Format as _, Payload};
use farcall_core::{CallError, Caller, FormatError};
use farcall_http::client::Secrets;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::client::{Client, ClientOptions, NoResponders};
use super::connection::{Connection, secrets};
use super::content_type::ContentType;
use super::discovery::Gather;
use super::error::{ConnectionError, SendError};
use super::url::{InvalidNatsUrl, NatsUrl};
use crate::credentials::Credentials;

/// Client of a service by its URL, `nats://HOST:PORT/SERVICE` or `nats://HOST:PORT/SERVICE/INSTANCE`.
/// It connects when the first call is made. All clients of a process with the same servers and
/// credentials share one connection, which is closed with the last of them.
pub(crate) struct LazyClient {
    url: NatsUrl,
    credentials: Credentials,
    options: ClientOptions,
    connect_timeout: Duration,
    connection: Mutex<Arc<OnceCell<Connection>>>,
    secrets: Secrets,
}

/// The method that lists methods, of services of Farcall.
const LIST_METHODS: &str = "system.listMethods";

/// The connections of the process, by their servers.
static CONNECTIONS: LazyLock<Mutex<HashMap<String, Vec<Shared>>>> = LazyLock::new(Mutex::default);

/// A connection that clients share.
struct Shared {
    credentials: Credentials,
    connection: Weak<OnceCell<Connection>>,
}

/// A connection was not made in time.
#[derive(Clone, Copy, thiserror::Error)]
#[error("no connection to NATS within {0:?}")]
struct TimedOut(Duration);

farcall_core::debug_errors!(TimedOut);

impl LazyClient {
    /// Creates a client. Nothing is connected yet.
    ///
    /// # Errors
    /// If the URL is none of a service.
    pub(crate) fn new(
        url: &str,
        credentials: &Credentials,
        connect_timeout: Duration,
        max_reply: usize,
    ) -> Result<Self, InvalidNatsUrl> {
        let url = NatsUrl::parse(url)?;
        let connection = Mutex::new(shared(&url.servers, credentials, None));
        let secrets = secrets(&url.servers, credentials);
        Ok(Self {
            secrets,
            url,
            credentials: credentials.clone(),
            options: ClientOptions::default().max_reply(max_reply),
            connect_timeout,
            connection,
        })
    }

    /// Hides the secrets in an error about a result.
    pub(crate) fn redact_error(&self, error: FormatError) -> FormatError {
        self.secrets.redact_error(error)
    }

    /// Returns the client over the connection, which is made if there is none.
    async fn client(&self) -> Result<(Client, Arc<OnceCell<Connection>>), CallError> {
        let cell = {
            let mut cell = locked(&self.connection);
            if !cell.initialized() {
                *cell = shared(&self.url.servers, &self.credentials, None);
            }
            Arc::clone(&cell)
        };
        let not_sent = |error: Box<dyn Error + Send + Sync>| CallError::NotSent(error);
        let open = cell.get_or_try_init(|| async {
            let open = Connection::open_as(&self.url.servers, &self.credentials);
            let opened = timeout(self.connect_timeout, open).await;
            let late = || ConnectionError(TimedOut(self.connect_timeout).into());
            opened.map_err(|_| late())?
        });
        let connection = open.await.map_err(|error| not_sent(error.into()))?;
        let options = self.options.clone();
        let client = Client::with_options(connection, &self.url.service, options);
        let client = client.map_err(|error| not_sent(error.into()))?;
        let client = match &self.url.instance {
            None => Ok(client),
            Some(id) => client.to_instance(id),
        };
        Ok((client.map_err(|error| not_sent(error.into()))?, cell))
    }
}

/// Returns the names of the methods of a service that does not list them itself, as most do not:
/// from what it tells of its endpoints.
async fn methods(client: &Client) -> Option<Payload> {
    let gather = Gather::default().quorum(1);
    let asked = client.connection().info(Some(client.service()), gather);
    let found = asked.await.ok()?;
    client.format().reply(&found.first()?.methods()).ok()
}

/// Returns the connection to these servers, with these credentials, that the process has, other
/// than the `closed` one.
fn shared(
    servers: &str,
    credentials: &Credentials,
    closed: Option<&Arc<OnceCell<Connection>>>,
) -> Arc<OnceCell<Connection>> {
    let mut all = locked(&CONNECTIONS);
    all.retain(|_, connections| {
        connections.retain(|shared| shared.connection.strong_count() > 0);
        !connections.is_empty()
    });
    let connections = all.entry(servers.to_owned()).or_default();
    let is_open = |known: &Arc<_>| closed.is_none_or(|closed| !Arc::ptr_eq(known, closed));
    let mut known = connections
        .iter()
        .filter(|shared| shared.credentials.is_same(credentials))
        .filter_map(|shared| shared.connection.upgrade());
    known.find(is_open).unwrap_or_else(|| {
        let connection = Arc::default();
        connections.push(Shared {
            credentials: credentials.clone(),
            connection: Arc::downgrade(&connection),
        });
        connection
    })
}

/// Returns what a lock guards, also if a thread panicked while it had it: each change is whole.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Caller for LazyClient {
    type Format = ContentType;

    fn format(&self) -> ContentType {
        ContentType::default()
    }

    async fn send(&self, call: Call<ContentType>) -> Result<Payload, CallError> {
        let (client, cell) = self.client().await?;
        let asks_for_methods = call.method().as_str() == LIST_METHODS;
        let result = client.send(call).await;
        if asks_for_methods
            && let Err(CallError::NotSent(source)) = &result
            && source.is::<NoResponders>()
            && let Some(methods) = methods(&client).await
        {
            return Ok(methods);
        }
        // A connection whose runtime has ended, for example.
        if let Err(CallError::NotSent(source)) = &result
            && let Some(SendError::Closed(_)) = source.downcast_ref()
        {
            let mut connection = locked(&self.connection);
            if Arc::ptr_eq(&connection, &cell) {
                *connection = shared(&self.url.servers, &self.credentials, Some(&cell));
            }
        }
        result
    }
}
