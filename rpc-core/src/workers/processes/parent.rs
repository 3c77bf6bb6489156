//! The parent side: a worker process as its supervisor handles it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::channel;
use super::child::VARIABLE;
use crate::transport::Socket;

/// The program of the workers.
#[derive(Debug)]
pub(super) struct Program {
    /// The path when the supervisor started. The file may be replaced, to update the program.
    file: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    pub(super) fn of_this_process() -> io::Result<Self> {
        Ok(Self {
            file: env::current_exe()?,
            arguments: env::args_os().skip(1).collect(),
        })
    }

    /// Starts a worker process and sends it its socket.
    pub(super) fn start(&self, index: usize, socket: &Socket) -> io::Result<WorkerProcess> {
        let (channel, child_end) = StdStream::pair()?;
        channel.set_nonblocking(true)?;
        channel::send(&channel, socket)?;
        let child = Command::new(&self.file)
            .args(&self.arguments)
            .env(VARIABLE, index.to_string())
            // The service manager expects notifications from the supervisor only.
            .env_remove("NOTIFY_SOCKET")
            .stdin(OwnedFd::from(child_end))
            .spawn()?;
        Ok(WorkerProcess {
            channel: UnixStream::from_std(channel)?,
            child,
        })
    }
}

/// A worker process. When this is dropped, the worker finishes and exits.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    channel: UnixStream,
    child: Child,
}

impl WorkerProcess {
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Completes with `true` when the worker is ready, or with `false` when it exited first.
    pub(super) async fn ready(&mut self) -> bool {
        self.channel.read_u8().await.is_ok()
    }

    /// Waits until the worker exits.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Lets the worker finish, and kills it if it has not exited after `time`.
    pub(super) async fn finish(self, time: Duration) {
        let Self { channel, mut child } = self;
        let process = child.id();
        drop(channel);
        match timeout(time, child.wait()).await {
            Ok(Ok(status)) => tracing::info!(process, %status, "a worker stopped"),
            Ok(Err(error)) => tracing::error!(process, %error, "cannot wait for a worker"),
            Err(_) => {
                tracing::error!(process, "a worker did not finish in time and is killed");
                if let Err(error) = child.kill().await {
                    tracing::error!(process, %error, "cannot kill a worker");
                }
            }
        }
    }
}
