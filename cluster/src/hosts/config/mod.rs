//! The configuration of the `farcall` command, and of programs that share it.

mod broken;
mod check;
mod finding;
mod read;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use finding::{ConfigError, ConfigFinding, Severity};

use self::broken::{BrokenSource, OwnGroups};
use self::schema::{KeyPath, Schema, SourceTable};
use super::groups::{GroupTable, HostGroups};
use super::inventory::Inventory;
use super::limits::HostLimits;
use super::settings::HostSettings;

/// Name of the source of the groups in the configuration itself.
const OWN: &str = "config";

/// Configuration in `~/.config/farcall/config.toml`: groups, URLs and keys of hosts, aliases.
///
/// ```toml
/// # What all hosts have, unless an entry below says otherwise.
/// [defaults]
/// url = "conn+rpc://{host}:7000"
/// authkey_file = "authkey"            # relative to this file; ~/ is the home directory
///
/// # By host sets. If several have a setting, the first one in this file counts.
/// [hosts."db[1-3],@storage"]
/// url = "https://{host}:8443/RPC2"
/// bearer_file = "~/.secrets/token"
/// headers = { X-Team = "storage" }
/// tls = { cacert = "ca.pem", cert = "me.pem", key = "me.key" }
///
/// # @web, @storage, and @* for all hosts.
/// [groups]
/// web = "web[01-20]!web13"
/// storage = ["disk[1-4]", "tape1"]
/// all = "@web,@storage,db[1-3]"
///
/// # Further sources: @racks:r1, @slurm:batch, @srv:_farcall._tcp.
/// [sources.racks]
/// file = "racks.txt"                  # lines NAME: HOSTS; or a table of texts, in *.toml
///
/// [sources.slurm]
/// map = "sinfo -h -o %N -p $GROUP"    # or map_all, which writes lines NAME: HOSTS
/// list = "sinfo -h -o %R"
/// timeout = 5                         # seconds
///
/// [sources.srv]
/// dns = "srv"                         # or "address"
/// domain = "example.com"
///
/// # `farcall restart` is the command with these arguments.
/// [aliases]
/// restart = "map --serial 1,10% service.restart"
/// ```
///
/// `default_source` and `max_hosts` stand before the first table: the source of groups without one
/// (default: `[groups]`), and the limit of hosts in one set (default: 100,000).
///
/// A mistake in an entry of `[groups]`, `[sources]` or `[aliases]` is an error of what uses that
/// entry, and of [`check`](Self::check). With any other mistake, nothing can be read: hosts without
/// some of their settings would be called in ways that nobody meant.
#[derive(Debug, Default)]
#[must_use]
pub struct Config {
    path: PathBuf,
    schema: Schema,
    /// Lines of what the file has.
    places: BTreeMap<KeyPath, usize>,
    /// Mistakes in entries of `PARTS`, by table and name.
    broken: BTreeMap<(String, String), ConfigFinding>,
    /// All mistakes in the text.
    findings: Vec<ConfigFinding>,
    /// One of them is no matter of such an entry.
    is_unusable: bool,
}

/// Tables whose entries nothing depends on that does not use them.
const PARTS: [&str; 3] = ["groups", "sources", "aliases"];

impl Config {
    /// Returns the path of the user's configuration: `farcall/config.toml` in `XDG_CONFIG_HOME`, or
    /// in `~/.config` if that is not set. `None` if there is no home directory either.
    #[must_use]
    pub fn default_path() -> Option<PathBuf> {
        let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        // The XDG specification has relative paths ignored.
        let folder = folder.filter(|folder| folder.is_absolute());
        let folder = folder.or_else(|| Some(std::env::home_dir()?.join(".config")));
        folder.map(|folder| folder.join("farcall/config.toml"))
    }

    /// Reads the user's configuration, which is empty if there is no file.
    ///
    /// # Errors
    /// If the file cannot be read, or has mistakes that nothing can be read with: all of them.
    pub fn load() -> Result<Self, ConfigError> {
        match Self::default_path() {
            Some(path) if path.exists() => Self::from_file(path),
            _ => Ok(Self::default()),
        }
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// If the file cannot be read, or has mistakes that nothing can be read with: all of them.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        Self::read(path.into())?.usable()
    }

    /// Returns all that is wrong or risky in a file: its mistakes, and what [`check`](Self::check)
    /// finds in the rest.
    #[must_use]
    pub fn check_file(path: impl Into<PathBuf>) -> Vec<ConfigFinding> {
        Self::read(path.into()).map_or_else(|error| error.findings, |config| config.check())
    }

    /// Reads a configuration, in spite of its mistakes.
    fn read(path: PathBuf) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            ConfigError::new(ConfigFinding {
                severity: Severity::Error,
                path: path.clone(),
                line: None,
                message: format!("cannot read it: {error}"),
            })
        })?;
        Ok(read::read(&text, path))
    }

    /// Returns an error if there are mistakes that nothing can be read with.
    fn usable(self) -> Result<Self, ConfigError> {
        if self.is_unusable {
            let findings = self.findings;
            return Err(ConfigError { findings });
        }
        Ok(self)
    }

    /// Parses the text of a configuration. Relative paths in it are relative to the folder of
    /// `path`.
    ///
    /// # Errors
    /// If the text has mistakes that nothing can be read with: all of them.
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        read::read(text, path.into()).usable()
    }

    /// Returns what is wrong, or risky: the mistakes in parts, groups that do not exist, files that
    /// are missing or that everybody can read, secrets in clear text. Commands are not run, and
    /// nothing is asked for.
    #[must_use]
    pub fn check(&self) -> Vec<ConfigFinding> {
        check::check(self)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the arguments that an alias of the command stands for.
    #[must_use]
    pub fn alias(&self, name: &str) -> Option<&[String]> {
        self.schema
            .aliases
            .get(name)
            .map(|arguments| arguments.0.as_slice())
    }

    /// Returns the mistake in an alias, if there is one.
    #[must_use]
    pub fn alias_mistake(&self, name: &str) -> Option<&ConfigFinding> {
        self.broken.get(&("aliases".to_owned(), name.to_owned()))
    }

    /// Returns the names of the aliases.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.schema.aliases.keys().map(String::as_str)
    }

    /// The limits of host sets.
    pub fn limits(&self) -> HostLimits {
        let limits = HostLimits::default();
        match self.schema.max_hosts {
            Some(hosts) => limits.max_hosts(hosts),
            None => limits,
        }
    }

    /// Creates the inventory that is configured.
    pub fn inventory(&self) -> Inventory {
        self.inventory_with(self.groups())
    }

    /// Creates the inventory that is configured, with these groups: those of
    /// [`groups`](Self::groups), and further sources.
    pub fn inventory_with(&self, groups: HostGroups) -> Inventory {
        let inventory = Inventory::new(groups).defaults(self.settings(&self.schema.defaults));
        self.rules()
            .fold(inventory, |inventory, (hosts, settings)| {
                inventory.rule(hosts, self.settings(settings))
            })
    }

    /// Creates the groups that are configured, to which a program can add its own sources. A source
    /// whose file cannot be read is an error of what uses it.
    pub fn groups(&self) -> HostGroups {
        let open = |groups: HostGroups, (name, source): (&str, Option<&SourceTable>)| {
            let mistake = self.broken_part("sources", name).map(ToString::to_string);
            let opened = match (mistake, source) {
                (None, Some(source)) => source.open(self.folder(), &self.limits()),
                (mistake, _) => Err(mistake.unwrap_or_default()),
            };
            match opened {
                Ok(source) => groups.source(name, source),
                Err(mistake) => groups.source(name, BrokenSource(mistake)),
            }
        };
        self.all_sources().into_iter().fold(self.own_groups(), open)
    }

    fn broken_part(&self, table: &str, name: &str) -> Option<&ConfigFinding> {
        self.broken.get(&(table.to_owned(), name.to_owned()))
    }

    /// Returns the names of the entries of a table that have mistakes.
    fn broken_names(&self, table: &str) -> impl Iterator<Item = (&str, &ConfigFinding)> {
        self.broken
            .iter()
            .filter(move |((other, _), _)| other == table)
            .map(|((_, name), finding)| (name.as_str(), finding))
    }

    /// Returns the groups of the file itself, with the limits and the default source.
    fn own_groups(&self) -> HostGroups {
        let mut groups = HostGroups::new().limits(self.limits());
        let broken = self.broken_names("groups");
        let broken: BTreeMap<String, String> = broken
            .map(|(name, finding)| (name.to_owned(), finding.to_string()))
            .collect();
        if !self.schema.groups.is_empty() || !broken.is_empty() {
            let table = self.schema.groups.iter();
            let table = table
                .filter(|(name, _)| !broken.contains_key(*name))
                .fold(GroupTable::new(), |table, (name, hosts)| {
                    table.group(name, &hosts.0)
                });
            groups = groups.source(OWN, OwnGroups { table, broken });
        }
        match &self.schema.default_source {
            Some(name) => groups.default_source(name),
            None => groups,
        }
    }

    /// Returns the sources in the order of the file, also those that could not be read: the first
    /// one is the default.
    fn all_sources(&self) -> Vec<(&str, Option<&SourceTable>)> {
        let unread = self
            .broken_names("sources")
            .map(|(name, _)| (name, None))
            .filter(|(name, _)| !self.schema.sources.contains_key(*name));
        let read = self.sources().map(|(name, source)| (name, Some(source)));
        let mut all: Vec<_> = read.chain(unread).collect();
        all.sort_by_cached_key(|(name, _)| self.line(&["sources", name]));
        all
    }

    /// Returns the sources in the order of the file.
    fn sources(&self) -> impl Iterator<Item = (&str, &SourceTable)> {
        self.in_order("sources", &self.schema.sources)
    }

    /// Returns the settings of host sets in the order of the file.
    fn rules(&self) -> impl Iterator<Item = (&str, &HostSettings)> {
        self.in_order("hosts", &self.schema.hosts)
    }

    fn in_order<'a, T>(
        &self,
        table: &str,
        entries: &'a BTreeMap<String, T>,
    ) -> impl Iterator<Item = (&'a str, &'a T)> + use<'a, T> {
        let mut entries: Vec<_> = entries
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        entries.sort_by_cached_key(|(name, _)| self.line(&[table, name]));
        entries.into_iter()
    }

    fn settings(&self, settings: &HostSettings) -> HostSettings {
        let mut settings = settings.clone();
        settings.locate(self.folder());
        settings
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Returns the line of what this path of keys names, or of the innermost table around it.
    fn line(&self, keys: &[&str]) -> Option<usize> {
        let place: KeyPath = keys.iter().map(|key| (*key).to_owned()).collect();
        let place = (1..=place.len())
            .rev()
            .find_map(|length| self.places.get(&place[..length]));
        place.copied()
    }

    fn error(&self, keys: &[&str], message: String) -> ConfigFinding {
        self.finding(Severity::Error, keys, message)
    }

    fn finding(&self, severity: Severity, keys: &[&str], message: String) -> ConfigFinding {
        ConfigFinding {
            severity,
            path: self.path.clone(),
            line: self.line(keys),
            message,
        }
    }
}

#[cfg(test)]
mod tests;
