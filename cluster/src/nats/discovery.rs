//! Discovery: which services there are, and which instances and methods they have.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode, Subject};
use bytes::Bytes;
use farcall_core::protocol::time::deadline;
use serde::Deserialize;
use tokio::time::timeout_at;

use super::client::Client;
use super::connection::Connection;
use super::error::{InvalidName, SendError};
use super::subject::is_name;

/// Maximum instances that are listed: more than NATS serves in one cluster.
const MAX_INSTANCES: usize = 100_000;

/// The end of the wait for answers of an unknown number of instances.
///
/// Nothing tells how many instances there are, so that each of these ends the wait: the time; the
/// quorum; silence, after the first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is given to a discovery"]
pub struct Gather {
    time: Duration,
    silence: Duration,
    quorum: usize,
}

impl Default for Gather {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(2),
            silence: Duration::from_millis(300),
            quorum: usize::MAX,
        }
    }
}

impl Gather {
    /// Maximum time.
    ///
    /// Default: 2 seconds.
    pub const fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Time without a further answer after which all have answered.
    ///
    /// Default: 300 milliseconds, more than a cluster in one place needs. 5,000 instances answer
    /// within 230.
    pub const fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Number of answers that are enough.
    ///
    /// Default: any number.
    pub const fn quorum(mut self, quorum: usize) -> Self {
        self.quorum = quorum;
        self
    }

    /// The maximum time.
    pub(super) const fn longest(self) -> Duration {
        self.time
    }
}

/// The answer of an instance of a service about itself. Its texts are foreign: they are to be
/// escaped before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct InstanceInfo {
    /// The name of the service.
    pub name: String,
    /// The id of the instance.
    pub id: String,
    /// The version of the service.
    #[serde(default)]
    pub version: String,
    /// The description of the service. Not known from a ping.
    #[serde(default)]
    pub description: String,
    /// Further texts. Instances of Farcall have their version of Farcall as `farcall`.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// The methods. Not known from a ping.
    #[serde(default)]
    pub endpoints: Vec<EndpointInfo>,
}

/// The answer of an instance about one of its methods.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct EndpointInfo {
    /// The name of the endpoint.
    pub name: String,
    /// The subject of its calls.
    pub subject: String,
    /// Further texts. Those of Farcall are `farcall.method`, `farcall.signatures`,
    /// `farcall.parameters` and `farcall.help`.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl EndpointInfo {
    /// Returns the name of the method, for calls by a [`Client`]: that of the metadata, or else the
    /// subject behind the name of the service. Endpoints of other services may have subjects that a
    /// client does not reach.
    #[must_use]
    pub fn method(&self, service: &str) -> Option<&str> {
        let named = self.metadata.get("farcall.method").map(String::as_str);
        named.or_else(|| self.subject.strip_prefix(service)?.strip_prefix('.'))
    }
}

impl InstanceInfo {
    /// Returns the names of the methods that a [`Client`] can call, sorted.
    #[must_use]
    pub fn methods(&self) -> Vec<&str> {
        let endpoints = self.endpoints.iter();
        let mut methods: Vec<&str> = endpoints
            .filter_map(|endpoint| endpoint.method(&self.name))
            .collect();
        methods.sort_unstable();
        methods
    }

    /// Returns `true` if the instance is one of Farcall, which can be called by its id.
    #[must_use]
    pub fn is_farcall(&self) -> bool {
        self.metadata.contains_key("farcall")
    }
}

impl Connection {
    /// Asks all services for their instances, or one service. An answer that is none of ADR-32 is
    /// left out, and so are one of another service than was asked, and what comes behind 64 MiB or
    /// 100,000 answers, with a warning in the log. They are sorted by service and id.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use farcall::cluster::nats::{Client, Connection, Gather};
    ///
    /// let connection = Connection::open("nats://127.0.0.1:4222").await?;
    /// let client = Client::new(&connection, "agent")?;
    /// for instance in connection.ping(Some("agent"), Gather::default()).await? {
    ///     let one = client.to_instance(&instance.id)?;
    ///     println!("{}", one.url());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no connection.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answers.
    pub async fn ping(
        &self,
        service: Option<&str>,
        gather: Gather,
    ) -> Result<Vec<InstanceInfo>, SendError> {
        self.discover("PING", service, gather).await
    }

    /// Asks all services, or one, for their instances with their methods.
    ///
    /// # Errors
    /// If there is no connection.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answers.
    pub async fn info(
        &self,
        service: Option<&str>,
        gather: Gather,
    ) -> Result<Vec<InstanceInfo>, SendError> {
        self.discover("INFO", service, gather).await
    }

    async fn discover(
        &self,
        verb: &str,
        service: Option<&str>,
        gather: Gather,
    ) -> Result<Vec<InstanceInfo>, SendError> {
        let subject = match service {
            None => format!("$SRV.{verb}"),
            Some(service) if is_name(service) => format!("$SRV.{verb}.{service}"),
            // No service has such a name.
            Some(_) => return Ok(Vec::new()),
        };
        let answers = self
            .gather(&subject.into(), None, Bytes::new(), gather)
            .await?;
        let read = |answer: Message| serde_json::from_slice::<InstanceInfo>(&answer.payload);
        let mut found: Vec<_> = answers.into_iter().flat_map(read).collect();
        found.retain(|found| service.is_none_or(|service| found.name == service));
        found.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        found.dedup_by(|a, b| (&a.name, &a.id) == (&b.name, &b.id));
        Ok(found)
    }

    /// Publishes a message for many, and returns their answers.
    pub(super) async fn gather(
        &self,
        subject: &Subject,
        headers: Option<HeaderMap>,
        body: Bytes,
        gather: Gather,
    ) -> Result<Vec<Message>, SendError> {
        let link = self.link();
        let (place, mut answers) = link.inbox().question();
        let reply = Some(place.subject().clone());
        link.publish(subject.clone(), reply, headers, body).await?;
        let end = deadline(gather.time);
        let mut until = end;
        let mut found = Vec::new();
        while found.len() < gather.quorum.min(MAX_INSTANCES) {
            // There are none any more if they are too long together.
            let Ok(Some(message)) = timeout_at(until, answers.recv()).await else {
                break;
            };
            if is_nobody(&message) {
                break;
            }
            until = deadline(gather.silence).min(end);
            found.push(message);
        }
        if found.len() == MAX_INSTANCES {
            tracing::warn!("there are more answers over NATS: the rest is left out");
        }
        Ok(found)
    }
}

fn is_nobody(message: &Message) -> bool {
    message.status == Some(StatusCode::NO_RESPONDERS)
}

impl Client {
    /// Returns a client of each instance that answers, with its id: of instances of Farcall, since
    /// others have no subject of their own.
    ///
    /// # Errors
    /// If there is no connection.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the answers.
    pub async fn instances(&self, gather: Gather) -> Result<Vec<Self>, SendError> {
        let found = self.connection().ping(Some(self.service()), gather).await?;
        let found = found.iter().filter(|instance| instance.is_farcall());
        // An id that is none of Farcall was not given by it.
        let clients = found.map(|instance| self.to_instance(&instance.id));
        Ok(clients
            .filter_map(|client: Result<Self, InvalidName>| client.ok())
            .collect())
    }
}
