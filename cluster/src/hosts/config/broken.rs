//! Groups and sources with mistakes, which are errors of what uses them only.

use std::collections::BTreeMap;

use futures_util::future::{BoxFuture, FutureExt as _};

use crate::hosts::groups::{GroupError, GroupMembers, GroupSource, GroupTable};

/// The groups of the configuration itself.
#[derive(Debug)]
pub(super) struct OwnGroups {
    pub(super) table: GroupTable,
    /// The groups that are not in the table, with their mistakes.
    pub(super) broken: BTreeMap<String, String>,
}

impl GroupSource for OwnGroups {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        match self.broken.get(group) {
            Some(mistake) => BrokenSource::fail(mistake),
            None => self.table.members(group),
        }
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async {
            let mut names = self.table.names().await?;
            names.extend(self.broken.keys().cloned());
            Ok(names)
        }
        .boxed()
    }
}

/// A source that cannot be asked, with its mistake.
#[derive(Debug)]
pub(super) struct BrokenSource(pub(super) String);

impl BrokenSource {
    fn fail<T>(mistake: &str) -> BoxFuture<'_, Result<T, GroupError>> {
        async { Err(GroupError::Other(mistake.into())) }.boxed()
    }
}

impl GroupSource for BrokenSource {
    fn members<'a>(
        &'a self,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        Self::fail(&self.0)
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        Self::fail(&self.0)
    }
}
