//! The hosts of a command, with their clients.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use farcall::cluster::{
    Client, Config, ConnectOptions, Credentials, Host, HostEntry, HostSet, HostSettings, Inventory,
    Via, WithheldSecret,
};
use farcall::conn::auth::AuthKey;
use farcall::http::InvalidHeader;
use farcall::protocol::output::Causes;
use farcall::protocol::{Call, Payload};
use farcall::xmlrpc::XmlRpc;
use farcall::{CallError, Caller};

use super::options::{FleetOptions, WINDOW};
use crate::connection::authkey_of_environment;
use crate::terminal::redact_url;
use crate::{Options, call, config, tls};

/// A host with its client and its URL, secrets included.
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) entry: HostEntry,
}

impl Target {
    /// The URL without secrets.
    pub(crate) fn shown_url(&self) -> &str {
        self.host.client().url()
    }

    /// Returns an error text without what may be a password in the URL.
    pub(crate) fn redacted(&self, text: &str) -> String {
        redact_url(text, &self.entry.url)
    }
}

/// The hosts of a command.
pub(crate) struct Targets {
    pub(crate) hosts: Vec<Target>,
    /// Calls under way at once, unless an option says otherwise.
    pub(crate) window: usize,
}

/// Returns the hosts that the options name, or the only one with this URL.
pub(crate) async fn targets(
    url: Option<&str>,
    options: &Options,
) -> Result<Targets, Box<dyn Error>> {
    let inventory = inventory()?.overrides(given_settings(options)?);
    let hosts = match url {
        Some(url) => [url].into_iter().collect(),
        None => named(&inventory, &options.fleet).await?,
    };
    let entries = inventory.entries(&hosts).await?;
    if options.fleet.via.is_empty() {
        return Ok(Targets {
            hosts: reached(entries, connect_options(options))?,
            window: WINDOW,
        });
    }
    let agents = union(&inventory, &options.fleet.via).await?;
    let agents = reached(inventory.entries(&agents).await?, connect_options(options))?;
    let via = Via::new(agents.iter().map(|agent| agent.host.client().clone()));
    // The agents have credentials of their own.
    let behind = entries.into_iter().map(|entry| Target {
        host: Host::new(&*entry.name, via.client(&entry.name)),
        entry,
    });
    Ok(Targets {
        hosts: behind.collect(),
        window: WINDOW.saturating_mul(agents.len()),
    })
}

/// Returns the hosts that an agent calls, with the credentials of its configuration.
#[cfg(unix)]
pub(crate) async fn of_agent(
    names: &str,
    file: Option<&Path>,
) -> Result<Vec<Host>, Box<dyn Error>> {
    let config = match file {
        Some(file) => Config::from_file(file).map_err(|error| config::first(&error))?,
        None => config::load()?,
    };
    let entries = config.inventory().hosts(names).await?;
    let targets = reached(entries, ConnectOptions::default())?;
    Ok(targets.into_iter().map(|target| target.host).collect())
}

/// Returns hosts that are called without agents.
fn reached(
    entries: Vec<HostEntry>,
    options: ConnectOptions,
) -> Result<Vec<Target>, Box<dyn Error>> {
    let mut all = Vec::with_capacity(entries.len());
    // Hosts with the same rules share their settings, whose files are read once.
    let mut made: HashMap<*const HostSettings, Credentials> = HashMap::new();
    for entry in entries {
        let shared = Arc::as_ptr(&entry.settings);
        let credentials = match made.get(&shared) {
            Some(credentials) => credentials.clone(),
            None => {
                let credentials = credentials(&entry.settings)?;
                made.insert(shared, credentials.clone());
                credentials
            }
        };
        let client = Client::with_options(&entry.url, &credentials, options);
        let client = client.map_err(|error| format!("{}: {}", entry.name, Causes(&error)))?;
        let client = match entry.withheld {
            Some(reason) => Client::of(&entry.url, Withheld(reason)),
            None => client,
        };
        // A URL that is a name may have a password.
        let is_url = entry.name.contains("://");
        let name = if is_url { client.url() } else { &entry.name };
        all.push(Target {
            host: Host::new(name, client.clone()),
            entry,
        });
    }
    Ok(all)
}

/// Returns the settings of the host with this URL: those of the configuration, and before them the
/// ones that options give.
///
/// # Errors
/// Also if the host must not get a secret: a call without it is not what was meant.
pub(crate) async fn settings(
    url: &str,
    options: &Options,
) -> Result<Arc<HostSettings>, Box<dyn Error>> {
    let inventory = inventory()?.overrides(given_settings(options)?);
    let entries = inventory.entries(&[url].into_iter().collect()).await?;
    match entries.into_iter().next() {
        Some(HostEntry {
            withheld: Some(reason),
            ..
        }) => Err(reason.into()),
        Some(entry) => Ok(entry.settings),
        None => Ok(Arc::default()),
    }
}

/// The caller of a host that must not get a secret. It sends nothing, since a call without the
/// secret is not what was meant.
struct Withheld(WithheldSecret);

impl Caller for Withheld {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        XmlRpc::default()
    }

    async fn send(&self, _: Call<XmlRpc>) -> Result<Payload, CallError> {
        Err(CallError::NotSent(self.0.into()))
    }
}

/// Returns the inventory of the configuration.
fn inventory() -> Result<Inventory, String> {
    Ok(config::load()?.inventory())
}

/// Returns the hosts that `-w` names, without those of `-x`.
async fn named(inventory: &Inventory, options: &FleetOptions) -> Result<HostSet, Box<dyn Error>> {
    let left_out = union(inventory, &options.exclude).await?;
    let mut hosts = union(inventory, &options.hosts)
        .await?
        .difference(&left_out);
    if let Some(file) = &options.exclude_silent {
        hosts = hosts.difference(&silent(file)?);
    }
    if hosts.is_empty() {
        return Err("there are no hosts: -w names none, or -x leaves out all".into());
    }
    Ok(hosts)
}

/// Returns the hosts that any of these texts means.
async fn union(inventory: &Inventory, texts: &[String]) -> Result<HostSet, Box<dyn Error>> {
    let mut hosts = HostSet::default();
    for text in texts {
        hosts = hosts.union(&inventory.groups().resolve(text).await?);
    }
    Ok(hosts)
}

/// Reads the hosts that did not answer to earlier commands.
fn silent(file: &Path) -> Result<HostSet, Box<dyn Error>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HostSet::default()),
        Err(error) => Err(format!("--exclude-silent: {}: {error}", file.display()).into()),
    }
}

/// Adds hosts that did not answer.
pub(crate) fn add_silent(file: &Path, hosts: &HostSet) -> Result<(), Box<dyn Error>> {
    if hosts.is_empty() {
        return Ok(());
    }
    let lines: String = hosts.iter().map(|host| format!("{host}\n")).collect();
    let open = fs::OpenOptions::new().append(true).create(true).open(file);
    open.and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|error| format!("--exclude-silent: {}: {error}", file.display()).into())
}

/// The settings that options give, which apply to all hosts.
fn given_settings(options: &Options) -> Result<HostSettings, Box<dyn Error>> {
    let mut settings = HostSettings::default();
    if let Some(url) = &options.fleet.url_template {
        let url = url.parse().map_err(|error| format!("--url: {error}"))?;
        settings.url = Some(url);
    }
    settings
        .authkey_file
        .clone_from(&options.authentication.authkey_file);
    settings.legacy_md5 = options.authentication.legacy_md5.then_some(true);
    for header in &options.headers {
        let (name, value) = header.split_once(':').ok_or(call::HEADER)?;
        settings
            .headers
            .insert(name.trim().to_owned(), value.trim().to_owned());
    }
    settings.tls = options.tls.files();
    Ok(settings)
}

/// Reads the authkey that settings name, or that of the environment.
pub(crate) fn authkey(settings: &HostSettings) -> Result<Option<AuthKey>, Box<dyn Error>> {
    match &settings.authkey_file {
        Some(file) => Ok(Some(AuthKey::from_file(file)?)),
        None => authkey_of_environment(),
    }
}

/// Reads the credentials that settings name.
pub(crate) fn credentials(settings: &HostSettings) -> Result<Credentials, Box<dyn Error>> {
    let mut credentials = Credentials::new().tls(tls::client(&settings.tls)?);
    if let Some(key) = authkey(settings)? {
        credentials = credentials.authkey(key);
    }
    if settings.legacy_md5 == Some(true) {
        credentials = credentials.legacy_md5(true);
    }
    if let Some(file) = &settings.bearer_file {
        credentials = credentials.bearer_auth(read(file)?.trim())?;
    }
    if let Some(file) = &settings.basic_file {
        let (user, password) = password(file)?;
        credentials = credentials.basic_auth(&user, &password)?;
    }
    if let Some(file) = &settings.nats_file {
        let text = read(file)?;
        credentials = if text.contains("-----BEGIN") {
            credentials.nats_credentials(text)
        } else {
            credentials.nats_nkey(text.trim())
        };
    }
    for (name, value) in &settings.headers {
        credentials = match credentials.header(name, value) {
            Err(InvalidHeader::Name(_)) => return Err(call::HEADER.into()),
            result => result?,
        };
    }
    Ok(credentials)
}

/// Returns the headers that settings name, with that of a token or a password.
pub(crate) fn headers(settings: &HostSettings) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let headers = settings.headers.iter();
    let mut headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let proof = match (&settings.bearer_file, &settings.basic_file) {
        (Some(file), _) => format!("Bearer {}", read(file)?.trim()),
        (None, Some(file)) => {
            let (user, password) = password(file)?;
            format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("{user}:{password}"))
            )
        }
        (None, None) => return Ok(headers),
    };
    headers.push(("authorization".to_owned(), proof));
    Ok(headers)
}

fn read(file: &Path) -> Result<String, String> {
    let text = fs::read_to_string(file);
    text.map_err(|error| format!("the file {}: {error}", file.display()))
}

/// Reads a file `USER:PASSWORD`.
fn password(file: &Path) -> Result<(String, String), String> {
    let text = read(file)?;
    let pair = text.trim_end_matches(['\r', '\n']).split_once(':');
    let (user, password) =
        pair.ok_or_else(|| format!("the file {} is not USER:PASSWORD", file.display()))?;
    Ok((user.to_owned(), password.to_owned()))
}

fn connect_options(options: &Options) -> ConnectOptions {
    let settings = ConnectOptions::default().timeout(Some(options.timeout));
    match options.fleet.max_result {
        Some(bytes) => settings.max_reply(bytes),
        None => settings,
    }
}

/// Returns the hosts that a text means.
pub(crate) async fn resolve(text: &str) -> Result<HostSet, Box<dyn Error>> {
    let inventory = inventory()?;
    Ok(inventory.groups().resolve(text).await?)
}

/// The names of groups, each behind `@`, or of hosts, that the configuration knows.
pub(crate) async fn known_names(groups: bool) -> Vec<String> {
    let Ok(inventory) = inventory() else {
        return Vec::new();
    };
    if !groups {
        let hosts = inventory.groups().resolve("@*").await.unwrap_or_default();
        return hosts.iter().map(str::to_owned).collect();
    }
    let names = inventory.groups().names(None).await.unwrap_or_default();
    names.into_iter().map(|name| format!("@{name}")).collect()
}
