//! `farcall agent`: serves commands, files, facts and processes of this machine.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::pending;
use std::path::{Path, PathBuf};

use clap::Args;
use farcall::cluster::Protection;
use farcall::cluster::agent::{
    ActivatedSocket, Agent, AgentOptions, FileRoot, activated_sockets, feed_watchdog, notify_ready,
    notify_stopping,
};
use farcall::conn::Listener;
use farcall::conn::auth::{AuthKey, AuthKeys};
use farcall::protocol::output::Causes;
use farcall::rpc::{Bind, BoundServer};
use farcall::transport::Address;
use tokio::signal::unix::{SignalKind, signal};

use crate::connection::{path, target};
use crate::terminal::print_error;
use crate::{Options, argument};

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
}

/// The settings of the file that are not those of the modules.
#[derive(Default)]
struct Config {
    listen: Vec<String>,
    /// The files of the authkeys, by their labels.
    authkeys: BTreeMap<String, PathBuf>,
    modules: AgentOptions,
}

impl Config {
    fn read(file: &Path) -> Result<Self, Box<dyn Error>> {
        let text = std::fs::read_to_string(file)?;
        let mut table: toml::Table = text.parse()?;
        let listen = match table.remove("listen") {
            None => Vec::new(),
            Some(toml::Value::String(url)) => vec![url],
            Some(urls) => urls.try_into()?,
        };
        let authkeys = table.remove("authkeys");
        Ok(Self {
            listen,
            authkeys: authkeys.map_or_else(|| Ok(BTreeMap::new()), toml::Value::try_into)?,
            modules: AgentOptions::from_table(table)?,
        })
    }

    /// Reads the files of the authkeys.
    fn keys(&self) -> Result<Vec<(String, AuthKey)>, Box<dyn Error>> {
        let read = |(label, file): (&String, &PathBuf)| {
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
    let mut config = match &command.config {
        None => Config::default(),
        Some(file) => Config::read(file)
            .map_err(|error| format!("{}: {}", file.display(), Causes(&*error)))?,
    };
    let mut modules = std::mem::take(&mut config.modules);
    for module in &command.enable {
        modules = modules.enable(module)?;
    }
    let read = command.read.iter().map(FileRoot::read);
    for root in read.chain(command.write.iter().map(FileRoot::write)) {
        modules = modules.root(root);
    }
    let is_powerful = modules.is_powerful();
    let agent = Agent::with_options(modules)?;
    let keys = keys(&config, options)?;
    let tls = options.tls.server()?;
    let urls = if command.listen.is_empty() {
        &config.listen
    } else {
        &command.listen
    };
    let mut servers = Vec::new();
    let mut has_tls = false;
    for url in urls {
        for (bind, protection) in listeners(&agent, url)? {
            let bind = match &keys {
                Keys::None => bind,
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
            check(&server, is_authenticated, protection, is_powerful)?;
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
    notify_ready();
    let watchdog = async {
        feed_watchdog().await;
        pending::<()>().await;
    };
    let reloading = async {
        while reload.recv().await.is_some() {
            // Nothing to read again: the terminal was closed.
            let Keys::Labelled(keys) = keys else { return };
            let replaced = config.keys().and_then(|new| Ok(keys.replace(new)?));
            match replaced {
                Ok(()) => print_error("farcall: the authkeys were read again"),
                Err(error) => print_error(format_args!("farcall: {error}")),
            }
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = watchdog => {}
        () = reloading => {}
    }
    notify_stopping();
    stop.cancel();
    while serving.join_next().await.is_some() {}
    Ok(())
}

/// Returns the builders of the servers at a URL: one, or one for each socket of the service
/// manager.
fn listeners(agent: &Agent, url: &str) -> Result<Vec<(Bind, Protection)>, Box<dyn Error>> {
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
        let listener = Listener::bind(url.target);
        return Ok(vec![(agent.listen(listener), url.protection)]);
    };
    // The protection is that of any address with this scheme.
    let protection = target("conn+rpc", &format!("{scheme}localhost:0"))?.protection;
    let sockets = activated_sockets()?;
    if sockets.is_empty() {
        return Err("the service manager has opened no socket".into());
    }
    let listen = |socket: ActivatedSocket| {
        // Unix sockets need none, and no URL has any for them.
        let protection = match socket.address {
            Address::Tcp(_) => protection,
            _ => Protection::None,
        };
        (agent.listen(socket.listener), protection)
    };
    Ok(sockets.into_iter().map(listen).collect())
}

fn keys(config: &Config, options: &Options) -> Result<Keys, Box<dyn Error>> {
    let own = options.authentication.authkey()?;
    if config.authkeys.is_empty() {
        return Ok(own.map_or(Keys::None, Keys::One));
    }
    if own.is_some() {
        return Err("the file has [authkeys]: a key without a label would have no rights".into());
    }
    Ok(Keys::Labelled(AuthKeys::new(config.keys()?)?))
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
