//! Inventories: hosts with their URLs and settings.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::groups::{HostGroups, ResolveError};
use super::secrets::{self, Level, Origin, Way, WithheldSecret};
use super::set::HostSet;
use super::settings::HostSettings;
use super::template::{UrlTemplate, public_part};

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
    ///
    /// They have only the secrets that may go to this URL.
    pub settings: Arc<HostSettings>,
    /// The reason why a secret is not among the settings. Calls without it are not what was meant,
    /// so a program shows this error instead.
    pub withheld: Option<WithheldSecret>,
}

impl HostEntry {
    /// Returns `true` if tokens, passwords and calls go to this host over HTTP in clear text: there
    /// is no TLS, and it is not this machine.
    #[must_use]
    pub fn is_clear_text(&self) -> bool {
        secrets::is_clear(&self.url)
    }
}

/// Shows the URL without user information and query, which may be secret.
impl fmt::Debug for HostEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostEntry")
            .field("name", &self.name)
            .field("url", &public_part(&self.url))
            .field("settings", &self.settings)
            .field("withheld", &self.withheld)
            .finish()
    }
}

/// Groups of hosts, and the rules for their URLs and settings: the one place that tells which
/// transport each host uses.
///
/// The URL of a host is, in this order: its name, if that is a URL; the one in the file `@FILE`
/// that it comes from, or that its source tells; the one of the [overrides](Self::overrides); that
/// of the first rule that matches and has one; the default. The other settings come from the
/// overrides, from all rules that match, each from the first that has it, and from the defaults.
///
/// `bearer_file`, `basic_file` and `headers` are secrets that servers see. They go over `http://` to
/// another machine only if the same settings have that URL, and those of the defaults go to no URL
/// that a source of groups or a file named. Overrides go everywhere. A host that a secret does not
/// go to has the reason in its [entry](HostEntry::withheld).
///
/// ```
/// use farcall::cluster::{GroupTable, HostGroups, HostSettings, Inventory};
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
    overrides: HostSettings,
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

    /// Settings of all hosts that come before those of the rules, such as options of a command.
    ///
    /// Default: none.
    pub fn overrides(mut self, settings: HostSettings) -> Self {
        self.overrides = settings;
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
        let entry = |name: Arc<str>| settings.entry(name);
        Ok(hosts.clone().into_iter().map(entry).collect())
    }

    /// Returns the settings that these rules lead to, the most specific ones first.
    fn levels<'a>(&'a self, rules: &'a [usize]) -> impl Iterator<Item = (Level, &'a HostSettings)> {
        let rules = rules
            .iter()
            .map(move |index| (Level::Rule(*index), &self.rules[*index].1));
        std::iter::once((Level::Overrides, &self.overrides))
            .chain(rules)
            .chain([(Level::Defaults, &self.defaults)])
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

/// The settings of hosts, made once for each combination of rules and kind of URL.
struct SettingsByRules<'a> {
    inventory: &'a Inventory,
    matched: &'a [HostSet],
    made: HashMap<(Vec<usize>, Option<Way>), Made>,
}

type Made = (Arc<HostSettings>, Option<WithheldSecret>);

impl<'a> SettingsByRules<'a> {
    fn new(inventory: &'a Inventory, matched: &'a [HostSet]) -> Self {
        Self {
            inventory,
            matched,
            made: HashMap::new(),
        }
    }

    fn entry(&mut self, name: Arc<str>) -> HostEntry {
        let rules = self.matched.iter().enumerate();
        let rules: Vec<usize> = rules
            .filter(|(_, hosts)| hosts.contains(&name))
            .map(|(index, _)| index)
            .collect();
        let inventory = self.inventory;
        let (url, origin) = match inventory.groups.url(&name) {
            Some(url) => (url.as_ref().to_owned(), Origin::Source),
            None if name.contains("://") => (name.as_ref().to_owned(), Origin::Text),
            None => {
                let mut templates = inventory.levels(&rules).filter_map(|(level, settings)| {
                    let template = settings.url.as_ref()?;
                    Some((template.url(&name), Origin::Template(level)))
                });
                let default = || {
                    let url = UrlTemplate::default().url(&name);
                    (url, Origin::Template(Level::Defaults))
                };
                templates.next().unwrap_or_else(default)
            }
        };
        let way = Way::new(&url, origin);
        let make = |(rules, way): &(Vec<usize>, Option<Way>)| {
            let levels: Vec<(Level, &HostSettings)> = inventory.levels(rules).collect();
            let settings = levels.iter().map(|(_, settings)| *settings);
            let mut all = settings.fold(HostSettings::default(), HostSettings::or);
            let withheld = way.and_then(|way| way.withhold(&mut all, &levels));
            (Arc::new(all), withheld)
        };
        let (settings, withheld) = self
            .made
            .entry((rules, way))
            .or_insert_with_key(make)
            .clone();
        HostEntry {
            name,
            url,
            settings,
            withheld,
        }
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::protocol::output::Causes;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::hosts::{GroupTable, UrlTemplate};

    fn url(text: &str) -> HostSettings {
        HostSettings {
            url: Some(text.parse::<UrlTemplate>().unwrap()),
            ..HostSettings::default()
        }
    }

    fn entries(inventory: &Inventory, text: &str) -> Vec<HostEntry> {
        let hosts = inventory
            .hosts(text)
            .now_or_never()
            .expect("tables answer at once");
        hosts.unwrap_or_else(|error| panic!("{text}: {}", Causes(&error)))
    }

    fn urls(inventory: &Inventory, text: &str) -> String {
        let urls = entries(inventory, text).into_iter().map(|host| host.url);
        urls.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn urls_of_hosts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts");
        std::fs::write(&file, "n1 http://file/1\nn2\nn5 http://file/5\n").unwrap();
        let groups = HostGroups::new().source("site", GroupTable::new().group("db", "n[2-4]"));
        let inventory = Inventory::new(groups)
            .defaults(url("http://{host}/default"))
            .rule("n3", url("http://{host}/three"))
            .rule("@db,n5", url("http://{host}/db"));
        assert_eq!(
            urls(&inventory, "n[1-3],http://x/,n9:81"),
            "http://n1/default http://n2/db http://n3/three http://x/ http://n9:81/default"
        );
        let text = format!("@{}", file.display());
        assert_eq!(
            urls(&inventory, &text),
            "http://file/1 http://n2/db http://file/5"
        );
        let inventory = inventory.overrides(url("http://{host}/first"));
        assert_eq!(
            urls(&inventory, "n[4-5,9]"),
            "http://n4/first http://file/5 http://n9/first"
        );
        assert_eq!(
            urls(&Inventory::default(), "n1,fd00::1").replace("conn+rpc://", ""),
            "n1:7000 [fd00::1]:7000"
        );
    }

    #[test]
    fn settings_come_from_all_rules_that_match() {
        let with = |change: &dyn Fn(&mut HostSettings)| {
            let mut settings = HostSettings::default();
            change(&mut settings);
            settings
        };
        let inventory = Inventory::default()
            .defaults(with(&|all| {
                all.authkey_file = Some("all.key".into());
                all.basic_file = Some("all.basic".into());
                all.headers.insert("X-A".into(), "all".into());
                all.headers.insert("X-B".into(), "all".into());
                all.tls.cacert = Some("all.ca".into());
                all.tls.cert = Some("all.cert".into());
                all.tls.key = Some("all.key".into());
            }))
            .rule(
                "n[1-2]",
                with(&|some| {
                    some.bearer_file = Some("some.token".into());
                    some.headers.insert("x-a".into(), "some".into());
                    some.tls.pin = Some("some.pin".into());
                    some.tls.cert = Some("some.cert".into());
                }),
            )
            .rule(
                "n[2-3]",
                with(&|more| more.authkey_file = Some("more.key".into())),
            );
        let hosts = entries(&inventory, "n[1-4],n[5-6]");
        let settings = |index: usize| &*hosts[index].settings;
        assert_eq!(settings(0).authkey_file, Some("all.key".into()));
        assert_eq!(settings(1).authkey_file, Some("more.key".into()));
        assert_eq!(
            (&settings(1).bearer_file, &settings(1).basic_file),
            (&Some("some.token".into()), &None)
        );
        assert_eq!(
            settings(1)
                .headers
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect::<Vec<_>>(),
            ["X-B=all", "x-a=some"]
        );
        assert_eq!(
            (&settings(1).tls.pin, &settings(1).tls.cacert),
            (&Some("some.pin".into()), &None)
        );
        assert_eq!(
            (&settings(1).tls.cert, &settings(1).tls.key),
            (&Some("some.cert".into()), &None)
        );
        assert_eq!(settings(2).basic_file, Some("all.basic".into()));
        assert!(Arc::ptr_eq(&hosts[3].settings, &hosts[5].settings));
    }

    #[test]
    fn mistakes_in_rules() {
        let inventory = Inventory::default().rule("n[1-", HostSettings::default());
        let error = inventory.hosts("n1").now_or_never().unwrap().unwrap_err();
        assert_eq!(
            Causes(&error).to_string(),
            "the hosts of a rule of the inventory: column 2: `[` without `]`"
        );
    }

    #[test]
    fn secrets_go_where_they_were_meant_to() {
        let token = |text: Option<&str>| {
            let mut settings = text.map_or_else(HostSettings::default, url);
            settings.bearer_file = Some("token".into());
            settings
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hosts");
        let lines = "f1 https://f1/\nf2 http://f2/\nf3 conn+rpc://f3:1\nhttp://f4/\n";
        std::fs::write(&file, lines).unwrap();
        let file = format!("@{}", file.display());
        let clear = Some(WithheldSecret::ClearText("bearer_file"));
        let foreign = Some(WithheldSecret::ForeignUrl("bearer_file"));
        let check = |inventory: &Inventory, text: &str, expected: &[Option<WithheldSecret>]| {
            let entries = entries(inventory, text);
            let withheld: Vec<_> = entries.iter().map(|host| host.withheld).collect();
            assert_eq!(withheld, expected, "{text}");
            for host in &entries {
                let has_token = host.settings.bearer_file.is_some();
                assert_eq!(has_token, host.withheld.is_none(), "{host:?}");
            }
        };
        let groups = || {
            let table = GroupTable::new().group("g", "http://evil/,https://evil/,g1");
            HostGroups::new().source("site", table)
        };
        // Those of all hosts: not to URLs that files and groups name.
        let inventory = Inventory::new(groups()).defaults(token(Some("https://{host}/")));
        check(&inventory, &file, &[foreign, foreign, None, foreign]);
        check(&inventory, "@g", &[foreign, foreign, None]);
        let typed = "n1,https://h/,http://h/,http://127.0.0.1:1/";
        check(&inventory, typed, &[None, None, clear, None]);
        // Those of a rule: to its hosts, but in clear text only if it says so.
        let inventory = Inventory::new(groups())
            .defaults(url("http://{host}/"))
            .rule("@g,f[1-3],n1", token(None))
            .rule("n2", token(Some("http://{host}/")))
            .rule("n3", token(Some("http://127.0.0.1/{host}")));
        check(&inventory, "@g", &[clear, None, clear]);
        check(
            &inventory,
            &format!("{file}!http://f4/"),
            &[None, clear, None],
        );
        check(&inventory, "n[1-3]", &[clear, None, None]);
        // Those of a command are meant for the hosts of the command.
        let inventory = Inventory::new(groups()).overrides(token(None));
        check(&inventory, "@g", &[None, None, None]);

        let mut defaults = url("https://{host}/");
        defaults.headers.insert("X-Key".into(), "secret".into());
        let inventory = Inventory::new(groups()).defaults(defaults);
        for host in &entries(&inventory, "@g")[..2] {
            assert_eq!(host.withheld, Some(WithheldSecret::ForeignUrl("headers")));
            assert!(host.settings.headers.is_empty());
        }
    }
}
