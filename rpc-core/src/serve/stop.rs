//! The signal that stops a server.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use tokio::task::unconstrained;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Stops a server from any thread. Clones stop the same server.
///
/// A handler of Ctrl-C that runs as ordinary code, such as that of the crate `ctrlc`, can call
/// [`stop`](Self::stop). A raw signal handler cannot, since it wakes threads.
///
/// Dropping a handle does not stop the server.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    /// Set before the token is cancelled. Reading it takes no lock.
    is_stopped: AtomicBool,
    token: CancellationToken,
}

impl StopHandle {
    /// Creates a handle, for a server that waits for [`stopped`](Self::stopped).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the server to stop gracefully: it accepts no further connections, completes running
    /// calls, and then its `serve` returns. Returns at once. A server that does not serve yet stops
    /// as soon as it does.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::Release);
        self.0.token.cancel();
    }

    /// Returns `true` once the server was told to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::Acquire)
    }

    /// Returns a future that completes once the server was told to stop.
    pub fn stopped(&self) -> Stopped {
        Stopped {
            handle: self.clone(),
            cancelled: self.0.token.clone().cancelled_owned(),
            task: None,
        }
    }
}

pin_project! {
    /// The future of [`StopHandle::stopped`]. A connection can poll it together with everything
    /// else that it waits for: it takes a lock only at the first poll, and if it moves to another
    /// task.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Stopped {
        handle: StopHandle,
        #[pin]
        cancelled: WaitForCancellationFutureOwned,
        // The task that the token wakes.
        task: Option<Waker>,
    }
}

impl Future for Stopped {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.handle.is_stopped() {
            return Poll::Ready(());
        }
        if matches!(this.task, Some(task) if task.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        *this.task = Some(cx.waker().clone());
        // A task without cooperative budget must be registered, too.
        pin!(unconstrained(this.cancelled)).poll(cx)
    }
}
