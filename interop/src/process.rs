//! Processes of the peers' programs, which exit with this process.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

/// Maximum duration of a program: much more than any needs on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Runs a program until it exits, and returns its standard output and standard error.
pub(crate) async fn run(command: Command) -> Result<(String, String)> {
    let program = command.get_program().display().to_string();
    let child = start(command)?;
    let output = timeout(TIMEOUT, child.wait_with_output()).await;
    let output = output.with_context(|| format!("{program} does not exit in time"))??;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let status = output.status;
    ensure!(
        status.success(),
        "{program}: {status}\n{out}{}",
        stderr.trim_end()
    );
    Ok((out, stderr))
}

/// A server program, which is killed on drop.
pub(crate) struct ServerProcess {
    pub(crate) url: String,
    child: Child,
    stderr: Arc<Mutex<String>>,
}

impl ServerProcess {
    /// Starts a server and waits for its URL.
    pub(crate) async fn start(command: Command) -> Result<Self> {
        let program = command.get_program().display().to_string();
        let mut child = start(command)?;
        let out = child.stdout.take().context("it is piped")?;
        let stderr = Arc::default();
        let err = child.stderr.take().context("it is piped")?;
        tokio::spawn(collect(err, Arc::clone(&stderr)));
        let mut out = BufReader::new(out);
        let mut url = String::new();
        let read = timeout(TIMEOUT, out.read_line(&mut url)).await;
        read.with_context(|| format!("{program} prints no URL"))??;
        // Further output is not needed, but must be read so that the program does not block.
        tokio::spawn(collect(out, Arc::default()));
        let server = Self {
            url: url.trim().to_owned(),
            child,
            stderr,
        };
        if !server.url.starts_with("http://") {
            bail!(
                "{program} prints `{}` as its URL\n{}",
                server.url,
                server.stderr()
            );
        }
        Ok(server)
    }

    /// Returns the last lines of standard error.
    pub(crate) fn stderr(&self) -> String {
        let all = self.stderr.lock();
        let all = all.unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Kills the server and waits until it has exited.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.signal();
        self.child.wait().await?;
        Ok(())
    }

    /// Kills the server and its child processes.
    fn signal(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // This fails only if all of them have exited.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.signal();
    }
}

fn start(mut command: Command) -> Result<Child> {
    let program = command.get_program().display().to_string();
    // Proxy settings of the user must not affect the peer.
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    command.process_group(0).kill_on_drop(true);
    command
        .spawn()
        .with_context(|| format!("{program} cannot be started"))
}

async fn collect(mut from: impl AsyncRead + Unpin, into: Arc<Mutex<String>>) {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let mut text = into.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
}
