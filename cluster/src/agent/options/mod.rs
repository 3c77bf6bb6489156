//! Settings of the agent, in Rust and in TOML.

use std::path::PathBuf;
use std::time::Duration;

use farcall_conn::rpc::ServerOptions;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::access::Allow;
use super::error::AgentError;
use super::fanout::FanOutOptions;
use crate::fleet::Host;

/// Defines a struct of settings: its fields with their defaults, and a setter for each. A time is
/// written `in "seconds"` in TOML.
macro_rules! options {
    (
        $(#[$attribute:meta])*
        pub struct $options:ident {
            $($(#[$doc:meta])* $name:ident: $type:ty = $default:expr $(, in $unit:literal)?;)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[must_use = "options do nothing until they are given to an agent"]
        pub struct $options {
            $($(#[serde(deserialize_with = $unit)])? pub(super) $name: $type,)*
        }

        impl Default for $options {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl $options {
            $(
                $(#[$doc])*
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

options! {
    /// Settings of the module `facts`.
    pub struct FactsOptions {
        /// Callers who may read the facts. Default: everyone who can connect.
        allow: Allow = Allow::everyone();
    }
}

options! {
    /// Settings of the module `processes`.
    pub struct ProcessOptions {
        /// Callers who may list processes, with their command lines. Default: nobody.
        allow: Allow = Allow::nobody();

        /// Allows the same callers to send signals to processes. Default: `false`.
        signal: bool = false;
    }
}

options! {
    /// Settings of the module `run`.
    pub struct RunOptions {
        /// Callers who may run commands: whatever the user of the commands can do, they can do.
        /// Default: nobody.
        allow: Allow = Allow::nobody();

        /// User that commands run as, with the groups of that user, unless the call names another.
        /// The agent must run as root.
        ///
        /// Default: the user of the agent.
        user: Option<String> = None;

        /// Users that a call may name instead. Default: none.
        users: Vec<String> = Vec::new();

        /// Directory that commands run in, unless the call names another. Default: `/`.
        directory: PathBuf = "/".into();

        /// Maximum number of commands at once. Further calls are refused as overloaded.
        ///
        /// Default: 32, some for each core of most machines.
        max_commands: usize = 32;

        /// Maximum time of a command. A call may set less.
        ///
        /// Default: 1 hour.
        timeout: Duration = Duration::from_secs(3600), in "seconds";

        /// Time between the signal TERM and the signal KILL, when a command has to end.
        ///
        /// Default: 5 seconds.
        grace: Duration = Duration::from_secs(5), in "seconds";

        /// Maximum number of bytes of standard output, and of standard error, that `run.output`
        /// returns; more is read and discarded. A call may set less.
        ///
        /// Default: 4 MiB.
        max_output: u64 = 4 << 20;
    }
}

/// A directory below which callers may read files, and write them if it says so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table of the `path` and whether one may `write` there"
)]
pub struct FileRoot {
    pub(super) path: PathBuf,
    #[serde(default)]
    pub(super) write: bool,
}

impl FileRoot {
    /// A directory below which callers may read. The path is absolute.
    pub fn read(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            write: false,
        }
    }

    /// A directory below which callers may read, write and remove. The path is absolute.
    pub fn write(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            write: true,
        }
    }
}

options! {
    /// Settings of the module `files`.
    pub struct FileOptions {
        /// Callers who may use the module. Default: nobody.
        allow: Allow = Allow::nobody();

        /// Directories below which files may be read, or read and written. Default: none.
        roots: Vec<FileRoot> = Vec::new();

        /// Maximum length of a file that is put or got, in bytes. Default: 1 GiB.
        max_file: u64 = 1 << 30;

        /// Maximum number of entries of a directory that is listed. Default: 10,000.
        max_entries: usize = 10_000;

        /// Maximum number of files that are put, got or hashed at once. Further calls are refused
        /// as overloaded. Default: 64.
        max_transfers: usize = 64;

        /// Time that a transfer waits for its caller, to send or to read more, before it fails.
        ///
        /// Default: 60 seconds.
        idle_timeout: Duration = Duration::from_secs(60), in "seconds";
    }
}

options! {
    /// Settings of the module `tail`.
    pub struct TailOptions {
        /// Callers who may follow files. Default: nobody.
        allow: Allow = Allow::nobody();

        /// Directories below which files may be followed. Default: none.
        roots: Vec<PathBuf> = Vec::new();

        /// Maximum number of files that are followed at once. Further calls are refused as
        /// overloaded. Default: 64.
        max_followed: usize = 64;
    }
}

/// Settings of an [`Agent`](super::Agent): its modules. Only `facts` is on by default.
///
/// In TOML, a module is on if it has a table, which must say whom it [allows](Allow). Times are in
/// seconds, sizes in bytes; a name that is not one of a setting is an error.
///
/// ```
/// use farcall::cluster::agent::AgentOptions;
///
/// let options = AgentOptions::from_toml(
///     r#"
///     [facts]
///     allow = ["key:deploy", "key:watch"]
///
///     [run]
///     allow = ["key:deploy"]
///     user = "app"
///     timeout = 600
///
///     [files]
///     allow = ["key:deploy"]
///     roots = [{ path = "/srv/app", write = true }, { path = "/etc/app" }]
///
///     [tail]
///     allow = ["key:watch", "user:root"]
///     roots = ["/var/log"]
///     "#,
/// )?;
/// # Ok::<(), farcall::cluster::agent::AgentError>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "options do nothing until they are given to an agent"]
pub struct AgentOptions {
    pub(super) facts: Option<FactsOptions>,
    pub(super) processes: Option<ProcessOptions>,
    pub(super) run: Option<RunOptions>,
    pub(super) files: Option<FileOptions>,
    pub(super) tail: Option<TailOptions>,
    pub(super) fanout: Option<FanOutOptions>,
    #[serde(skip)]
    pub(super) server: ServerOptions,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            facts: Some(FactsOptions::default()),
            processes: None,
            run: None,
            files: None,
            tail: None,
            fanout: None,
            server: ServerOptions::default(),
        }
    }
}

impl AgentOptions {
    /// Settings with no module at all.
    pub fn none() -> Self {
        Self {
            facts: None,
            ..Self::default()
        }
    }

    /// Switches the module `facts` on, with these settings. Default: on, for everyone.
    pub fn facts(mut self, options: FactsOptions) -> Self {
        self.facts = Some(options);
        self
    }

    /// Switches the module `processes` on. Default: off.
    pub fn processes(mut self, options: ProcessOptions) -> Self {
        self.processes = Some(options);
        self
    }

    /// Switches the module `run` on. Default: off.
    pub fn run(mut self, options: RunOptions) -> Self {
        self.run = Some(options);
        self
    }

    /// Switches the module `files` on. Default: off.
    pub fn files(mut self, options: FileOptions) -> Self {
        self.files = Some(options);
        self
    }

    /// Switches the module `tail` on. Default: off.
    pub fn tail(mut self, options: TailOptions) -> Self {
        self.tail = Some(options);
        self
    }

    /// Switches the module `fanout` on. Default: off.
    pub fn fanout(mut self, options: FanOutOptions) -> Self {
        self.fanout = Some(options);
        self
    }

    /// Limits of the server. Default: those of [`ServerOptions`].
    pub fn server(mut self, options: ServerOptions) -> Self {
        self.server = options;
        self
    }

    /// Switches a module on by its name, for everyone who can connect, unless it is on already.
    /// The modules `files` and `tail` cannot do anything before they have roots, nor `fanout`
    /// before it has hosts.
    ///
    /// # Errors
    /// If there is no such module.
    pub fn enable(mut self, module: &str) -> Result<Self, AgentError> {
        let allow = Allow::everyone();
        match module {
            "facts" => {
                let on = || FactsOptions::default().allow(allow);
                self.facts.get_or_insert_with(on);
            }
            "processes" => {
                let on = || ProcessOptions::default().allow(allow);
                self.processes.get_or_insert_with(on);
            }
            "run" => {
                let on = || RunOptions::default().allow(allow);
                self.run.get_or_insert_with(on);
            }
            "files" => {
                let on = || FileOptions::default().allow(allow);
                self.files.get_or_insert_with(on);
            }
            "tail" => {
                let on = || TailOptions::default().allow(allow);
                self.tail.get_or_insert_with(on);
            }
            "fanout" => {
                let on = || FanOutOptions::default().allow(allow);
                self.fanout.get_or_insert_with(on);
            }
            _ => return Err(AgentError::UnknownModule(module.to_owned())),
        }
        Ok(self)
    }

    /// Adds a root to the modules `files` and `tail`, where they are on. A root that can be written
    /// is one of `files` only.
    pub fn root(mut self, root: FileRoot) -> Self {
        if let Some(tail) = self.tail.as_mut().filter(|_| !root.write) {
            tail.roots.push(root.path.clone());
        }
        if let Some(files) = &mut self.files {
            files.roots.push(root);
        }
        self
    }

    /// Returns `true` if a module is on that reads files or changes the machine: any but `facts`.
    #[must_use]
    pub const fn is_powerful(&self) -> bool {
        self.processes.is_some()
            || self.run.is_some()
            || self.files.is_some()
            || self.tail.is_some()
            || self.fanout.is_some()
    }

    /// Sets the hosts of the module `fanout`, if it is on. `find` returns those with the names in
    /// its settings.
    ///
    /// # Errors
    /// Those of `find`.
    ///
    /// # Cancel safety
    /// Dropping the future loses the settings.
    pub async fn with_fanout_hosts<E>(
        mut self,
        find: impl AsyncFnOnce(&str) -> Result<Vec<Host>, E>,
    ) -> Result<Self, E> {
        if let Some(options) = self.fanout.take() {
            let hosts = find(options.names()).await?;
            self.fanout = Some(options.hosts(hosts));
        }
        Ok(self)
    }

    /// Returns the modules that are on, with the callers that they serve.
    pub fn rights(&self) -> impl Iterator<Item = (&'static str, &Allow)> {
        let processes = self.processes.as_ref().map(|options| &options.allow);
        let modules = [
            ("facts", self.facts.as_ref().map(|options| &options.allow)),
            ("processes", processes),
            ("run", self.run.as_ref().map(|options| &options.allow)),
            ("files", self.files.as_ref().map(|options| &options.allow)),
            ("tail", self.tail.as_ref().map(|options| &options.allow)),
            ("fanout", self.fanout.as_ref().map(|options| &options.allow)),
        ];
        let is_on = |(module, allow): (_, Option<_>)| Some((module, allow?));
        modules.into_iter().filter_map(is_on)
    }

    /// Reads the settings from TOML.
    ///
    /// # Errors
    /// If it is no TOML, has settings that do not exist, or has a module without `allow`.
    pub fn from_toml(text: &str) -> Result<Self, AgentError> {
        let (options, _) = Self::from_toml_with::<toml::Table>(text, &[])?;
        Ok(options)
    }

    /// Reads the settings from TOML, and from the same text the settings of a program: those of the
    /// outermost table that have these names.
    ///
    /// # Errors
    /// As with [`from_toml`](Self::from_toml), and if the settings of the program do not fit their
    /// type.
    pub fn from_toml_with<T: DeserializeOwned>(
        text: &str,
        names: &[&str],
    ) -> Result<(Self, T), AgentError> {
        let invalid = |error: toml::de::Error| AgentError::toml(text, &error);
        let table = DeTable::parse(text).map_err(invalid)?;
        let span = table.span();
        let (mut own, mut modules) = (DeTable::new(), DeTable::new());
        for (name, settings) in table.into_inner() {
            if names.contains(&name.get_ref().as_ref()) {
                own.insert(name, settings);
                continue;
            }
            if let DeValue::Table(table) = settings.get_ref()
                && !table.contains_key("allow")
            {
                return Err(AgentError::NoRights(name.into_inner().into_owned()));
            }
            modules.insert(name, settings);
        }
        let from = |table| Deserializer::from(Spanned::new(span.clone(), table));
        let options = Self::deserialize(from(modules)).map_err(invalid)?;
        Ok((options, T::deserialize(from(own)).map_err(invalid)?))
    }
}

/// Reads a time in seconds, with or without a fraction.
fn seconds<'de, D: de::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    use serde::de::Error as _;

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a time in seconds")]
    enum Seconds {
        Whole(u32),
        Fraction(f64),
    }
    match Seconds::deserialize(deserializer)? {
        Seconds::Whole(seconds) => Ok(Duration::from_secs(seconds.into())),
        Seconds::Fraction(seconds) => {
            Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests;
