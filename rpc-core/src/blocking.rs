//! The common part of blocking clients and servers.
//!
//! Blocking code runs the same futures as async code, on the calling thread: [`wait`] polls one
//! until it completes, and parks the thread in between. The timers and sockets of the future
//! belong to a runtime in the background, which serves them while the program does something else.
//!
//! There are two such runtimes:
//!
//! - [`wait`] uses the runtime that all blocking clients and listeners of the process share. It has
//!   one thread, which starts with the first of them and exits with the process. Thus 100 blocking
//!   clients need one thread, not 100, and each of them answers pings and callbacks between the
//!   calls of its program. A thread without work takes no time, and about 20 KiB of memory.
//! - Each blocking server has a runtime of its own, with one thread for each core.
//!
//! Code that is polled by tokio cannot block: it would stall the other tasks of its thread, and
//! could wait for one of them forever. [`check_allowed`] tells.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::coop::poll_proceed;

use crate::error::CallError;

/// The error of a blocking function that cannot wait here. Nothing was done.
///
/// Functions with another error type contain it: as the source of [`CallError::NotSent`], in an
/// [`io::Error`] ([`get_ref`](io::Error::get_ref)), or as a variant.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CannotBlock {
    /// The function was called within async code, where it would stall other tasks. It can be
    /// called in [`spawn_blocking`](tokio::task::spawn_blocking) and
    /// [`block_in_place`](tokio::task::block_in_place).
    #[error("blocking call inside async code: use the async API, or spawn_blocking")]
    InAsyncCode,
    /// The system could not start the thread that serves blocking objects.
    #[error("the runtime of blocking objects cannot be started")]
    NoRuntime(#[source] Arc<io::Error>),
}

crate::debug_errors!(CannotBlock);

impl From<CannotBlock> for io::Error {
    fn from(error: CannotBlock) -> Self {
        Self::other(error)
    }
}

impl From<CannotBlock> for CallError {
    fn from(error: CannotBlock) -> Self {
        Self::NotSent(Box::new(error))
    }
}

/// Returns `Ok` if the calling thread may block.
///
/// It may if no runtime of tokio polls the calling code: in a thread of the program, in
/// `spawn_blocking` and in `block_in_place`. Runtimes of other libraries are not recognised, and
/// neither is code within [`unconstrained`](tokio::task::unconstrained).
///
/// # Errors
/// [`CannotBlock::InAsyncCode`] in async code.
#[inline]
pub fn check_allowed() -> Result<(), CannotBlock> {
    // Blocking connections check this for each message, most often in a thread without a runtime.
    match Handle::try_current() {
        Ok(_) if is_polled() => Err(CannotBlock::InAsyncCode),
        _ => Ok(()),
    }
}

/// Returns `true` if a runtime polls the calling code.
///
/// The functions of tokio that block know that, but tell it by a panic, which would be printed, and
/// which aborts programs that are built so. This follows from the budget of cooperative scheduling
/// instead: exactly the code that is polled has one, and it ends.
#[cold]
fn is_polled() -> bool {
    // No budget of tokio is larger.
    const MAX_BUDGET: u8 = u8::MAX;

    let mut context = Context::from_waker(Waker::noop());
    // Restores the budget when it is dropped.
    let Poll::Ready(_untouched) = poll_proceed(&mut context) else {
        return true;
    };
    for _ in 0..=MAX_BUDGET {
        match poll_proceed(&mut context) {
            Poll::Ready(spent) => spent.made_progress(),
            Poll::Pending => return true,
        }
    }
    false
}

/// Blocks the thread until the future completes, in the runtime that all blocking objects share.
/// The future is polled within the runtime. Code that needs one before, such as `sleep`, belongs
/// into an async block.
///
/// # Errors
/// In async code, or if the runtime cannot be started. The future is not polled then.
pub fn wait<F: Future>(future: F) -> Result<F::Output, CannotBlock> {
    check_allowed()?;
    Ok(wait_in(shared_runtime()?, future))
}

/// Returns the runtime that all blocking objects share. It is never shut down: programs end without
/// waiting for it.
fn shared_runtime() -> Result<&'static Handle, CannotBlock> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();

    let runtime = match RUNTIME.get() {
        Some(runtime) => runtime,
        None => {
            let started = Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("blocking")
                .enable_all()
                .build();
            let started = started.map_err(|error| CannotBlock::NoRuntime(Arc::new(error)))?;
            RUNTIME.get_or_init(move || started)
        }
    };
    Ok(runtime.handle())
}

/// Completes a future on this thread. `Handle::block_on` of tokio would panic where
/// [`check_allowed`] errs.
pub(crate) fn wait_in<F: Future>(runtime: &Handle, future: F) -> F::Output {
    let _context = runtime.enter();
    let mut future = pin!(future);
    let parked = Arc::new(Parked {
        thread: thread::current(),
        is_woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&parked));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // Other code may unpark the thread as well, or take the permit that this waker left.
        while !parked.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// The waker of a thread that waits.
struct Parked {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::{Duration, Instant};

    use tokio::task::{LocalSet, block_in_place, spawn_blocking};

    use super::*;

    fn runtimes() -> [Runtime; 2] {
        let many = Builder::new_multi_thread().enable_all().build().unwrap();
        let one = Builder::new_current_thread().enable_all().build().unwrap();
        [one, many]
    }

    fn is_refused() -> bool {
        let check = matches!(check_allowed(), Err(CannotBlock::InAsyncCode));
        let waited = matches!(wait(async {}), Err(CannotBlock::InAsyncCode));
        assert_eq!(check, waited);
        check
    }

    #[test]
    fn threads_may_block_and_tasks_may_not() {
        assert!(!is_refused());
        for runtime in runtimes() {
            assert!(runtime.block_on(async { is_refused() }));
            let in_task = runtime.spawn(async { is_refused() });
            let in_pool = runtime.spawn(async {
                let nested = || {
                    (
                        is_refused(),
                        Handle::current().block_on(async { is_refused() }),
                    )
                };
                spawn_blocking(nested).await.unwrap()
            });
            let local = LocalSet::new();
            let in_local = async { tokio::task::spawn_local(async { is_refused() }).await };
            assert!(local.block_on(&runtime, in_local).unwrap());
            assert!(runtime.block_on(in_task).unwrap());
            assert_eq!(runtime.block_on(in_pool).unwrap(), (false, true));

            let _context = runtime.enter();
            assert!(!is_refused());
        }
        let [_, many] = runtimes();
        assert!(!many.block_on(async { block_in_place(is_refused) }));
        let in_task = many.spawn(async { block_in_place(is_refused) });
        assert!(!many.block_on(in_task).unwrap());
    }

    /// The number of operations that the budget of this poll still allows.
    fn budget() -> usize {
        let mut context = Context::from_waker(Waker::noop());
        let spend = |_: &usize| match poll_proceed(&mut context) {
            Poll::Ready(spent) => {
                spent.made_progress();
                true
            }
            Poll::Pending => false,
        };
        (0..1_000).take_while(spend).count()
    }

    #[test]
    fn a_check_leaves_the_budget_of_the_task_as_it_was() {
        for runtime in runtimes() {
            let (untouched, checked, spent) = runtime.block_on(async {
                let untouched = poll_fn(|_| Poll::Ready(budget())).await;
                tokio::task::yield_now().await;
                let checked = poll_fn(|_| {
                    assert!(is_refused());
                    Poll::Ready(budget())
                });
                (untouched, checked.await, is_refused())
            });
            assert!((1..=255).contains(&untouched), "{untouched}");
            assert_eq!(checked, untouched);
            assert!(spent, "also without any budget left");
        }
    }

    #[test]
    fn a_wait_has_timers_and_is_woken_by_other_threads() {
        let begin = Instant::now();
        wait(async { tokio::time::sleep(Duration::from_millis(30)).await }).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(30));

        let (sender, receiver) = tokio::sync::oneshot::channel();
        let woken = thread::spawn(|| wait(receiver));
        // A permit that is not for the waker.
        woken.thread().unpark();
        thread::sleep(Duration::from_millis(20));
        sender.send(5).unwrap();
        assert_eq!(woken.join().unwrap().unwrap(), Ok(5));
    }

    #[test]
    fn the_errors_tell_what_to_do() {
        let error = CallError::from(CannotBlock::InAsyncCode);
        assert_eq!(error.execution(), crate::Execution::Never);
        assert_eq!(
            io::Error::from(CannotBlock::InAsyncCode).to_string(),
            "blocking call inside async code: use the async API, or spawn_blocking"
        );
    }
}
