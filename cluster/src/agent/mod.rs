//! The agent: commands, files, facts and processes of a machine, for callers with rights.
//!
//! An [`Agent`] is an RPC server with modules, each of which is on or off and has its own
//! [rights](Allow). Callers use it by the trait [`AgentApi`], on any client; the command
//! `farcall agent` is one with a configuration file.
//!
//! | module | methods | by default |
//! |---|---|---|
//! | `facts` | [`facts`](AgentApi::facts): host, processors, memory, disks, uptime | on, for everyone who can connect |
//! | `processes` | [`processes`](AgentApi::processes), [`signal_process`](AgentApi::signal_process) | off |
//! | `run` | [`run`](AgentApi::run), [`start`](AgentApi::start) | off |
//! | `files` | [`get_file`](AgentApi::get_file), [`put_file`](AgentApi::put_file), … | off |
//! | `tail` | [`tail_file`](AgentApi::tail_file) | off |
//! | `fanout` | calls of other hosts, by [`Via`](crate::Via) | off |
//!
//! A program adds services of its own, with or without these modules.
//!
//! ```
//! use farcall::cluster::agent::{Agent, AgentApi, AgentOptions, Allow, RunOptions};
//! use farcall::conn::auth::AuthKeys;
//! use farcall::rpc::Client;
//! use farcall::service;
//!
//! struct Thermometer;
//!
//! #[service(prefix = "thermometer")]
//! impl Thermometer {
//!     pub fn celsius(&self) -> f64 {
//!         21.5
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let run = RunOptions::default().allow(Allow::nobody().key("deploy"));
//! let options = AgentOptions::default().run(run);
//! let agent = Agent::with_options(options)?.with(Thermometer)?;
//! let keys = AuthKeys::new([("deploy", "a secret"), ("watch", "another secret")])?;
//! let bound = agent.bind("127.0.0.1:0").authkeys(keys).await?;
//! let address = bound.local_address().clone();
//! tokio::spawn(bound.serve());
//!
//! let deploy = Client::connect(&address).authkey("a secret").await?;
//! let output = deploy.run(&["echo", "hello"], None).await?;
//! assert_eq!(output.stdout, "hello\n");
//!
//! let watch = Client::connect(&address).authkey("another secret").await?;
//! assert!(watch.facts().await?.memory.total > 0);
//! assert_eq!(watch.call::<f64>("thermometer.celsius", ()).await?, 21.5);
//! let denied = watch.run(&["reboot"], None).await.unwrap_err();
//! assert_eq!(denied.fault().unwrap().kind(), farcall::FaultKind::Denied);
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! Whoever may call `run` can do whatever the user of the commands can do; whoever may put files
//! can do whatever these files bring about. Rights belong to proofs, so give each kind of caller an
//! authkey with a label, or a certificate, and let the agent listen with TLS: without it, whoever
//! is on the way can change the calls of others. `docs/AGENT.md` has units for systemd that
//! restrict the agent itself, and `SECURITY.md` all limits.

mod access;
mod api;
mod beneath;
mod copy;
mod error;
mod facts;
mod fanout;
mod files;
mod options;
mod processes;
mod run;
mod signal;
mod systemd;
mod tail;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use farcall_conn::rpc::{Bind, Server};
use farcall_conn::{Listener, ListenerBuilder};
use farcall_core::protocol::Name;
use farcall_core::transport::ToTarget;
use farcall_core::{Context, Fault, FaultKind, Instance, RegisterError};
use nix::unistd::User;
use tokio_util::task::TaskTracker;

pub use access::{Allow, AllowError};
pub use api::AgentApi;
pub use copy::{CopyError, CopyOptions, download, upload};
pub use error::AgentError;
pub use facts::{CpuFacts, DiskFacts, Facts, HostFacts, MemoryFacts};
pub use fanout::FanOutOptions;
pub use files::{Download, FileKind, FilePart, FilePrefix, FileStat, PutOptions, StoredFile};
pub use options::{
    AgentOptions, FactsOptions, FileOptions, FileRoot, ProcessOptions, RunOptions, TailOptions,
};
pub use processes::ProcessFacts;
pub use run::{
    CommandApi, CommandEvent, CommandExit, CommandOptions, CommandOutput, StartedCommand,
};
pub use signal::{Signal, UnknownSignal};
pub use systemd::{ActivatedSocket, activated_sockets};

use facts::FactsService;
use fanout::FanOut;
use files::Files;
use processes::Processes;
use run::Runner;
use tail::Tail;

/// A server with the modules of an agent and services of the program: see the [module](self).
pub struct Agent {
    server: Server,
    rights: Arc<RwLock<Rights>>,
    tasks: TaskTracker,
}

/// The rights to the methods that have any.
type Rights = HashMap<Name, Allow>;

impl Agent {
    /// Creates an agent with the module `facts` for everyone who can connect, and no other.
    ///
    /// # Errors
    /// None with these settings.
    pub fn new() -> Result<Self, AgentError> {
        Self::with_options(AgentOptions::default())
    }

    /// Creates an agent with these modules.
    ///
    /// # Errors
    /// If a root is not absolute, `files` or `tail` has none, `fanout` has no hosts, or commands
    /// run as another user, who does not exist or whom an agent that does not run as root cannot
    /// become.
    pub fn with_options(options: AgentOptions) -> Result<Self, AgentError> {
        let tasks = TaskTracker::new();
        let agent = Self::empty(Server::with_options(options.server), tasks.clone());
        if let Some(options) = options.facts {
            agent.module(&options.allow, FactsService::new());
        }
        if let Some(options) = options.processes {
            let allow = options.allow.clone();
            agent.module(&allow, Processes::new(options));
        }
        if let Some(options) = options.run {
            let changes_user = options.user.is_some() || !options.users.is_empty();
            if changes_user && !nix::unistd::geteuid().is_root() {
                return Err(AgentError::NotRoot);
            }
            for name in options.user.iter().chain(&options.users) {
                if !matches!(User::from_name(name), Ok(Some(_))) {
                    return Err(AgentError::UnknownUser(name.clone()));
                }
            }
            let allow = options.allow.clone();
            agent.module(&allow, Runner::new(options, tasks.clone()));
        }
        if let Some(options) = options.files {
            if options.roots.is_empty() {
                return Err(AgentError::NoRoots("files"));
            }
            let allow = options.allow.clone();
            agent.module(&allow, Files::new(options, tasks.clone())?);
        }
        if let Some(options) = options.tail {
            if options.roots.is_empty() {
                return Err(AgentError::NoRoots("tail"));
            }
            let allow = options.allow.clone();
            agent.module(&allow, Tail::new(options, tasks)?);
        }
        if let Some(options) = options.fanout {
            if options.hosts.is_empty() {
                return Err(AgentError::NoHosts);
            }
            agent.module(&options.allow, FanOut::new(&options));
        }
        Ok(agent)
    }

    fn empty(server: Server, tasks: TaskTracker) -> Self {
        let rights = Arc::new(RwLock::new(Rights::new()));
        let guarded = Arc::clone(&rights);
        server.set_guard(move |context| {
            let rights = guarded.read().unwrap_or_else(PoisonError::into_inner);
            check(&rights, context)
        });
        Self {
            server,
            rights,
            tasks,
        }
    }

    /// Offers a service of the program to everyone who can connect.
    ///
    /// # Errors
    /// If the name of a method is taken or invalid.
    pub fn with(self, service: impl Instance) -> Result<Self, RegisterError> {
        self.with_rights(&Allow::everyone(), service)
    }

    /// Offers a service of the program to these callers.
    ///
    /// # Errors
    /// If the name of a method is taken or invalid.
    pub fn with_rights(self, allow: &Allow, service: impl Instance) -> Result<Self, RegisterError> {
        self.offer(allow, service)?;
        Ok(self)
    }

    /// Offers a module. Its names cannot be taken: the modules come first.
    fn module(&self, allow: &Allow, service: impl Instance) {
        if let Err(error) = self.offer(allow, service) {
            tracing::error!(%error, "a module is not offered");
        }
    }

    fn offer(&self, allow: &Allow, service: impl Instance) -> Result<(), RegisterError> {
        let before = self.server.names();
        self.server.register_instance(service)?;
        let mut rights = self.rights.write().unwrap_or_else(PoisonError::into_inner);
        for name in self.server.names() {
            if before.binary_search(&name).is_err() {
                rights.insert(name, allow.clone());
            }
        }
        Ok(())
    }

    /// Returns a builder of a server at this address; port 0 selects a free port. Call setters,
    /// such as [`authkeys`](Bind::authkeys) and [`tls`](Bind::tls), then `.await` it.
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        self.listen(Listener::bind(target))
    }

    /// Returns a builder of a server at any listener, such as that of an [`ActivatedSocket`].
    pub fn listen(&self, listener: ListenerBuilder) -> Bind {
        self.server.listen(listener)
    }

    /// Waits until all commands have ended and nothing of them is left. Call it after the server
    /// has stopped, before the program ends: their connections are closed then, so that each gets
    /// the signal TERM, and KILL after the [grace](RunOptions::grace).
    ///
    /// # Cancel safety
    /// If it is dropped, or the program ends without it, commands are killed at once.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Permits or refuses a call.
fn check(rights: &Rights, context: &Context) -> Result<(), Fault> {
    match rights.get(context.method()) {
        Some(allow) if !allow.permits(context.identity()) => {
            let message = format!("this caller may not call `{}`", context.method());
            Err(Fault::of(FaultKind::Denied, message))
        }
        // Introspection, and names that do not exist.
        _ => Ok(()),
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("server", &self.server)
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}
