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

use super::line;
use crate::serve::ShutdownReport;
use crate::workers::sockets::Socket;
use crate::workers::stop::told_to_stop;
use crate::workers::worker::{Error, Worker, event_loop};

/// The environment variable that tells a process which worker it is.
pub(super) const VARIABLE: &str = "FARCALL_WORKER";

/// What a worker process was given.
pub(crate) struct Post {
    index: usize,
    socket: Socket,
    line: StdStream,
}

/// What the supervisor gave this process, if it is a worker.
pub(crate) fn post() -> io::Result<Option<Post>> {
    let index = env::var(VARIABLE).ok().and_then(|index| index.parse().ok());
    let (Some(index), stdin) = (index, io::stdin()) else {
        return Ok(None);
    };
    // Programs that a worker starts inherit the variable, but not the line: see below.
    if rustix::net::getsockname(&stdin) == Err(Errno::NOTSOCK) {
        return Ok(None);
    }
    let socket = line::receive(&stdin)?;
    let line = StdStream::from(stdin.as_fd().try_clone_to_owned()?);
    line.set_nonblocking(true)?;
    let nothing = File::open("/dev/null")?;
    retry_on_intr(|| rustix::stdio::dup2_stdin(&nothing))?;
    Ok(Some(Post {
        index,
        socket,
        line,
    }))
}

impl Post {
    /// Serves until the line is cut, and gives the exit code of the process.
    pub(crate) fn work(
        self,
        serve: impl Fn(&Runtime, Worker, Duration) -> Result<ShutdownReport, Error>,
        drain_timeout: Duration,
    ) -> i32 {
        let worker = self.index;
        let ended = event_loop().map_err(Error::from).and_then(|runtime| {
            let worker = {
                let _entered = runtime.enter();
                self.prepare()?
            };
            let ended = serve(&runtime, worker, drain_timeout);
            // What blocks in the background is not waited for.
            runtime.shutdown_background();
            ended
        });
        match ended {
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
        let mut ready = self.line.try_clone()?;
        let stop = CancellationToken::new();
        tokio::spawn(cancel_when_told(stop.clone(), self.line)?);
        let worker = Worker::new(self.index, self.socket, stop);
        Ok(worker.on_ready(move || {
            // A supervisor that is gone is noticed where the line is read.
            let _ = ready.write_all(line::BYTE);
        }))
    }
}

fn cancel_when_told(
    stop: CancellationToken,
    line: StdStream,
) -> io::Result<impl Future<Output = ()>> {
    let mut line = UnixStream::from_std(line)?;
    let told_to_stop = told_to_stop()?;
    // Watched, so that it does not end the process: it is for the supervisor.
    let hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let _hangup = hangup;
        tokio::select! {
            () = told_to_stop => {}
            // Nothing comes but the end.
            _ = line.read_u8() => {}
        }
        stop.cancel();
    })
}
