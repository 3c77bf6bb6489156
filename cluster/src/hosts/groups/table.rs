//! Groups in tables: in the configuration, in a file, in a program.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::{BoxFuture, FutureExt as _};
use indexmap::IndexMap;

use super::{GroupError, GroupMembers, GroupSource};
use crate::hosts::limits::HostLimits;
use crate::hosts::lines::{FileError, LineError, content};
use crate::hosts::texts::HostsText;

/// Groups with their members, in memory.
///
/// A file of groups is a TOML table of texts, or has lines `NAME: HOSTS` as those that
/// ClusterShell's `mapall` reads; lines that begin with `#` and blank ones are skipped, and a name
/// can be on several lines. The group `all`, if there is one, is what `@*` stands for.
///
/// ```
/// use farcall::cluster::{GroupTable, HostGroups};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let table = GroupTable::from_lines("web: node[1-4]\n# the new ones\nweb: node[10-12]\n")?;
/// let groups = HostGroups::new().source("file", table);
/// assert_eq!(groups.resolve("@web").await?.to_string(), "node[1-4,10-12]");
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct GroupTable(IndexMap<String, String>);

impl GroupTable {
    /// Creates a table without groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds hosts, in the notation of a [`HostSet`](crate::HostSet), to a group.
    pub fn group(mut self, name: impl Into<String>, hosts: &str) -> Self {
        self.add(name.into(), hosts);
        self
    }

    fn add(&mut self, name: String, hosts: &str) {
        let members = self.0.entry(name).or_default();
        if !members.is_empty() {
            members.push(',');
        }
        members.push_str(hosts);
    }

    /// Parses lines `NAME: HOSTS`.
    ///
    /// # Errors
    /// If a line has no colon, or no name before it.
    pub fn from_lines(text: &str) -> Result<Self, FileError> {
        let mut table = Self::default();
        for (line, text) in content(text) {
            let (name, hosts) = text.split_once(':').unwrap_or_default();
            let name = name.trim();
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(FileError::line(line, LineError::NoGroup));
            }
            if !hosts.trim().is_empty() {
                table.add(name.to_owned(), hosts.trim());
            } else {
                table.0.entry(name.to_owned()).or_default();
            }
        }
        Ok(table)
    }

    /// Parses a TOML table of texts, or of lists of texts.
    ///
    /// # Errors
    /// If the text is no TOML, or has other values.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        let groups: BTreeMap<String, HostsText> = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.unwrap_or_default().matches('\n').count() + 1;
            FileError::line(line, LineError::Toml(error.message().to_owned()))
        })?;
        let groups = groups.into_iter().map(|(name, hosts)| (name, hosts.0));
        Ok(Self(groups.collect()))
    }

    /// Reads a file: TOML if its name ends in `.toml`, lines otherwise.
    ///
    /// # Errors
    /// If it cannot be read, is longer than the limit, or is invalid.
    pub fn from_file(path: impl AsRef<Path>, limits: &HostLimits) -> Result<Self, FileError> {
        let path = path.as_ref();
        let text = FileError::read(path, limits)?;
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        let table = if is_toml {
            Self::from_toml(&text)
        } else {
            Self::from_lines(&text)
        };
        table.map_err(|error| error.within(path))
    }

    /// Returns the names of the groups.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, hosts)| (name.as_str(), hosts.as_str()))
    }
}

impl GroupSource for GroupTable {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        let members = self.0.get(group).map(GroupMembers::new);
        async { Ok(members) }.boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async { Ok(self.0.keys().cloned().collect()) }.boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<Option<GroupMembers>, GroupError>> {
        self.members("all")
    }
}
