//! Groups of hosts by discovery: the instances of a service.

use std::fmt;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::connection::Connection;
use super::discovery::{Gather, InstanceInfo};
use super::subject;
use crate::hosts::{GroupError, GroupMembers, GroupSource};

/// Source of groups: the services that NATS knows, with their instances as hosts. The name of a
/// host is the id of its instance, its URL that of the instance.
///
/// ```no_run
/// use farcall::cluster::HostGroups;
/// use farcall::cluster::nats::{Connection, ServiceGroups};
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
    connection: Connection,
    gather: Gather,
}

impl ServiceGroups {
    /// Creates a source that asks over this connection.
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
            gather: Gather::default(),
        }
    }

    /// Sets how long answers are waited for.
    #[must_use]
    pub const fn gather(mut self, gather: Gather) -> Self {
        self.gather = gather;
        self
    }

    /// Asks for the instances of Farcall.
    async fn instances(&self, service: Option<&str>) -> Result<Vec<InstanceInfo>, GroupError> {
        let asked = self.connection.ping(service, self.gather).await;
        let mut found = asked.map_err(|error| GroupError::Other(error.into()))?;
        // Another id would be notation of a set of hosts.
        found.retain(|found| found.is_farcall() && subject::is_name(&found.id));
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
            let names: Vec<&str> = found.iter().map(|instance| instance.id.as_str()).collect();
            let members = GroupMembers::new(names.join(","));
            Ok(Some(found.iter().fold(members, |members, instance| {
                let url = self.connection.url(group, Some(&instance.id));
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
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
