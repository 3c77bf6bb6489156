//! The threads of calls of many hosts.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// Number of threads: on one of them, short results go on while another one decodes a long result.
const THREADS: usize = 2;

/// The threads of calls. The first thread of the command has the timers and shows the outcomes.
pub(super) struct Workers(Option<Runtime>);

impl Workers {
    pub(super) fn new() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a future there. It is dropped with what this returns.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        AbortOnDropHandle::new(match &self.0 {
            Some(runtime) => runtime.spawn(future),
            None => tokio::spawn(future),
        })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting would be an error here: this is a thread of asynchronous code.
            runtime.shutdown_background();
        }
    }
}
