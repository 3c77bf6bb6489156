//! Futures that are hardly ever ready.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::{AtomicBool, Ordering};

/// A future that is polled when it asks for it, and not whenever something else has woken its task: one that waits takes
/// locks only to find out that it still does.
#[derive(Debug)]
pub(super) struct PollOnWake<F> {
    future: F,
    /// Nothing if the future is to be polled whatever it says.
    flag: Option<Arc<WakeFlag>>,
}

/// What the future wakes.
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

    /// The future, to be polled after it is changed.
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
                // It may ring again while the future is polled.
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
