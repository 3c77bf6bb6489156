//! The server's machine: starts, stops, crashes and vanishes.

use std::time::Duration;

use farcall::rpc::{Server, ServerOptions};
use farcall::serve::ShutdownReport;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::HANG_TIMEOUT;
use super::ledger::Ledger;
use super::network::Network;
use super::service::Workshop;

pub(crate) struct Host {
    network: Network,
    ledger: Ledger,
    options: ServerOptions,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<ShutdownReport>,
}

impl Host {
    pub(crate) fn new(network: Network, ledger: Ledger, options: ServerOptions) -> Self {
        Self {
            network,
            ledger,
            options: options.drain_timeout(Duration::from_secs(3)),
            running: None,
        }
    }

    /// Starts a server, unless one is running.
    pub(crate) async fn start(&mut self) {
        if self.running.is_some() {
            return;
        }
        self.ledger.event("the server starts");
        let listener = farcall::conn::Listener::over(self.network.listen());
        let server = Server::with_options(self.options.clone());
        server
            .register_instance(Workshop::new(&self.ledger))
            .unwrap();
        let bound = server.listen(listener).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async {
                // A dropped sender must not stop the server.
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            bound.serve_until(stopped).await
        });
        self.running = Some(Running { stop, task });
    }

    /// Ends the server's process at once.
    pub(crate) async fn crash(&mut self) {
        self.network.refuse();
        self.end().await;
    }

    /// Makes the machine vanish, without any notice to the clients.
    pub(crate) async fn vanish(&mut self) {
        self.network.silence();
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
            // The error only says that the task was aborted.
            let _ = running.task.await;
        }
    }

    /// Stops gracefully, and returns the number of connections that had to be aborted.
    pub(crate) async fn stop(&mut self) -> usize {
        let Some(running) = self.running.take() else {
            return 0;
        };
        self.ledger.event("the server stops");
        let _ = running.stop.send(());
        match timeout(HANG_TIMEOUT, running.task).await {
            Ok(drained) => {
                self.network.refuse();
                drained.unwrap().aborted
            }
            Err(_) => {
                self.ledger.violation("the server does not stop");
                0
            }
        }
    }
}
