//! The child side: a worker in its own process.

use std::env;
use std::fs::File;
use std::future::Future;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as StdStream;
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::channel;
use crate::serve::ShutdownReport;
use crate::transport::Socket;
use crate::workers::stop::stop_signal;
use crate::workers::worker::{Worker, WorkerError, event_loop};

/// The environment variable with the number of the worker.
pub(super) const VARIABLE: &str = "FARCALL_WORKER";

/// A worker process: its number, listening socket, and channel to the supervisor.
pub(crate) struct ChildWorker {
    index: usize,
    socket: Socket,
    channel: StdStream,
}

/// Returns the worker of this process, as the supervisor set it up, or `None` if this process is
/// not a worker.
pub(crate) fn child_worker() -> io::Result<Option<ChildWorker>> {
    let index = env::var(VARIABLE).ok().and_then(|index| index.parse().ok());
    let (Some(index), stdin) = (index, io::stdin()) else {
        return Ok(None);
    };
    // Programs that a worker starts inherit the variable but not the channel, which is no longer
    // their standard input (see below).
    if rustix::net::getsockname(&stdin) == Err(Errno::NOTSOCK) {
        return Ok(None);
    }
    let socket = channel::receive(&stdin)?;
    let channel = StdStream::from(stdin.as_fd().try_clone_to_owned()?);
    channel.set_nonblocking(true)?;
    let null = File::open("/dev/null")?;
    retry_on_intr(|| rustix::stdio::dup2_stdin(&null))?;
    Ok(Some(ChildWorker {
        index,
        socket,
        channel,
    }))
}

impl ChildWorker {
    /// Serves until the channel closes. Returns the exit code of the process.
    pub(crate) fn work(
        self,
        serve: impl Fn(&Runtime, Worker, Duration) -> Result<ShutdownReport, WorkerError>,
        drain_timeout: Duration,
    ) -> i32 {
        let worker = self.index;
        let result = event_loop().map_err(WorkerError::from).and_then(|runtime| {
            let worker = {
                let _entered = runtime.enter();
                self.prepare()?
            };
            let result = serve(&runtime, worker, drain_timeout);
            // Blocking tasks in the background are not waited for.
            runtime.shutdown_background();
            result
        });
        match result {
            Ok(ShutdownReport { finished, aborted }) => {
                tracing::info!(worker, finished, aborted, "the worker exits");
                0
            }
            Err(error) => {
                let error: &dyn std::error::Error = &*error;
                tracing::error!(worker, error, "the worker failed");
                1
            }
        }
    }

    fn prepare(self) -> io::Result<Worker> {
        let mut ready = self.channel.try_clone()?;
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_stop(stop.clone(), self.channel)?);
        let worker = Worker::new(self.index, self.socket, stop);
        Ok(worker.on_ready(move || {
            // An error means that the supervisor exited, which the reader of the channel detects.
            let _ = ready.write_all(channel::BYTE);
        }))
    }
}

fn cancel_on_stop(
    stop: CancellationToken,
    channel: StdStream,
) -> io::Result<impl Future<Output = ()>> {
    let mut channel = UnixStream::from_std(channel)?;
    let stop_signal = stop_signal()?;
    // SIGHUP is meant for the supervisor: watching it keeps it from terminating this process.
    let hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let _hangup = hangup;
        tokio::select! {
            () = stop_signal => {}
            // The supervisor never writes: reading completes when the channel closes.
            _ = channel.read_u8() => {}
        }
        stop.cancel();
    })
}
