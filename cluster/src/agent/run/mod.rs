//! The module `run`: commands.

mod group;
mod spawn;
mod supervise;
mod types;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_conn::rpc::{Remote, Stream};
use farcall_core::protocol::output::Foreign;
use farcall_core::{Context, Fault, FaultKind, service};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::group::ProcessGroup;
use self::spawn::{Plan, spawn};
use self::supervise::RunningCommand;
pub use self::types::{
    CommandApi, CommandEvent, CommandExit, CommandOptions, CommandOutput, StartedCommand,
};
use super::options::RunOptions;
use super::signal::Signal;

/// Number of events that a command may be ahead of its stream.
const EVENTS_AHEAD: usize = 2;

/// Time within which a caller must take the rest of the output of a command that has ended.
const REST: Duration = Duration::from_secs(60);

/// Number of arguments of a command in the log.
const SHOWN: usize = 64;

/// The service of the module.
pub(super) struct Runner {
    options: RunOptions,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Runner {
    pub(super) fn new(options: RunOptions, tasks: TaskTracker) -> Self {
        Self {
            places: Arc::new(Semaphore::new(options.max_commands)),
            options,
            tasks,
        }
    }

    /// Starts a command, and supervises it until its end.
    async fn begin(
        &self,
        context: &Context,
        argv: Vec<String>,
        options: CommandOptions,
        stdin: Option<Stream<Bytes>>,
    ) -> Result<(Arc<ProcessGroup>, Stream<CommandEvent>), Fault> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let max = self.options.max_commands;
            let message = format!("{max} commands run already");
            Fault::of(FaultKind::Overloaded, message)
        })?;
        let mut options = options;
        let user = self.user(options.user.take())?;
        let input = options.input.take();
        let longest = self.options.timeout;
        let timeout = options.timeout_ms.map_or(longest, Duration::from_millis);
        let shown = format!("{:?}", argv.get(..SHOWN).unwrap_or(&argv));
        let (caller, argv_shown) = (context.identity(), Foreign::excerpt(shown));
        tracing::info!(%caller, user = user.as_deref(), argv = %argv_shown, "command");
        let directory = options
            .directory
            .take()
            .map_or_else(|| self.options.directory.clone(), Into::into);
        let child = spawn(Plan {
            argv,
            options,
            directory,
            user,
            has_input: input.is_some() || stdin.is_some(),
        })
        .await?;
        let ended = || Fault::internal("the command has no process");
        let group = Arc::new(ProcessGroup::of(&child).ok_or_else(ended)?);
        let running = RunningCommand {
            child,
            group: Arc::clone(&group),
            input,
            stdin,
            timeout: timeout.min(longest),
            grace: self.options.grace,
            rest: REST,
            _place: place,
        };
        let (sender, events) = Stream::channel(EVENTS_AHEAD);
        self.tasks.spawn(running.supervise(sender));
        Ok((group, events))
    }

    /// Returns the user that a command runs as, unless it is that of the agent.
    fn user(&self, asked: Option<String>) -> Result<Option<String>, Fault> {
        let Some(asked) = asked else {
            return Ok(self.options.user.clone());
        };
        let own = self.options.user.iter();
        if own.chain(&self.options.users).any(|user| *user == asked) {
            return Ok(Some(asked));
        }
        let message = format!("commands do not run as `{}`", Foreign::excerpt(&asked));
        Err(Fault::of(FaultKind::Denied, message))
    }
}

#[service(prefix = "run")]
impl Runner {
    /// Runs a command, without a shell, and returns its status and its output. Arguments: `argv`,
    /// the program and its arguments; optionally `options`, a struct of `env`, `directory`, `user`,
    /// `timeout_ms`, `max_output` and `input`. The command is ended if the caller goes.
    #[service]
    async fn output(
        &self,
        context: &Context,
        argv: Vec<String>,
        options: Option<CommandOptions>,
    ) -> Result<CommandOutput, Fault> {
        let options = options.unwrap_or_default();
        let most = self.options.max_output;
        let most = options.max_output.map_or(most, |bytes| bytes.min(most));
        let (_group, mut events) = self.begin(context, argv, options, None).await?;
        let mut stdout = Collected::new(most);
        let mut stderr = Collected::new(most);
        while let Some(event) = events.next().await {
            match event {
                Ok(CommandEvent::Stdout(bytes)) => stdout.add(&bytes),
                Ok(CommandEvent::Stderr(bytes)) => stderr.add(&bytes),
                Ok(CommandEvent::Exit(exit)) => {
                    return Ok(CommandOutput {
                        status: exit.status,
                        signal: exit.signal,
                        timed_out: exit.timed_out,
                        truncated: stdout.is_truncated || stderr.is_truncated,
                        stdout: stdout.into_text(),
                        stderr: stderr.into_text(),
                    });
                }
                Err(error) => return Err(Fault::internal(error)),
            }
        }
        Err(Fault::internal("the end of the command is unknown"))
    }

    /// Starts a command, without a shell, and returns its process and the stream of its output,
    /// whose last item is the end. Arguments: `argv` and optionally `options`, as of `run.output`;
    /// optionally `stdin`, a stream of bytes. The command is ended if the stream is dropped.
    #[service]
    async fn start(
        &self,
        context: &Context,
        argv: Vec<String>,
        options: Option<CommandOptions>,
        stdin: Option<Stream<Bytes>>,
    ) -> Result<StartedCommand, Fault> {
        let options = options.unwrap_or_default();
        let (group, events) = self.begin(context, argv, options, stdin).await?;
        Ok(StartedCommand {
            process: Remote::new(CommandProcess(group)),
            events,
        })
    }
}

/// The object of a command that runs.
struct CommandProcess(Arc<ProcessGroup>);

#[service]
impl CommandProcess {
    /// Returns the id of the process, which is also that of its process group.
    #[service]
    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal to all processes of the group of the command. Returns `false` if the command
    /// has ended.
    #[service]
    fn signal(&self, signal: Signal) -> std::io::Result<bool> {
        self.0.signal(signal.raw())
    }
}

/// The beginning of an output.
struct Collected {
    bytes: Vec<u8>,
    most: usize,
    is_truncated: bool,
}

impl Collected {
    fn new(most: u64) -> Self {
        Self {
            bytes: Vec::new(),
            most: usize::try_from(most).unwrap_or(usize::MAX),
            is_truncated: false,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(self.most.saturating_sub(self.bytes.len()));
        self.is_truncated |= fits < bytes.len();
        self.bytes
            .extend_from_slice(bytes.get(..fits).unwrap_or_default());
    }

    fn into_text(self) -> String {
        String::from_utf8(self.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}
