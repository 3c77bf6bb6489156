//! Handlers that block.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use tokio::sync::oneshot;

/// Runs `work` in a thread of its own: the threads of the event loop for blocking work are fewer
/// than connections, and others need them. Its panic goes on in the future. If that is dropped, the
/// thread goes on.
pub(super) fn run(
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> impl Future<Output = io::Result<()>> + Send {
    let (done, ended) = oneshot::channel();
    let started = thread::Builder::new()
        .name("handler".to_owned())
        .spawn(move || done.send(catch_unwind(AssertUnwindSafe(work))));
    async move {
        started?;
        match ended.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Ok(()),
        }
    }
}
