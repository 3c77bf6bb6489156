//! The tables of the configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::output::Causes;
use serde::{Deserialize, Deserializer};

#[cfg(feature = "nats")]
use crate::hosts::groups::ServiceGroups;
use crate::hosts::groups::{CommandGroups, GroupSource, GroupTable};
#[cfg(feature = "dns")]
use crate::hosts::groups::{DnsGroups, DnsRecord};
use crate::hosts::limits::HostLimits;
use crate::hosts::settings::{HostSettings, located};
use crate::hosts::texts::{Arguments, HostsText};

/// The keys from the root to a value.
pub(super) type KeyPath = Vec<String>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Schema {
    pub(super) max_hosts: Option<usize>,
    pub(super) default_source: Option<String>,
    pub(super) defaults: HostSettings,
    pub(super) hosts: BTreeMap<String, HostSettings>,
    pub(super) groups: BTreeMap<String, HostsText>,
    pub(super) sources: BTreeMap<String, SourceTable>,
    pub(super) aliases: BTreeMap<String, Arguments>,
}

/// A source of groups: `file`, `map`, `map_all`, `dns` or `nats`, with the settings of that kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SourceTable {
    pub(super) file: Option<PathBuf>,
    map: Option<String>,
    map_all: Option<String>,
    list: Option<String>,
    all: Option<String>,
    #[serde(deserialize_with = "seconds")]
    timeout: Option<Duration>,
    #[cfg(feature = "dns")]
    dns: Option<DnsRecord>,
    #[cfg(not(feature = "dns"))]
    dns: Option<String>,
    domain: Option<String>,
    server: Option<SocketAddr>,
    nats: Option<String>,
}

impl SourceTable {
    /// Returns the mistakes in the combination of settings, each with its key.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let kinds = [
            self.file.is_some(),
            self.map.is_some(),
            self.map_all.is_some(),
            self.dns.is_some(),
            self.nats.is_some(),
        ];
        let is_command = self.map.is_some() || self.map_all.is_some();
        let is_dns = self.dns.is_some();
        let mut mistakes = Vec::new();
        if kinds.iter().filter(|is_set| **is_set).count() != 1 {
            mistakes.push((
                "",
                "a source needs one of `file`, `map`, `map_all`, `dns` and `nats`",
            ));
            return mistakes;
        }
        let mut unless = |is_right: bool, is_set: bool, key, message| {
            if is_set && !is_right {
                mistakes.push((key, message));
            }
        };
        unless(
            is_command,
            self.list.is_some(),
            "list",
            "`list` is for sources with `map`: remove it",
        );
        unless(
            is_command,
            self.all.is_some(),
            "all",
            "`all` is for sources with `map`: remove it",
        );
        let message = "`timeout` is for sources with `map`, `map_all` or `dns`: remove it";
        unless(
            is_command || is_dns,
            self.timeout.is_some(),
            "timeout",
            message,
        );
        unless(
            is_dns,
            self.domain.is_some(),
            "domain",
            "`domain` is for sources with `dns`: remove it",
        );
        unless(
            is_dns,
            self.server.is_some(),
            "server",
            "`server` is for sources with `dns`: remove it",
        );
        if cfg!(not(feature = "dns")) && is_dns {
            mistakes.push(("dns", "this program was built without the feature `dns`"));
        }
        if cfg!(not(feature = "nats")) && self.nats.is_some() {
            mistakes.push(("nats", "this program was built without the feature `nats`"));
        }
        mistakes
    }

    /// Creates the source. If its file cannot be used, returns the reason.
    pub(super) fn open(
        &self,
        folder: &Path,
        limits: &HostLimits,
    ) -> Result<Arc<dyn GroupSource>, String> {
        if let Some(file) = &self.file {
            let table = GroupTable::from_file(located(file, folder), limits);
            return match table {
                Ok(table) => Ok(Arc::new(table)),
                Err(error) => Err(Causes(&error).to_string()),
            };
        }
        #[cfg(feature = "dns")]
        if let Some(record) = self.dns {
            return Ok(Arc::new(self.dns(DnsGroups::new(record))));
        }
        #[cfg(feature = "nats")]
        if let Some(servers) = &self.nats {
            return Ok(Arc::new(ServiceGroups::at(servers)));
        }
        let source = match (&self.map, &self.map_all) {
            (Some(command), _) => CommandGroups::map(command),
            (None, Some(command)) => CommandGroups::map_all(command),
            // Refused when the configuration was read.
            (None, None) => return Ok(Arc::new(GroupTable::new())),
        };
        Ok(Arc::new(self.command(source).folder(folder)))
    }

    #[cfg(feature = "dns")]
    fn dns(&self, mut source: DnsGroups) -> DnsGroups {
        if let Some(domain) = &self.domain {
            source = source.domain(domain);
        }
        if let Some(server) = self.server {
            source = source.server(server);
        }
        if let Some(timeout) = self.timeout {
            source = source.timeout(timeout);
        }
        source
    }

    fn command(&self, mut source: CommandGroups) -> CommandGroups {
        if let Some(command) = &self.list {
            source = source.list(command);
        }
        if let Some(command) = &self.all {
            source = source.all(command);
        }
        if let Some(timeout) = self.timeout {
            source = source.timeout(timeout);
        }
        source
    }
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let seconds = f64::deserialize(from)?;
    let duration = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero());
    let duration =
        duration.ok_or_else(|| serde::de::Error::custom("expected seconds, more than 0"));
    duration.map(Some)
}
