//! Starting the process of a command.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use farcall_core::{Fault, FaultKind};
use nix::unistd::{User, getgrouplist};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::group::ProcessGroup;
use super::types::CommandOptions;

/// Variables of the agent's environment that its commands get.
const INHERITED: [&str; 3] = ["PATH", "LANG", "TZ"];

/// A command that is about to start.
pub(super) struct Plan {
    pub(super) argv: Vec<String>,
    pub(super) options: CommandOptions,
    pub(super) directory: PathBuf,
    /// The name of the user, unless it is that of the agent.
    pub(super) user: Option<String>,
    pub(super) has_input: bool,
}

/// Starts the process, as the leader of a new process group.
pub(super) async fn spawn(plan: Plan) -> Result<Child, Fault> {
    let (sender, spawned) = oneshot::channel();
    let runtime = Handle::current();
    // A thread of its own, which ends afterwards, because it takes the user and the groups of the
    // command. It also reads the table of users and starts the program, both of which may block.
    let thread = std::thread::Builder::new().name("spawn".to_owned());
    let thread = thread.spawn(move || {
        let _runtime = runtime.enter();
        // Nobody waits any more.
        if let Err(Ok(child)) = sender.send(plan.spawn())
            && let Some(group) = ProcessGroup::of(&child)
        {
            group.close();
        }
    });
    thread.map_err(Fault::internal)?;
    spawned
        .await
        .unwrap_or_else(|_| Err(Fault::internal("the thread ended")))
}

impl Plan {
    fn spawn(&self) -> Result<Child, Fault> {
        let (program, arguments) = self.argv.split_first().ok_or_else(no_program)?;
        if program.is_empty() {
            return Err(no_program());
        }
        if !self.directory.is_absolute() {
            return Err(Fault::invalid_params("the directory is not absolute"));
        }
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .stdin(if self.has_input {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        self.take_user(&mut command)?;
        for (name, value) in &self.options.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = "the name of a variable is empty, or has `=` or a NUL";
                return Err(Fault::invalid_params(message));
            }
            command.env(name, value);
        }
        command.spawn().map_err(|error| self.not_started(&error))
    }

    /// Takes the user and the groups that the command runs with, for this thread, and sets its
    /// variables of the user.
    fn take_user(&self, command: &mut Command) -> Result<(), Fault> {
        let found = match &self.user {
            Some(name) => User::from_name(name),
            None => User::from_uid(nix::unistd::geteuid()),
        };
        let found = found.map_err(|error| Fault::internal(io::Error::from(error)))?;
        if let Some(user) = &found {
            command.env("HOME", &user.dir).env("SHELL", &user.shell);
            command.env("USER", &user.name).env("LOGNAME", &user.name);
        }
        match (&self.user, found) {
            (None, _) => Ok(()),
            (Some(_), Some(user)) => become_user(command, &user).map_err(|error| {
                let message = format!("cannot become the user `{}`", user.name);
                Fault::of(FaultKind::Denied, message).with_source(error)
            }),
            (Some(name), None) => {
                let message = format!("there is no user `{name}`");
                Err(Fault::invalid_params(message))
            }
        }
    }

    /// Returns the fault of a program that could not be started. As a refusal, it tells the caller
    /// that nothing ran.
    fn not_started(&self, error: &io::Error) -> Fault {
        let program = self.argv.first().map_or("", String::as_str);
        // The error is the same if the program does not exist.
        let place = if is_directory(&self.directory) {
            String::new()
        } else {
            format!(" in `{}`, which is no directory", self.directory.display())
        };
        Fault::invalid_params(format!("cannot run `{program}`{place}: {error}"))
    }
}

fn is_directory(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn no_program() -> Fault {
    Fault::invalid_params("the command has no program")
}

/// Gives this thread the identity of a user: all of its group ids and user ids. The process that it
/// starts inherits them. Other threads keep theirs.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn become_user(_: &mut Command, user: &User) -> io::Result<()> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let groups: Vec<Gid> = groups_of(user)?
        .into_iter()
        .map(|group| Gid::from_raw(group.as_raw()))
        .collect();
    let (uid, gid) = (
        Uid::from_raw(user.uid.as_raw()),
        Gid::from_raw(user.gid.as_raw()),
    );
    set_thread_groups(&groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

/// Sets the user and the group of the command. Where the identity belongs to the whole process, the
/// standard library can set no further groups, and the command has none.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn become_user(command: &mut Command, user: &User) -> io::Result<()> {
    command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn groups_of(user: &User) -> io::Result<Vec<nix::unistd::Gid>> {
    let name = CString::new(user.name.as_str())?;
    Ok(getgrouplist(&name, user.gid)?)
}
