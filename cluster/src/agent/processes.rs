//! The module `processes`.

use std::sync::Arc;

use farcall_core::protocol::output::Foreign;
use farcall_core::{Context, Fault, FaultKind, service};
use nix::unistd::User;
use rustix::io::Errno;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tokio::sync::Semaphore;

use super::facts::read_in_turn;
use super::options::ProcessOptions;
use super::signal::Signal;

/// A process of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFacts {
    /// The id.
    pub pid: u32,
    /// The id of the process that started it, if there is one.
    pub parent: Option<u32>,
    /// The name of the program.
    pub name: String,
    /// The program and its arguments. It is empty for threads of the kernel.
    pub command: Vec<String>,
    /// The name of the user, or else the number.
    pub user: String,
    /// The state, such as `Sleeping`.
    pub state: String,
    /// The memory that it occupies, in bytes.
    pub memory: u64,
    /// The time that it has used processors, in milliseconds.
    pub cpu_time: u64,
    /// The time at which it was started, in seconds since 1970. Together with the id, it names a
    /// process that no later one is mistaken for.
    pub started: u64,
}

/// The service of the module.
pub(super) struct Processes {
    options: ProcessOptions,
    /// One call at a time reads the table of processes.
    turn: Arc<Semaphore>,
}

impl Processes {
    pub(super) fn new(options: ProcessOptions) -> Self {
        Self {
            options,
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

#[service(prefix = "processes")]
impl Processes {
    /// Returns all processes, by id.
    #[service]
    async fn list(&self) -> Result<Vec<ProcessFacts>, Fault> {
        read_in_turn(&self.turn, || read(ProcessesToUpdate::All)).await
    }

    /// Sends a signal to a process. Arguments: `pid`; `signal`, the name HUP, INT, QUIT, KILL,
    /// USR1, USR2, TERM, CONT or STOP; optionally `started`, in seconds since 1970. Returns `false`
    /// if there is no process with this id, or if it was started at another time.
    #[service]
    async fn signal(
        &self,
        context: Context,
        pid: u32,
        signal: Signal,
        started: Option<u64>,
    ) -> Result<bool, Fault> {
        if !self.options.signal {
            let message = "signals are off: set `signal` of `[processes]`";
            return Err(Fault::of(FaultKind::Denied, message));
        }
        // Numbers that are not those of one process mean groups, or everything.
        let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Fault::invalid_params("there are no such ids of processes"))?;
        if id.is_init() || pid == std::process::id() {
            let message = "neither the first process nor the agent gets signals";
            return Err(Fault::of(FaultKind::Denied, message));
        }
        let caller = context.identity();
        tracing::info!(%caller, pid, ?signal, "signal");
        read_in_turn(&self.turn, move || {
            send(id, signal, started).map_err(|error| {
                let errno = error.raw_os_error().unwrap_or_default();
                Fault::new(errno.into(), format!("process {pid}: {error}"))
            })
        })
        .await
    }
}

/// Sends a signal to a process, if it is the one that was started at that time. The descriptor of
/// the process is opened before the time is read, so that no later process gets the signal.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn send(id: Pid, signal: Signal, started: Option<u64>) -> std::io::Result<bool> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    let process = match pidfd_open(id, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if !is_from(id, started)? {
        return Ok(false);
    }
    match pidfd_send_signal(&process, signal.raw()) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn send(id: Pid, signal: Signal, started: Option<u64>) -> std::io::Result<bool> {
    if !is_from(id, started)? {
        return Ok(false);
    }
    match rustix::process::kill_process(id, signal.raw()) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_from(id: Pid, started: Option<u64>) -> std::io::Result<bool> {
    let Some(started) = started else {
        return Ok(true);
    };
    let id = sysinfo::Pid::from_u32(id.as_raw_nonzero().get().unsigned_abs());
    let found = read(ProcessesToUpdate::Some(&[id])).map_err(std::io::Error::other)?;
    Ok(found.iter().any(|process| process.started == started))
}

fn read(which: ProcessesToUpdate<'_>) -> Result<Vec<ProcessFacts>, Fault> {
    let mut system = System::new().map_err(Fault::internal)?;
    let kind = ProcessRefreshKind::nothing()
        .with_cpu()
        .with_memory()
        .with_cmd(UpdateKind::Always)
        .with_user(UpdateKind::Always);
    system.refresh_processes_specifics(which, true, kind);
    let mut users = std::collections::HashMap::new();
    let mut found: Vec<ProcessFacts> = system
        .processes()
        .values()
        .map(|process| ProcessFacts {
            pid: process.pid().as_u32(),
            parent: process.parent().map(sysinfo::Pid::as_u32),
            name: process.name().to_string_lossy().into_owned(),
            command: process
                .cmd()
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            user: process.user_id().map_or_else(String::new, |uid| {
                let name = users.entry(**uid).or_insert_with(|| user_name(**uid));
                name.clone()
            }),
            state: Foreign::line(process.status()).to_string(),
            memory: process.memory(),
            cpu_time: process.accumulated_cpu_time(),
            started: process.start_time(),
        })
        .collect();
    found.sort_unstable_by_key(|process| process.pid);
    Ok(found)
}

fn user_name(uid: u32) -> String {
    let found = User::from_uid(uid.into()).ok().flatten();
    found.map_or_else(|| uid.to_string(), |user| user.name)
}
