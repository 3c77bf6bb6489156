//! Futures that are polled only when they were woken.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::{AtomicBool, Ordering};

/// Polls the inner future only when that future itself was woken, and not when something else woke
/// its task. This saves the locks that a future takes to find out that it is still pending.
#[derive(Debug)]
pub(super) struct PollOnWake<F> {
    future: F,
    /// `None` if the future must be polled in any case.
    flag: Option<Arc<WakeFlag>>,
}

/// The waker of the inner future: records the wake, and wakes the task.
#[derive(Debug)]
struct WakeFlag {
    is_woken: AtomicBool,
    task: Waker,
}

impl<F> PollOnWake<F> {
    pub(super) const fn new(future: F) -> Self {
        Self { future, flag: None }
    }

    pub(super) const fn get(&self) -> &F {
        &self.future
    }

    /// Returns the future for a change. The next poll polls it in any case.
    pub(super) fn get_mut(&mut self) -> &mut F {
        self.flag = None;
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for PollOnWake<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, flag } = &mut *self;
        let current = match flag {
            Some(flag) if flag.task.will_wake(cx.waker()) => {
                if !flag.is_woken.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                // Reset before the poll, as the future may be woken during it.
                flag.is_woken.swap(false, Ordering::AcqRel);
                flag
            }
            _ => flag.insert(Arc::new(WakeFlag {
                is_woken: AtomicBool::new(false),
                task: cx.waker().clone(),
            })),
        };
        let waker = Waker::from(Arc::clone(current));
        let polled = Pin::new(future).poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            *flag = None;
        }
        polled
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}
