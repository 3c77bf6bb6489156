//! The process of an application, in a folder of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

/// Maximum time for an application to start, to complete an action, and to exit.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Interval at which conditions are polled.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running application, which is killed on drop.
pub(super) struct Process {
    pub(super) port: u16,
    folder: TempDir,
    child: Child,
}

impl Process {
    /// Starts a program and waits until it listens. `command` gets the folder and the port.
    pub(super) async fn start(command: impl Fn(&Path, u16) -> Result<Command>) -> Result<Self> {
        // Another process may take the port first: then the program exits, and another port is
        // tried.
        for _ in 0..5 {
            let folder = TempDir::new()?;
            let port = free_port()?;
            let mut command = command(folder.path(), port)?;
            let program = command.get_program().display().to_string();
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let mut command = tokio::process::Command::from(command);
            let child = command.kill_on_drop(true).spawn();
            let child = child.with_context(|| format!("{program} cannot be started"))?;
            let mut process = Self {
                port,
                folder,
                child,
            };
            if process.listens().await? {
                return Ok(process);
            }
        }
        bail!("the program exits before it listens, on each of 5 ports")
    }

    /// Returns its folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until the program listens, and returns `false` if it exits instead.
    async fn listens(&mut self) -> Result<bool> {
        let end = Instant::now() + TIMEOUT;
        while Instant::now() < end {
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
                .await
                .is_ok()
            {
                return Ok(true);
            }
            sleep(POLL_INTERVAL).await;
        }
        bail!("the program does not listen in time")
    }

    /// Waits until the program exits, after it was asked to.
    pub(super) async fn exits(mut self) -> Result<()> {
        let status = timeout(TIMEOUT, self.child.wait()).await;
        let status = status.context("the program does not exit in time")??;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Polls `look` until it returns a value.
pub(super) async fn until<T>(look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + TIMEOUT;
    while Instant::now() < end {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        sleep(POLL_INTERVAL).await;
    }
    bail!("the condition is not met in time")
}
