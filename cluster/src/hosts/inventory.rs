//! Inventories: hosts with their URLs and settings.

use std::fmt;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::groups::{HostGroups, ResolveError};
use super::set::HostSet;
use super::settings::HostSettings;
use super::template::public_part;

/// A host with all that is needed to call it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostEntry {
    /// Its name in the set.
    pub name: Arc<str>,
    /// Its URL.
    pub url: String,
    /// Its keys, headers and settings of TLS. Hosts with the same rules share them, so that their
    /// files are read once.
    pub settings: Arc<HostSettings>,
}

/// Shows the URL without user information and query, which may be secret.
impl fmt::Debug for HostEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostEntry")
            .field("name", &self.name)
            .field("url", &public_part(&self.url))
            .field("settings", &self.settings)
            .finish()
    }
}

/// Groups of hosts, and the rules for their URLs and settings: the one place that tells which
/// transport each host uses.
///
/// The URL of a host is, in this order: its name, if that is a URL; the one in the file `@FILE`
/// that it comes from, or that its source tells; that of the first rule that matches and has one;
/// the default. The other settings come from all rules that match, each from the first that has
/// it, and from the defaults.
///
/// ```
/// use farcall_cluster::{GroupTable, HostGroups, HostSettings, Inventory};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let groups = HostGroups::new().source("site", GroupTable::new().group("db", "db[1-2]"));
/// let mut secure = HostSettings::default();
/// secure.url = Some("https://{host}:8443/RPC2".parse()?);
/// let inventory = Inventory::new(groups).rule("@db", secure);
///
/// let hosts = inventory.hosts("node1,@db").await?;
/// let urls: Vec<&str> = hosts.iter().map(|host| host.url.as_str()).collect();
/// assert_eq!(
///     urls,
///     ["conn+rpc://node1:7000", "https://db1:8443/RPC2", "https://db2:8443/RPC2"]
/// );
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Inventory {
    groups: HostGroups,
    defaults: HostSettings,
    rules: Vec<(String, HostSettings)>,
    /// The hosts of the rules, once they are needed.
    matched: OnceCell<Vec<HostSet>>,
}

impl Inventory {
    /// Creates an inventory without rules.
    pub fn new(groups: HostGroups) -> Self {
        Self {
            groups,
            ..Self::default()
        }
    }

    /// Settings of all hosts, where no rule has others.
    ///
    /// Default: the URL `conn+rpc://{host}:7000`, without keys.
    pub fn defaults(mut self, settings: HostSettings) -> Self {
        self.defaults = settings;
        self
    }

    /// Adds settings for the hosts of a set, which may have groups. Earlier rules come first.
    pub fn rule(mut self, hosts: impl Into<String>, settings: HostSettings) -> Self {
        self.rules.push((hosts.into(), settings));
        self.matched = OnceCell::new();
        self
    }

    /// The groups.
    pub const fn groups(&self) -> &HostGroups {
        &self.groups
    }

    /// Returns the hosts that a text means, in its order.
    ///
    /// # Errors
    /// If the text, the hosts of a rule or a group in them is invalid or unknown, or a source
    /// fails.
    ///
    /// # Cancel safety
    /// As [`HostGroups::resolve`].
    pub async fn hosts(&self, text: &str) -> Result<Vec<HostEntry>, ResolveError> {
        let hosts = self.groups.resolve(text).await?;
        self.entries(&hosts).await
    }

    /// Returns the entries of hosts, in their order.
    ///
    /// # Errors
    /// If the hosts of a rule, or a group in them, are invalid or unknown, or a source fails.
    ///
    /// # Cancel safety
    /// As [`HostGroups::resolve`].
    pub async fn entries(&self, hosts: &HostSet) -> Result<Vec<HostEntry>, ResolveError> {
        let matched = self.matched.get_or_try_init(|| self.match_rules()).await?;
        let mut settings = SettingsByRules::new(self, matched);
        let entry = |name: Arc<str>| {
            let settings = settings.of(&name);
            let url = match self.groups.url(&name) {
                Some(url) if !name.contains("://") => url.as_ref().to_owned(),
                _ => settings.url.clone().unwrap_or_default().url(&name),
            };
            HostEntry {
                name,
                url,
                settings,
            }
        };
        Ok(hosts.clone().into_iter().map(entry).collect())
    }

    async fn match_rules(&self) -> Result<Vec<HostSet>, ResolveError> {
        let mut matched = Vec::with_capacity(self.rules.len());
        for (hosts, _) in &self.rules {
            let hosts = self.groups.resolve(hosts).await;
            matched.push(hosts.map_err(|error| ResolveError::Rule(Box::new(error)))?);
        }
        Ok(matched)
    }
}

/// The settings of hosts, made once for each combination of rules.
struct SettingsByRules<'a> {
    inventory: &'a Inventory,
    matched: &'a [HostSet],
    made: std::collections::HashMap<Vec<usize>, Arc<HostSettings>>,
}

impl<'a> SettingsByRules<'a> {
    fn new(inventory: &'a Inventory, matched: &'a [HostSet]) -> Self {
        Self {
            inventory,
            matched,
            made: std::collections::HashMap::new(),
        }
    }

    fn of(&mut self, name: &str) -> Arc<HostSettings> {
        let rules = self.matched.iter().enumerate();
        let rules: Vec<usize> = rules
            .filter(|(_, hosts)| hosts.contains(name))
            .map(|(index, _)| index)
            .collect();
        let inventory = self.inventory;
        let make = |rules: &Vec<usize>| {
            let settings = rules.iter().map(|index| &inventory.rules[*index].1);
            let all = settings.chain([&inventory.defaults]);
            Arc::new(all.fold(HostSettings::default(), HostSettings::or))
        };
        Arc::clone(self.made.entry(rules).or_insert_with_key(make))
    }
}
