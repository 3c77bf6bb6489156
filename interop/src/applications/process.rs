//! An application as a process, in a folder of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

/// How long an application may take to start, to get something done, and to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often we look whether something is done that nobody tells us of.
const LOOK: Duration = Duration::from_millis(20);

/// A running application. It ends when this is dropped.
pub(super) struct Process {
    pub(super) port: u16,
    folder: TempDir,
    child: Child,
}

impl Process {
    /// Starts a program that listens on the port it is told, and waits until it does. `command` is given
    /// the folder and the port.
    pub(super) async fn start(command: impl Fn(&Path, u16) -> Result<Command>) -> Result<Self> {
        // Somebody else may take the port before the program does: then it ends, and another is tried.
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
        bail!("it ends before it listens, whatever the port")
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until it listens. It does not if it ends.
    async fn listens(&mut self) -> Result<bool> {
        let end = Instant::now() + PATIENCE;
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
            sleep(LOOK).await;
        }
        bail!("it does not listen")
    }

    /// Waits until it has ended by itself, as it was told.
    pub(super) async fn ends(mut self) -> Result<()> {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.context("it does not end")??;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Looks again and again until something has come about.
pub(super) async fn until<T>(look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        sleep(LOOK).await;
    }
    bail!("it does not come about")
}
