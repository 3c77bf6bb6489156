//! Host sets.

mod evaluation;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use indexmap::IndexSet;

pub(super) use evaluation::Evaluation;

use super::fold::fold;
use super::limits::HostLimits;
use super::notation::{HostSetError, HostSetProblem, Operand, Terms};

/// Set of hosts by name, in the order in which they were added.
///
/// Its text form is the notation of ClusterShell (`clush`, `nodeset`) and pdsh:
///
/// | text | hosts |
/// |---|---|
/// | `node1,gw` or `node1 gw` | node1 and gw |
/// | `node[1-3,7]` | node1, node2, node3, node7 |
/// | `node[08-10]` | node08, node09, node10: zeros are kept, so node8 is another host |
/// | `node[1-9/2]` | node1, node3, node5, node7, node9 |
/// | `rack[1-2]node[1-2]` | rack1node1, rack1node2, rack2node1, rack2node2 |
/// | `node[1-9]!node5` | the first ones without the second ones |
/// | `node[1-9]&node[5-20]` | those in both |
/// | `node[1-9]^node[5-20]` | those in exactly one |
/// | `@web`, `@racks:r1`, `@*` | groups, with [`HostGroups::resolve`](crate::HostGroups::resolve) |
/// | `http://[::1]:8000` | one URL: an IPv6 address is no range |
///
/// Operators are applied from left to right: `a!b,b` has b. Excluding hosts as `-x` of pdsh does is
/// the [difference](Self::difference) of two sets.
///
/// [`Display`](fmt::Display) folds the names, sorted, for people; the order in which hosts are used
/// stays that of the text, so that the first ones of a rollout can be named first. Two sets are
/// equal if they have the same hosts, in any order.
///
/// ```
/// use farcall::cluster::HostSet;
///
/// let hosts = HostSet::parse("gw,node[1-20]!node19")?;
/// assert_eq!(hosts.len(), 20);
/// assert_eq!(hosts.iter().next(), Some("gw"));
/// assert_eq!(hosts.to_string(), "gw,node[1-18,20]");
///
/// let error = HostSet::parse("gw,node[1-20").unwrap_err();
/// assert_eq!(error.to_string(), "column 8: `[` without `]`");
/// # Ok::<(), farcall::cluster::HostSetError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HostSet(IndexSet<Arc<str>>);

impl HostSet {
    /// Creates an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses a text without groups, with default [limits](HostLimits). The empty text is the empty
    /// set.
    ///
    /// # Errors
    /// If the text is invalid, has a group, or exceeds a limit.
    pub fn parse(text: &str) -> Result<Self, HostSetError> {
        Self::parse_with(text, &HostLimits::default())
    }

    /// Parses a text without groups.
    ///
    /// # Errors
    /// If the text is invalid, has a group, or exceeds a limit.
    pub fn parse_with(text: &str, limits: &HostLimits) -> Result<Self, HostSetError> {
        let mut evaluation = Evaluation::new(text, limits);
        for term in Terms::new(text, limits)? {
            let term = term?;
            match term.operand {
                Operand::Names(pattern) => evaluation.names(term.operator, term.at, &pattern)?,
                Operand::Group { .. } => {
                    return Err(evaluation.error(term.at, HostSetProblem::UnexpectedGroup));
                }
            }
        }
        Ok(evaluation.finish())
    }

    /// Adds a host, and returns `true` if it was not there. The name is taken as it is, so that a
    /// name with characters of the notation is displayed as a text that means other hosts.
    pub fn insert(&mut self, name: impl Into<Arc<str>>) -> bool {
        self.0.insert(name.into())
    }

    /// Number of hosts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there is no host.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if this host is in the set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Returns the names in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// Keeps the hosts for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name| keep(name));
    }

    /// Returns the hosts of both sets, the local ones first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Returns the hosts of this set that the other one has not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// Returns the hosts that both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Returns the hosts that exactly one of both sets has.
    #[must_use]
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        Self(self.0.symmetric_difference(&other.0).cloned().collect())
    }
}

impl fmt::Display for HostSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in fold(self.iter()).iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(term)?;
        }
        Ok(())
    }
}

impl fmt::Debug for HostSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostSet({self})")
    }
}

impl FromStr for HostSet {
    type Err = HostSetError;

    fn from_str(text: &str) -> Result<Self, HostSetError> {
        Self::parse(text)
    }
}

impl<N: Into<Arc<str>>> FromIterator<N> for HostSet {
    fn from_iter<I: IntoIterator<Item = N>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl<N: Into<Arc<str>>> Extend<N> for HostSet {
    fn extend<I: IntoIterator<Item = N>>(&mut self, names: I) {
        self.0.extend(names.into_iter().map(Into::into));
    }
}

impl IntoIterator for HostSet {
    type Item = Arc<str>;
    type IntoIter = indexmap::set::IntoIter<Arc<str>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests;
