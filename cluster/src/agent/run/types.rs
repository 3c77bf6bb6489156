//! Arguments and results of the module `run`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use farcall_conn::rpc::{Remote, Stream};
use farcall_core::{CallError, client};
use serde::{Deserialize, Serialize};

use crate::agent::signal::Signal;

/// Settings of one command. All of them may be omitted.
///
/// The environment of a command is not that of the agent: it has `PATH`, `LANG` and `TZ` of the
/// agent, `HOME`, `USER`, `LOGNAME` and `SHELL` of the user that the command runs as, and the
/// variables set here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use]
pub struct CommandOptions {
    /// Variables of the environment. Default: none.
    pub env: BTreeMap<String, String>,
    /// The directory that the command runs in. Default: that of the agent's
    /// [settings](crate::agent::RunOptions::directory).
    pub directory: Option<String>,
    /// The user that the command runs as, whom the agent's
    /// [settings](crate::agent::RunOptions::users) must permit. Default: that of these settings.
    pub user: Option<String>,
    /// The time in milliseconds after which the command is ended. Default and maximum: that of the
    /// agent's [settings](crate::agent::RunOptions::timeout).
    pub timeout_ms: Option<u64>,
    /// The number of bytes of standard output, and of standard error, that `run.output` returns.
    /// Default and maximum: that of the agent's
    /// [settings](crate::agent::RunOptions::max_output).
    pub max_output: Option<u64>,
    /// Standard input. Default: empty.
    pub input: Option<Bytes>,
}

impl CommandOptions {
    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the directory that the command runs in.
    pub fn directory(mut self, path: impl Into<String>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets the user that the command runs as.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets the time after which the command is ended, in whole milliseconds.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout_ms = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Sets the number of bytes of standard output, and of standard error, that are returned.
    pub const fn max_output(mut self, bytes: u64) -> Self {
        self.max_output = Some(bytes);
        self
    }

    /// Sets the standard input.
    pub fn input(mut self, bytes: impl Into<Bytes>) -> Self {
        self.input = Some(bytes.into());
        self
    }
}

/// The end of a command: it has either a status or a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandExit {
    /// The exit status, if the command exited.
    pub status: Option<i32>,
    /// The number of the signal that ended the command, if one did.
    pub signal: Option<i32>,
    /// `true` if the command was ended because its time had passed.
    pub timed_out: bool,
}

impl CommandExit {
    /// Returns `true` if the command exited with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Some(0)
    }
}

/// The result of a command that has ended. Output that is not UTF-8 has `U+FFFD` in its place: a
/// program that needs the bytes [starts](crate::agent::AgentApi::start) the command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutput {
    /// The exit status, if the command exited.
    pub status: Option<i32>,
    /// The number of the signal that ended the command, if one did.
    pub signal: Option<i32>,
    /// `true` if the command was ended because its time had passed.
    pub timed_out: bool,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
    /// `true` if there was more output, which was discarded.
    pub truncated: bool,
}

impl CommandOutput {
    /// Returns `true` if the command exited with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Some(0)
    }
}

/// An item of the stream of a command. The last one is `Exit`, unless the agent or the connection
/// ended before the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandEvent {
    /// Bytes of the standard output.
    Stdout(Bytes),
    /// Bytes of the standard error.
    Stderr(Bytes),
    /// The command has ended, and all of its output was sent.
    Exit(CommandExit),
}

/// A command that runs.
#[derive(Debug, Serialize, Deserialize)]
pub struct StartedCommand {
    /// The process, to which signals can be sent.
    pub process: Remote<dyn CommandApi>,
    /// The output, and then the end. A slow reader slows the command down. Dropping the stream ends
    /// the command.
    pub events: Stream<CommandEvent>,
}

/// The methods of a command that runs.
#[client]
pub trait CommandApi {
    /// Returns the id of the process, which is also that of its process group.
    async fn pid(&self) -> Result<u32, CallError>;

    /// Sends a signal to all processes of the group of the command. Returns `false` if the command
    /// has ended.
    async fn signal(&self, signal: Signal) -> Result<bool, CallError>;
}
