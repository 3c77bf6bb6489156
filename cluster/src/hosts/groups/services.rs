//! Groups of hosts by discovery: the instances of a service.

use std::fmt;

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::sync::OnceCell;

use super::{GroupError, GroupMembers, GroupSource};
use crate::nats::{Connection, Gather, InstanceInfo, is_name};

/// Source of groups: the services that NATS knows, with their instances as hosts. The name of a
/// host is the id of its instance, its URL that of the instance.
///
/// ```no_run
/// use farcall::cluster::nats::Connection;
/// use farcall::cluster::{HostGroups, ServiceGroups};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("nats://127.0.0.1:4222").await?;
/// let groups = HostGroups::new().source("nats", ServiceGroups::new(&connection));
/// let hosts = groups.resolve("@nats:agent").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServiceGroups {
    /// The servers that are connected to when the source is asked for the first time.
    servers: String,
    connection: OnceCell<Connection>,
    gather: Gather,
}

impl ServiceGroups {
    /// Creates a source that asks over this connection.
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            servers: String::new(),
            connection: OnceCell::new_with(Some(connection.clone())),
            gather: Gather::default(),
        }
    }

    /// Creates a source that connects to these servers, as [`Connection::open`] does, when it is
    /// asked for the first time. `nats+tls://` stands for `tls://`.
    #[must_use]
    pub fn at(servers: &str) -> Self {
        Self {
            servers: servers.replace("nats+tls://", "tls://"),
            connection: OnceCell::new(),
            gather: Gather::default(),
        }
    }

    /// Sets how long answers are waited for.
    #[must_use]
    pub const fn gather(mut self, gather: Gather) -> Self {
        self.gather = gather;
        self
    }

    /// Returns the connection, which is made if there is none.
    async fn connection(&self) -> Result<&Connection, GroupError> {
        let open = || Connection::open(&self.servers);
        let connection = self.connection.get_or_try_init(open).await;
        connection.map_err(|error| GroupError::Other(error.into()))
    }

    /// Asks for the instances of Farcall.
    async fn instances(&self, service: Option<&str>) -> Result<Vec<InstanceInfo>, GroupError> {
        let asked = self.connection().await?.ping(service, self.gather).await;
        let mut found = asked.map_err(|error| GroupError::Other(error.into()))?;
        // Any other text would be notation of a set of hosts.
        found.retain(|found| found.is_farcall() && is_name(&found.id) && is_name(&found.name));
        Ok(found)
    }
}

impl GroupSource for ServiceGroups {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        async move {
            let found = self.instances(Some(group)).await?;
            if found.is_empty() {
                return Ok(None);
            }
            let connection = self.connection().await?;
            let names: Vec<&str> = found.iter().map(|instance| instance.id.as_str()).collect();
            let members = GroupMembers::new(names.join(","));
            Ok(Some(found.iter().fold(members, |members, instance| {
                let url = connection.url(group, Some(&instance.id));
                members.url(instance.id.clone(), url)
            })))
        }
        .boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async move {
            let found = self.instances(None).await?;
            let mut names: Vec<String> = found.into_iter().map(|found| found.name).collect();
            names.dedup();
            Ok(names)
        }
        .boxed()
    }
}

impl fmt::Debug for ServiceGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceGroups")
            .field("connection", &self.connection.get())
            .finish_non_exhaustive()
    }
}
