//! `farcall agent`: serves commands, files, facts and processes of this machine.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::pending;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use farcall::cluster::Protection;
use farcall::cluster::agent::{
    ActivatedSocket, Agent, AgentError, AgentOptions, FileRoot, activated_sockets,
};
use farcall::conn::auth::{AuthKey, AuthKeys};
use farcall::protocol::output::Causes;
use farcall::rpc::{Bind, BoundServer};
use farcall::systemd;
use farcall::transport::{Address, Target};
use serde::{Deserialize, Deserializer};
use tokio::signal::unix::{SignalKind, signal};

use crate::connection::{path, target};
use crate::terminal::print_error;
use crate::{Options, argument, fleet};

/// Length of the file of an authkey below which it can perhaps be guessed, in bytes: less than 128
/// random bits.
const SHORT: u64 = 16;

/// The address that stands for the sockets of a service manager.
const ACTIVATED: &str = "systemd";

#[derive(Args)]
pub(crate) struct AgentCommand {
    /// Listen here: conn+rpc+encrypted://HOST:PORT (TLS by the authkey), conn+rpc+tls://HOST:PORT
    /// (with --cert and --key, and --cacert for certificates of clients), conn+rpc://HOST:PORT,
    /// conn+rpc+unix://PATH, or SCHEME://systemd for the sockets that systemd has opened; can be
    /// given more than once
    #[arg(long, value_name = "URL", value_parser = argument)]
    listen: Vec<String>,
    /// Read the settings from this file in TOML: see docs/AGENT.md
    #[arg(long, value_name = "FILE", value_parser = path())]
    config: Option<PathBuf>,
    /// Switch these modules on for everyone who can connect: processes, run, files, tail
    #[arg(long, value_name = "MODULES", value_delimiter = ',')]
    enable: Vec<String>,
    /// Let the modules files and tail read below this directory; can be given more than once
    #[arg(long, value_name = "DIRECTORY", value_parser = path())]
    read: Vec<PathBuf>,
    /// Let the module files read and write below this directory; can be given more than once
    #[arg(long, value_name = "DIRECTORY", value_parser = path())]
    write: Vec<PathBuf>,
}

impl AgentCommand {
    /// The URL for which the options are checked: any of a connection with TLS. The agent checks
    /// them for the addresses of its file.
    pub(crate) const fn url(&self) -> &'static str {
        "conn+rpc+tls://"
    }

    /// Returns the modules of the file with those of the options.
    fn modules(&self, mut modules: AgentOptions) -> Result<AgentOptions, Box<dyn Error>> {
        for module in &self.enable {
            modules = modules.enable(module)?;
        }
        let is_on = |module| modules.rights().any(|(on, _)| on == module);
        if !self.write.is_empty() && !is_on("files") {
            return Err("--write is for the module `files`, which is off: --enable files".into());
        }
        if !self.read.is_empty() && !is_on("files") && !is_on("tail") {
            return Err("--read is for the modules `files` and `tail`, which are off".into());
        }
        let read = self.read.iter().map(FileRoot::read);
        for root in read.chain(self.write.iter().map(FileRoot::write)) {
            modules = modules.root(root);
        }
        Ok(modules)
    }
}

/// Returns the error of the settings of the agent, with the option that helps.
fn agent_error(error: AgentError) -> Box<dyn Error> {
    match error {
        AgentError::NoRoots("files") => format!("{error}: use --read or --write DIRECTORY").into(),
        AgentError::NoRoots(_) => format!("{error}: use --read DIRECTORY").into(),
        error => error.into(),
    }
}

/// The settings of the file that are not those of the modules.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    #[serde(deserialize_with = "one_or_more")]
    listen: Vec<String>,
    /// The files of the authkeys, by their labels.
    authkeys: BTreeMap<String, PathBuf>,
    /// The configuration with the URLs and credentials of the hosts of `fanout`.
    inventory: Option<PathBuf>,
}

/// Reads a text, or a list of texts.
fn one_or_more<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a URL, or a list of URLs")]
    enum Texts {
        One(String),
        More(Vec<String>),
    }
    Ok(match Texts::deserialize(source)? {
        Texts::One(text) => vec![text],
        Texts::More(texts) => texts,
    })
}

impl Config {
    fn read(file: &Path) -> Result<(AgentOptions, Self), Box<dyn Error>> {
        let text = std::fs::read_to_string(file)?;
        let names = ["listen", "authkeys", "inventory"];
        let (modules, config) = AgentOptions::from_toml_with::<Self>(&text, &names)?;
        for (module, allow) in modules.rights() {
            let mut labels = allow.labels();
            if let Some(label) = labels.find(|label| !config.authkeys.contains_key(*label)) {
                let message =
                    format!("`[{module}]` allows `key:{label}`, which is not in [authkeys]");
                return Err(message.into());
            }
        }
        Ok((modules, config))
    }

    /// Reads the files of the authkeys.
    fn keys(&self) -> Result<Vec<(String, AuthKey)>, Box<dyn Error>> {
        let read = |(label, file): (&String, &PathBuf)| {
            warn_of(file);
            let key = AuthKey::from_file(file);
            let key = key.map_err(|error| format!("the authkey `{label}`: {error}"))?;
            Ok((label.clone(), key))
        };
        self.authkeys.iter().map(read).collect()
    }
}

/// The proofs that callers must have.
#[derive(Clone)]
enum Keys {
    None,
    /// A key without a label.
    One(AuthKey),
    Labelled(AuthKeys),
}

/// Serves until a signal ends it.
pub(crate) async fn run(
    command: &AgentCommand,
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    log();
    let (modules, config) = match &command.config {
        None => (AgentOptions::default(), Config::default()),
        Some(file) => Config::read(file)
            .map_err(|error| format!("{}: {}", file.display(), Causes(&*error)))?,
    };
    let modules = command.modules(modules)?;
    let file = config.inventory.as_deref();
    let modules = modules
        .with_fanout_hosts(async |names| fleet::of_agent(names, file).await)
        .await?;
    let keys = keys(&config, options)?;
    let policy = Policy::of(&modules);
    let agent = Agent::with_options(modules).map_err(agent_error)?;
    let tls = options.tls.server()?;
    let urls = if command.listen.is_empty() {
        &config.listen
    } else {
        &command.listen
    };
    let mut servers = Vec::new();
    let mut has_tls = false;
    for url in urls {
        for Place {
            bind,
            protection,
            is_unix,
        } in places(&agent, url)?
        {
            let bind = match &keys {
                Keys::None => bind,
                _ if is_unix && policy.names_users => policy.check_unix(url).map(|()| bind)?,
                Keys::One(key) => bind.authkey(key),
                Keys::Labelled(keys) => bind.authkeys(keys.clone()),
            };
            let bind = match protection {
                Protection::None => bind,
                Protection::Encrypted => bind.encrypted(),
                Protection::Tls => bind.tls(tls.clone().ok_or("TLS needs --cert and --key")?),
            };
            has_tls |= protection == Protection::Tls;
            let server = bind.await?;
            let identifies_clients = protection == Protection::Tls && options.tls.has_roots();
            let is_authenticated = !matches!(keys, Keys::None) || identifies_clients;
            check(&server, is_authenticated, protection, policy.is_powerful)?;
            servers.push(server);
        }
    }
    if servers.is_empty() {
        return Err("the agent listens nowhere: use --listen, or `listen` of the file".into());
    }
    if tls.is_some() && !has_tls {
        return Err("--cert is for conn+rpc+tls://, and the agent listens nowhere with it".into());
    }
    for server in &servers {
        print_error(format_args!("farcall: agent at {}", server.url()));
    }
    serve(servers, &config, &keys).await?;
    agent.finish().await;
    Ok(String::new())
}

/// Serves at all addresses, until a signal stops it and the calls under way are answered.
async fn serve(
    servers: Vec<BoundServer>,
    config: &Config,
    keys: &Keys,
) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut reload = signal(SignalKind::hangup())?;
    let stop = tokio_util::sync::CancellationToken::new();
    let mut serving = tokio::task::JoinSet::new();
    for server in servers {
        let stop = stop.clone();
        serving.spawn(async move { server.serve_until(stop.cancelled_owned()).await });
    }
    systemd::ready();
    systemd::status("serving");
    let watchdog = async {
        systemd::feed_watchdog().await;
        pending::<()>().await;
    };
    let reloading = async {
        while reload.recv().await.is_some() {
            // Nothing to read again: the terminal was closed.
            let Keys::Labelled(keys) = keys else { return };
            systemd::reloading();
            let replaced = config.keys().and_then(|new| Ok(keys.replace(new)?));
            match replaced {
                Ok(()) => print_error("farcall: the authkeys were read again"),
                Err(error) => print_error(format_args!("farcall: {error}")),
            }
            systemd::ready();
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = watchdog => {}
        () = reloading => {}
    }
    systemd::stopping();
    stop.cancel();
    while serving.join_next().await.is_some() {}
    Ok(())
}

/// The demands of the modules on the places where the agent listens.
struct Policy {
    is_powerful: bool,
    /// `true` if a right names a user. Then the callers at a Unix socket are who their user is, and
    /// need no authkey.
    names_users: bool,
    /// A module for everyone that does more than tell facts.
    open: Option<&'static str>,
}

impl Policy {
    fn of(modules: &AgentOptions) -> Self {
        let mut open = modules
            .rights()
            .filter(|(module, allow)| *module != "facts" && allow.is_everyone());
        Self {
            is_powerful: modules.is_powerful(),
            names_users: modules.rights().any(|(_, allow)| allow.names_users()),
            open: open.next().map(|(module, _)| module),
        }
    }

    /// Refuses a Unix socket at which callers would need no authkey for a module that is meant for
    /// all who have one.
    fn check_unix(&self, url: &str) -> Result<(), String> {
        let Some(module) = self.open else {
            return Ok(());
        };
        Err(format!(
            "`{module}` is for everyone, and callers at {url} need no authkey, since users have \
             rights: give `{module}` a list of callers"
        ))
    }
}

/// A place where the agent listens.
struct Place {
    bind: Bind,
    protection: Protection,
    /// `true` if it is a socket with a file, whose permissions say who may connect.
    is_unix: bool,
}

/// Returns the places of a URL: one, or one for each socket of the service manager.
fn places(agent: &Agent, url: &str) -> Result<Vec<Place>, Box<dyn Error>> {
    let url = if url.contains("://") {
        url.to_owned()
    } else {
        format!("conn+rpc://{url}")
    };
    let Some(scheme) = url
        .strip_suffix(ACTIVATED)
        .filter(|rest| rest.ends_with("://"))
    else {
        let url = target("conn+rpc", &url)?;
        return Ok(vec![Place {
            is_unix: matches!(url.target, Target::Address(Address::Unix(_))),
            bind: agent.bind(url.target),
            protection: url.protection,
        }]);
    };
    // The protection is that of any address with this scheme.
    let protection = target("conn+rpc", &format!("{scheme}localhost:0"))?.protection;
    let sockets = activated_sockets()?;
    if sockets.is_empty() {
        return Err("the service manager has opened no socket".into());
    }
    let listen = |socket: ActivatedSocket| {
        Place {
            // Unix sockets need none, and no URL has any for them.
            protection: match socket.address {
                Address::Tcp(_) => protection,
                _ => Protection::None,
            },
            is_unix: matches!(socket.address, Address::Unix(_)),
            bind: agent.listen(socket.listener),
        }
    };
    Ok(sockets.into_iter().map(listen).collect())
}

fn keys(config: &Config, options: &Options) -> Result<Keys, Box<dyn Error>> {
    let own = options.authentication.authkey()?;
    if let Some(file) = &options.authentication.authkey_file {
        warn_of(file);
    }
    if config.authkeys.is_empty() {
        return Ok(own.map_or(Keys::None, Keys::One));
    }
    if own.is_some() {
        return Err("the file has [authkeys]: a key without a label would have no rights".into());
    }
    Ok(Keys::Labelled(AuthKeys::new(config.keys()?)?))
}

/// Warns of the file of an authkey that others know or can guess.
fn warn_of(file: &Path) {
    // Reading the key tells why it cannot be read.
    let Ok(data) = file.metadata() else { return };
    let shown = file.display();
    if data.permissions().mode() & 0o004 != 0 {
        print_error(format_args!(
            "farcall: warning: everybody can read {shown}: chmod 600 {shown}"
        ));
    }
    if data.is_file() && data.len() < SHORT {
        print_error(format_args!(
            "farcall: warning: the authkey in {shown} is short: use 32 random bytes"
        ));
    }
}

/// Refuses an address at which strangers could call the agent.
fn check(
    server: &BoundServer,
    is_authenticated: bool,
    protection: Protection,
    is_powerful: bool,
) -> Result<(), String> {
    let address = server.local_address();
    let is_loopback = match address {
        // The file has the permissions 0o600, or those that the service manager was told.
        Address::Unix(_) => return Ok(()),
        Address::Tcp(address) => address.ip().to_canonical().is_loopback(),
        // Every process of the machine can connect.
        _ => true,
    };
    if !is_authenticated && !is_loopback {
        return Err(format!(
            "everyone could call the agent at {address}: use --authkey-file, or TLS with --cacert \
             for certificates of clients"
        ));
    }
    if !is_authenticated && is_powerful {
        return Err(format!(
            "every user of this machine could call the agent at {address}, which does more than \
             tell facts: use --authkey-file, or conn+rpc+unix://PATH"
        ));
    }
    if is_powerful && !is_loopback && protection == Protection::None {
        print_error(format_args!(
            "farcall: warning: whoever is on the way to {address} can change the calls of others: \
             use conn+rpc+encrypted:// or conn+rpc+tls://"
        ));
    }
    Ok(())
}

/// Writes the log to standard error. `RUST_LOG` chooses what is in it.
fn log() {
    use tracing_subscriber::EnvFilter;

    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // It fails if there is a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}
