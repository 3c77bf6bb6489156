//! A worker slot: keeps one worker process running.

use std::io;
use std::mem::replace;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::parent::WorkerProcess;
use super::{Processes, Supervisor};
use crate::workers::GRACE;
use crate::workers::backoff::Backoff;

pub(super) struct Slot {
    index: usize,
    supervisor: Arc<Supervisor>,
    backoff: Backoff,
    /// Workers that finish their calls and then exit.
    finishing: JoinSet<()>,
}

impl Slot {
    pub(super) fn new(index: usize, supervisor: Arc<Supervisor>) -> Self {
        Self {
            index,
            backoff: Backoff::new(supervisor.processes.workers.restart_pause),
            supervisor,
            finishing: JoinSet::new(),
        }
    }

    /// Runs workers until the server stops, and returns when all have exited.
    pub(super) async fn run(mut self, mut reloads: watch::Receiver<u64>) {
        let worker = self.index;
        let mut pause = Duration::ZERO;
        let stop = self.supervisor.stop.clone();
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            let begin = Instant::now();
            // Reloads requested before its start do not concern the new worker.
            let reload = *reloads.borrow_and_update();
            let started = self.start();
            self.is_done(reload);
            match started {
                Ok(None) => break,
                Ok(Some(process)) => match self.watch(process, &mut reloads).await {
                    None => break,
                    Some(Ok(status)) => tracing::error!(worker, %status, "a worker exited"),
                    Some(Err(error)) => tracing::error!(worker, %error, "a worker is lost"),
                },
                Err(error) => tracing::error!(worker, %error, "cannot start a worker"),
            }
            pause = self.backoff.after(begin.elapsed());
            tracing::info!(worker, ?pause, "the worker is restarted");
        }
        while self.finishing.join_next().await.is_some() {}
    }

    /// Starts a worker. `None` once the server stops.
    fn start(&self) -> io::Result<Option<WorkerProcess>> {
        let Processes {
            sockets, program, ..
        } = &self.supervisor.processes;
        let Some(socket) = sockets.for_worker(self.index)? else {
            return Ok(None);
        };
        let process = program.start(self.index, &socket)?;
        tracing::info!(
            worker = self.index,
            process = process.id(),
            "a worker starts"
        );
        Ok(Some(process))
    }

    /// Waits until the worker or a successor exits. `None` if the server stops.
    async fn watch(
        &mut self,
        mut process: WorkerProcess,
        reloads: &mut watch::Receiver<u64>,
    ) -> Option<io::Result<ExitStatus>> {
        let drain_timeout = self.supervisor.processes.workers.drain_timeout;
        let drain_timeout = drain_timeout.saturating_add(GRACE);
        loop {
            tokio::select! {
                () = self.supervisor.stop.cancelled() => {
                    process.finish(drain_timeout).await;
                    return None;
                }
                Ok(()) = reloads.changed() => {
                    let reload = *reloads.borrow_and_update();
                    if let Some(new) = self.successor().await {
                        let old = replace(&mut process, new);
                        self.finishing.spawn(old.finish(drain_timeout));
                    }
                    self.is_done(reload);
                }
                Some(_) = self.finishing.join_next() => {}
                result = process.wait() => return Some(result),
            }
        }
    }

    /// Reports that this slot has done its part of a reload.
    fn is_done(&self, reload: u64) {
        self.supervisor.done.send_modify(|done| {
            if let Some(done) = done.get_mut(self.index) {
                *done = reload;
            }
        });
    }

    /// Starts a successor and waits until it is ready.
    async fn successor(&self) -> Option<WorkerProcess> {
        let worker = self.index;
        let Supervisor {
            stop, replacing, ..
        } = &*self.supervisor;
        // Slots take turns, so that a program that cannot serve does no harm.
        let _guard = stop.run_until_cancelled(replacing.lock()).await?;
        let started = self.start().inspect_err(|error| {
            tracing::error!(worker, %error, "cannot replace the worker");
        });
        let mut successor = started.ok()??;
        tokio::select! {
            // The caller stops the successor like the old worker, and waits for both.
            () = stop.cancelled() => {}
            ready = successor.ready() => if !ready {
                tracing::error!(worker, "the new worker exited; the old one stays");
                return None;
            },
        }
        Some(successor)
    }
}
