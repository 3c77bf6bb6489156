//! A worker as it sees itself.

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
use crate::workers::sockets::Socket;
use crate::workers::stop::stop_signal;
use crate::workers::worker::{Error, Worker, event_loop};

/// The environment variable that tells a process which worker it is.
pub(super) const VARIABLE: &str = "FARCALL_WORKER";

/// What a worker process was given.
pub(crate) struct ChildWorker {
    index: usize,
    socket: Socket,
    channel: StdStream,
}

/// What the supervisor gave this process, if it is a worker.
pub(crate) fn child_worker() -> io::Result<Option<ChildWorker>> {
    let index = env::var(VARIABLE).ok().and_then(|index| index.parse().ok());
    let (Some(index), stdin) = (index, io::stdin()) else {
        return Ok(None);
    };
    // Programs that a worker starts inherit the variable, but not the channel: see below.
    if rustix::net::getsockname(&stdin) == Err(Errno::NOTSOCK) {
        return Ok(None);
    }
    let socket = channel::receive(&stdin)?;
    let channel = StdStream::from(stdin.as_fd().try_clone_to_owned()?);
    channel.set_nonblocking(true)?;
    let nothing = File::open("/dev/null")?;
    retry_on_intr(|| rustix::stdio::dup2_stdin(&nothing))?;
    Ok(Some(ChildWorker {
        index,
        socket,
        channel,
    }))
}

impl ChildWorker {
    /// Serves until the channel is cut, and gives the exit code of the process.
    pub(crate) fn work(
        self,
        serve: impl Fn(&Runtime, Worker, Duration) -> Result<ShutdownReport, Error>,
        drain_timeout: Duration,
    ) -> i32 {
        let worker = self.index;
        let result = event_loop().map_err(Error::from).and_then(|runtime| {
            let worker = {
                let _entered = runtime.enter();
                self.prepare()?
            };
            let ended = serve(&runtime, worker, drain_timeout);
            // What blocks in the background is not waited for.
            runtime.shutdown_background();
            ended
        });
        match result {
            Ok(ShutdownReport { finished, aborted }) => {
                tracing::info!(worker, finished, aborted, "the worker ends");
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
            // A supervisor that is gone is noticed where the channel is read.
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
    // Watched, so that it does not end the process: it is for the supervisor.
    let hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let _hangup = hangup;
        tokio::select! {
            () = stop_signal => {}
            // Nothing comes but the end.
            _ = channel.read_u8() => {}
        }
        stop.cancel();
    })
}
