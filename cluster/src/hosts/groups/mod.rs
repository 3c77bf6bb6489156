//! Groups of hosts, and their sources.

mod command;
#[cfg(feature = "dns")]
mod dns;
mod error;
mod resolver;
#[cfg(feature = "nats")]
mod services;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use command::CommandGroups;
#[cfg(feature = "dns")]
pub use dns::{DnsGroups, DnsRecord};
pub use error::{GroupError, ResolveError};
pub use resolver::HostGroups;
#[cfg(feature = "nats")]
pub use services::ServiceGroups;
pub use table::GroupTable;

/// Source of groups: a [table](GroupTable), a [command](CommandGroups), the DNS, a program's own.
///
/// [`HostGroups`] asks it once for each group in a run, and keeps the answers.
///
/// ```
/// use farcall::cluster::{GroupError, GroupMembers, GroupSource, HostGroups};
/// use futures_util::future::{BoxFuture, FutureExt as _};
///
/// #[derive(Debug)]
/// struct Racks;
///
/// impl GroupSource for Racks {
///     fn members<'a>(
///         &'a self,
///         group: &'a str,
///     ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
///         let number = group.strip_prefix('r').filter(|number| !number.is_empty());
///         let hosts = number.map(|number| format!("rack{number}node[01-20]"));
///         async move { Ok(hosts.map(GroupMembers::new)) }.boxed()
///     }
///
///     fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
///         async { Ok(vec!["r1".to_owned(), "r2".to_owned()]) }.boxed()
///     }
/// }
///
/// # async fn example() -> Result<(), farcall::cluster::ResolveError> {
/// let groups = HostGroups::new().source("racks", Racks);
/// let hosts = groups.resolve("@racks:r[1-2]!rack1node13").await?;
/// assert_eq!(hosts.to_string(), "rack1node[01-12,14-20],rack2node[01-20]");
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
pub trait GroupSource: Send + Sync + fmt::Debug {
    /// Returns the members of a group, or `None` if there is no such group.
    ///
    /// # Errors
    /// If the source fails.
    ///
    /// # Cancel safety
    /// A dropped future must leave nothing behind: a command that it started ends.
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>>;

    /// Returns the names of all groups, for `@*` and for completion.
    ///
    /// # Errors
    /// If the source fails, or [cannot tell](GroupError::NoNames).
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>>;

    /// Returns all hosts of the source, or `None` if they are the members of all groups.
    ///
    /// # Errors
    /// If the source fails.
    fn all(&self) -> BoxFuture<'_, Result<Option<GroupMembers>, GroupError>> {
        Box::pin(async { Ok(None) })
    }
}

impl<S: GroupSource + ?Sized> GroupSource for Arc<S> {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        (**self).members(group)
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        (**self).names()
    }

    fn all(&self) -> BoxFuture<'_, Result<Option<GroupMembers>, GroupError>> {
        (**self).all()
    }
}

/// Members of a group, as a source knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct GroupMembers {
    pub(super) hosts: String,
    pub(super) urls: HashMap<String, String>,
}

impl GroupMembers {
    /// Creates members from a text in the notation of a [`HostSet`](crate::HostSet). Groups in it
    /// are groups of the same source.
    pub fn new(hosts: impl Into<String>) -> Self {
        Self {
            hosts: hosts.into(),
            urls: HashMap::new(),
        }
    }

    /// Sets the URL of a member, for sources that know it. It comes before all that is configured.
    pub fn url(mut self, host: impl Into<String>, url: impl Into<String>) -> Self {
        self.urls.insert(host.into(), url.into());
        self
    }
}

#[cfg(test)]
mod tests;
