//! Groups from commands.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use super::{GroupError, GroupMembers, GroupSource, GroupTable};

/// Bytes of error output that an error shows.
const SHOWN: usize = 512;

/// Groups that commands tell, as those of clush do: `sinfo -h -o %N -p $GROUP`.
///
/// Each is a line of the shell `sh`, in whose environment `GROUP` is the name of the group. It is
/// no part of the line, so a group cannot be a command. It writes hosts in the notation of a
/// [`HostSet`](crate::HostSet), over as many lines as it likes. Standard input is empty. If it
/// fails, its group is an error; a group without hosts is none.
///
/// ```
/// use farcall::cluster::{CommandGroups, HostGroups};
///
/// # async fn example() -> Result<(), farcall::cluster::ResolveError> {
/// let commands = CommandGroups::map("echo $GROUP-[1-3]").list("echo red blue");
/// let groups = HostGroups::new().source("echo", commands);
/// assert_eq!(groups.resolve("@red").await?.to_string(), "red-[1-3]");
/// assert_eq!(groups.resolve("@*").await?.to_string(), "blue-[1-3],red-[1-3]");
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(example()).unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct CommandGroups {
    map: Option<String>,
    map_all: Option<String>,
    list: Option<String>,
    all: Option<String>,
    folder: Option<PathBuf>,
    timeout: Duration,
    max_output: usize,
    /// The output of `map_all`.
    table: OnceCell<GroupTable>,
}

impl CommandGroups {
    /// Creates a source from a command that writes the hosts of the group `$GROUP`.
    pub fn map(command: impl Into<String>) -> Self {
        Self::new(Some(command.into()), None)
    }

    /// Creates a source from a command that writes lines `GROUP: HOSTS` for all groups.
    pub fn map_all(command: impl Into<String>) -> Self {
        Self::new(None, Some(command.into()))
    }

    fn new(map: Option<String>, map_all: Option<String>) -> Self {
        Self {
            map,
            map_all,
            list: None,
            all: None,
            folder: None,
            timeout: Duration::from_secs(10),
            max_output: 4 * 1024 * 1024,
            table: OnceCell::new(),
        }
    }

    /// Command that writes the names of all groups, for `@*` and for completion.
    ///
    /// Default: none; the groups of [`map_all`](Self::map_all) are known without.
    pub fn list(mut self, command: impl Into<String>) -> Self {
        self.list = Some(command.into());
        self
    }

    /// Command that writes all hosts, for `@*`.
    ///
    /// Default: none, so that `@*` are the hosts of all groups.
    pub fn all(mut self, command: impl Into<String>) -> Self {
        self.all = Some(command.into());
        self
    }

    /// Folder in which the commands run.
    ///
    /// Default: the current one.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Maximum time for one command, which is then killed with all that it started.
    ///
    /// Default: 10 seconds, since somebody waits for it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Maximum bytes that a command may write.
    ///
    /// Default: 4 MiB, as for any text with hosts.
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Runs a command, and returns its output.
    async fn run(&self, command: &str, group: &str) -> Result<String, GroupError> {
        let start = |source| GroupError::Start {
            command: command.to_owned(),
            source,
        };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).env("GROUP", group);
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        shell.kill_on_drop(true);
        // A group of its own, so that what the shell starts ends with it.
        #[cfg(unix)]
        shell.process_group(0);
        if let Some(folder) = &self.folder {
            shell.current_dir(folder);
        }
        let mut running = RunningCommand(shell.spawn().map_err(start)?);
        let child = &mut running.0;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let output = async {
            let (output, errors) = tokio::try_join!(
                read(stdout, self.max_output, true),
                read(stderr, SHOWN, false)
            )
            .map_err(start)?;
            if output.len() > self.max_output {
                return Err(GroupError::TooLong(self.max_output));
            }
            Ok((output, errors, child.wait().await.map_err(start)?))
        };
        let output = tokio::time::timeout(self.timeout, output).await;
        let (output, errors, status) = output.map_err(|_| GroupError::TimedOut(self.timeout))??;
        if !status.success() {
            return Err(GroupError::Failed {
                command: command.to_owned(),
                status: status.to_string(),
                stderr: String::from_utf8_lossy(&errors).into_owned(),
            });
        }
        String::from_utf8(output).map_err(|_| GroupError::NotUtf8)
    }

    async fn table(&self, command: &str) -> Result<&GroupTable, GroupError> {
        let table = async || {
            let output = self.run(command, "").await?;
            GroupTable::from_lines(&output).map_err(|error| GroupError::Other(error.into()))
        };
        self.table.get_or_try_init(table).await
    }
}

/// A command that runs. On drop, it is killed with all that it started.
struct RunningCommand(Child);

impl Drop for RunningCommand {
    fn drop(&mut self) {
        // The id is known until the process has been waited for; the group has that of its leader.
        #[cfg(unix)]
        if let Some(group) = self
            .0
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id as i32))
        {
            // It may have ended meanwhile.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Reads at most one byte more than the limit. If it `ends` there, what follows is not read.
async fn read(
    source: Option<impl AsyncRead + Unpin>,
    limit: usize,
    ends: bool,
) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut source) = source else {
        return Ok(bytes);
    };
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    (&mut source).take(most).read_to_end(&mut bytes).await?;
    if !ends {
        tokio::io::copy(&mut source, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

impl GroupSource for CommandGroups {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        async move {
            match (&self.map, &self.map_all) {
                (Some(command), _) => {
                    let hosts = self.run(command, group).await?;
                    Ok(Some(GroupMembers::new(hosts)))
                }
                (None, Some(command)) => self.table(command).await?.members(group).await,
                (None, None) => Ok(None),
            }
        }
        .boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async move {
            match (&self.list, &self.map_all) {
                (Some(command), _) => {
                    let names = self.run(command, "").await?;
                    Ok(names.split_whitespace().map(ToOwned::to_owned).collect())
                }
                (None, Some(command)) => self.table(command).await?.names().await,
                (None, None) => Err(GroupError::NoNames),
            }
        }
        .boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<Option<GroupMembers>, GroupError>> {
        async move {
            match &self.all {
                Some(command) => Ok(Some(GroupMembers::new(self.run(command, "").await?))),
                None => Ok(None),
            }
        }
        .boxed()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use farcall_core::protocol::output::Causes;

    use super::*;
    use crate::hosts::HostGroups;

    async fn resolve(source: CommandGroups, text: &str) -> String {
        match HostGroups::new().source("c", source).resolve(text).await {
            Ok(hosts) => hosts.to_string(),
            Err(error) => Causes(&error).to_string(),
        }
    }

    #[tokio::test]
    async fn commands_tell_groups() {
        let map = || CommandGroups::map("echo \"$GROUP-[1-2]\"; echo x");
        assert_eq!(resolve(map(), "@a").await, "a-[1-2],x");
        assert_eq!(
            resolve(map().list("echo a; echo b"), "@*").await,
            "a-[1-2],b-[1-2],x"
        );
        assert_eq!(resolve(map().all("echo n[1-3]"), "@*").await, "n[1-3]");
        let map_all = || CommandGroups::map_all("echo 'a: n1'; echo 'b: @a,n2'");
        assert_eq!(resolve(map_all(), "@b").await, "n[1-2]");
        assert_eq!(resolve(map_all(), "@*").await, "n[1-2]");
        assert_eq!(
            resolve(map_all(), "@c").await,
            "there is no group @c:c: there are a, b"
        );
        assert_eq!(
            resolve(CommandGroups::map("pwd").folder("/"), "@a!/").await,
            ""
        );
    }

    #[tokio::test]
    async fn mistakes_of_commands() {
        let map = CommandGroups::map;
        assert_eq!(
            resolve(map("echo no such partition >&2; exit 3"), "@a").await,
            "the group @c:a: the command `echo no such partition >&2; exit 3` failed (exit status: \
             3): no such partition"
        );
        assert_eq!(
            resolve(map("echo \"n[1-\""), "@a").await,
            "the members of @c:a: column 2: `[` without `]`"
        );
        assert_eq!(
            resolve(map("printf 'a\\377'"), "@a").await,
            "the group @c:a: the answer is not UTF-8"
        );
        assert_eq!(
            resolve(CommandGroups::map_all("echo a"), "@a").await,
            "the group @c:a: line 1: no group: lines are NAME: HOSTS"
        );
        let missing = resolve(map("echo a").folder("/nonexistent"), "@a").await;
        assert!(
            missing.starts_with("the group @c:a: the command `echo a` cannot run: "),
            "{missing}"
        );
    }

    /// The name of a group is no part of the command line.
    #[tokio::test]
    async fn a_group_is_no_command() {
        let source = CommandGroups::map("echo $GROUP | tr -c 'a-z\\n' _");
        assert_eq!(resolve(source, "@a@b").await, "a_b");
        let source = CommandGroups::map("echo n1");
        let error = resolve(source, "@a;reboot").await;
        assert_eq!(error, "column 3: ';' cannot be part of a name");
    }

    #[tokio::test]
    async fn a_command_has_limits_and_ends_with_all_that_it_started() {
        let source = CommandGroups::map("yes").max_output(1000);
        assert_eq!(
            resolve(source, "@a").await,
            "the group @c:a: the answer has more than 1000 bytes"
        );
        // Its error output is read, but not kept.
        let source = CommandGroups::map("head -c 1000000 /dev/zero >&2; echo n1");
        assert_eq!(resolve(source, "@a").await, "n1");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("late");
        let command = format!("(sleep 1; touch {}) & sleep 100; echo a", file.display());
        let begin = Instant::now();
        let source = CommandGroups::map(command).timeout(Duration::from_millis(200));
        assert_eq!(
            resolve(source, "@a").await,
            "the group @c:a: no answer within 200ms"
        );
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!file.exists(), "what the command started runs on");
    }
}
