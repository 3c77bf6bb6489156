//! A worker as its supervisor sees it.

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
use crate::workers::sockets::Socket;

/// What is started for each worker.
#[derive(Debug)]
pub(super) struct Program {
    /// The path, as it was when the supervisor began: another file may come to be there.
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

    /// Starts a worker.
    pub(super) fn start(&self, index: usize, socket: &Socket) -> io::Result<WorkerProcess> {
        let (channel, child_end) = StdStream::pair()?;
        channel.set_nonblocking(true)?;
        channel::send(&channel, socket)?;
        let child = Command::new(&self.file)
            .args(&self.arguments)
            .env(VARIABLE, index.to_string())
            .stdin(OwnedFd::from(child_end))
            .spawn()?;
        Ok(WorkerProcess {
            channel: UnixStream::from_std(channel)?,
            child,
        })
    }
}

/// A worker. When this is dropped, the worker finishes and ends.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    channel: UnixStream,
    child: Child,
}

impl WorkerProcess {
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether the worker became ready, rather than ended.
    pub(super) async fn ready(&mut self) -> bool {
        self.channel.read_u8().await.is_ok()
    }

    /// How the worker ended.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Has the worker finish, and ends it when its time is over.
    pub(super) async fn finish(self, time: Duration) {
        let Self { channel, mut child } = self;
        let process = child.id();
        drop(channel);
        match timeout(time, child.wait()).await {
            Ok(Ok(status)) => tracing::info!(process, %status, "a worker stopped"),
            Ok(Err(error)) => tracing::error!(process, %error, "a worker cannot be waited for"),
            Err(_) => {
                tracing::error!(process, "a worker has not finished in time: it is killed");
                if let Err(error) = child.kill().await {
                    tracing::error!(process, %error, "a worker cannot be killed");
                }
            }
        }
    }
}
