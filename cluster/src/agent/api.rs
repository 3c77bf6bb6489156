//! The calls to an agent.

use bytes::Bytes;
use farcall_conn::rpc::Stream;
use farcall_core::{CallError, client};

use super::facts::Facts;
use super::files::{Download, FilePrefix, FileStat, PutOptions, StoredFile};
use super::processes::ProcessFacts;
use super::run::{CommandOptions, CommandOutput, StartedCommand};
use super::signal::Signal;

/// The methods of the modules of an [`Agent`](super::Agent), for every client. A module that is off
/// has no methods: its calls fail as [`UnknownMethod`](farcall_core::FaultKind::UnknownMethod).
/// Calls that the agent [does not permit](super::Allow) fail as
/// [`Denied`](farcall_core::FaultKind::Denied).
///
/// Calls with a [`Stream`] need a [`rpc::Client`](farcall_conn::rpc::Client); the others also work
/// from the command: `farcall call conn+rpc://node:7000 run.output '["uname", "-a"]'`.
///
/// A call takes at most the [timeout](farcall_conn::rpc::SessionOptions::timeout) of its client, by
/// default a minute. For commands and files that take longer, set another with
/// [`within`](farcall_conn::rpc::Client::within).
#[client]
pub trait AgentApi {
    /// Returns all facts about the machine.
    #[client(name = "facts.all", idempotent)]
    async fn facts(&self) -> Result<Facts, CallError>;

    /// Returns all processes, by id.
    #[client(name = "processes.list", idempotent)]
    async fn processes(&self) -> Result<Vec<ProcessFacts>, CallError>;

    /// Sends a signal to a process. Returns `false` if there is none with this id, or if it was
    /// not started at `started`, in seconds since 1970.
    #[client(name = "processes.signal")]
    async fn signal_process(
        &self,
        pid: u32,
        signal: Signal,
        started: Option<u64>,
    ) -> Result<bool, CallError>;

    /// Runs a program with arguments, without a shell, and returns its status and output. It is
    /// ended if the call is dropped. A command that cannot be started did not run.
    #[client(name = "run.output")]
    async fn run(
        &self,
        argv: &[&str],
        options: Option<CommandOptions>,
    ) -> Result<CommandOutput, CallError>;

    /// Starts a program with arguments, without a shell, and returns its process and the stream of
    /// its output. It is ended if the stream is dropped.
    #[client(name = "run.start")]
    async fn start(
        &self,
        argv: &[&str],
        options: Option<CommandOptions>,
        stdin: Option<Stream<Bytes>>,
    ) -> Result<StartedCommand, CallError>;

    /// Returns the metadata of a file. A symbolic link is not followed.
    #[client(name = "files.stat", idempotent)]
    async fn stat_file(&self, path: &str) -> Result<FileStat, CallError>;

    /// Returns the metadata of the entries of a directory, by name.
    #[client(name = "files.list", idempotent)]
    async fn list_files(&self, path: &str) -> Result<Vec<FileStat>, CallError>;

    /// Returns the length and the SHA-256 of a file.
    #[client(name = "files.checksum", idempotent)]
    async fn checksum_file(&self, path: &str) -> Result<StoredFile, CallError>;

    /// Removes a file, a symbolic link or an empty directory. Returns `false` if there is none.
    #[client(name = "files.remove")]
    async fn remove_file(&self, path: &str) -> Result<bool, CallError>;

    /// Returns the metadata and the content of a file. If the local side has its beginning already,
    /// only the rest follows.
    #[client(name = "files.get")]
    async fn get_file(&self, path: &str, prefix: Option<FilePrefix>)
    -> Result<Download, CallError>;

    /// Puts a file in its place, at once and only when it is complete.
    #[client(name = "files.put")]
    async fn put_file(
        &self,
        path: &str,
        content: Stream<Bytes>,
        options: Option<PutOptions>,
    ) -> Result<StoredFile, CallError>;

    /// Returns what an earlier call has left of a file that has this SHA-256 when it is complete,
    /// if it was [resumable](PutOptions::resumable).
    #[client(name = "files.partial", idempotent)]
    async fn partial_file(&self, path: &str, sha256: &str)
    -> Result<Option<FilePrefix>, CallError>;

    /// Returns the last lines of a file, by default none, and then those that are written to it.
    #[client(name = "tail.follow")]
    async fn tail_file(&self, path: &str, last: Option<u32>) -> Result<Stream<String>, CallError>;
}
