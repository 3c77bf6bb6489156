//! Workers that are processes of their own.
//!
//! The supervisor opens the sockets and starts this program for each worker, with one side of a
//! socket pair as its standard input: the *channel*. Over it the worker receives its listening
//! socket and reports that it is ready. When the channel closes, because the supervisor closed it
//! or exited, the worker finishes its calls and exits.

mod channel;
mod child;
mod parent;
mod slot;

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) use self::child::child_worker;
use self::parent::Program;
use self::slot::Slot;
use super::sockets::Sockets;
use super::stop::stop_signal;
use super::worker::event_loop;
use super::{Workers, manager};
use crate::transport::Address;

/// The supervisor of workers that are processes, with open sockets. Created by
/// [`Workers::processes`].
#[derive(Debug)]
#[must_use = "workers do nothing until they are run"]
pub struct Processes {
    workers: Workers,
    sockets: Sockets,
    program: Program,
}

/// The state that the slots of the workers share.
struct Supervisor {
    processes: Processes,
    stop: CancellationToken,
    /// Held by the slot whose worker is being replaced.
    replacing: Mutex<()>,
    /// For each slot, the last reload that its worker is not older than.
    done: watch::Sender<Vec<u64>>,
}

impl Processes {
    pub(super) fn new(workers: Workers, address: &Address) -> io::Result<Self> {
        Ok(Self {
            sockets: Sockets::bind(address, workers.count, workers.mode)?,
            program: Program::of_this_process()?,
            workers,
        })
    }

    /// The address that clients connect to, with the actual port.
    #[must_use]
    pub fn local_address(&self) -> &Address {
        self.sockets.address()
    }

    /// Serves until the process receives a signal to stop, waits for the workers to finish running
    /// calls, and returns.
    ///
    /// | signal | to the supervisor | to a worker |
    /// |---|---|---|
    /// | SIGTERM, SIGINT (Ctrl-C) | stops | finishes its calls and is restarted |
    /// | SIGHUP | replaces all workers, one after the other | no effect |
    ///
    /// The new workers run the current content of the program file. A worker that is replaced
    /// serves until its successor is ready, and then finishes. If the successor exits instead, the
    /// old worker stays. If the supervisor dies, its workers finish and exit.
    ///
    /// # Errors
    /// If the system cannot watch signals.
    ///
    /// # Panics
    /// If called within an event loop.
    pub fn run(self) -> io::Result<()> {
        event_loop()?.block_on(self.supervise())
    }

    async fn supervise(self) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut stop_signal = std::pin::pin!(stop_signal()?);
        let count = self.workers.count;
        let (reload, reloads) = watch::channel(0_u64);
        let (done, mut all_done) = watch::channel(vec![0; count]);
        let supervisor = Arc::new(Supervisor {
            processes: self,
            stop: CancellationToken::new(),
            replacing: Mutex::default(),
            done,
        });
        let mut slots = JoinSet::new();
        for index in 0..count {
            let slot = Slot::new(index, Arc::clone(&supervisor));
            slots.spawn(slot.run(reloads.clone()));
        }
        tokio::spawn(manager::feed_watchdog());
        // The sockets are open: peers that connect wait for the workers.
        manager::ready();
        let mut is_reloading = false;
        loop {
            let reloaded =
                all_done.wait_for(|done| done.iter().all(|&done| done == *reloads.borrow()));
            tokio::select! {
                () = &mut stop_signal => break,
                Some(()) = hangup.recv() => {
                    tracing::info!("replacing the workers");
                    manager::reloading();
                    is_reloading = true;
                    reload.send_modify(|reload| *reload += 1);
                }
                Ok(_) = reloaded, if is_reloading => {
                    is_reloading = false;
                    manager::ready();
                }
            }
        }
        manager::stopping();
        // Closed first, so that a worker that then closes its socket closes the last duplicate.
        supervisor.processes.sockets.close();
        supervisor.stop.cancel();
        slots.join_all().await;
        Ok(())
    }
}
