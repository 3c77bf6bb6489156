//! Futures that are hardly ever ready.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::shared::{AtomicBool, Ordering};

/// A future that is polled when it asks for it, and not whenever something else has woken its task: one that waits takes
/// locks only to find out that it still does.
#[derive(Debug)]
pub(super) struct Seldom<F> {
    future: F,
    /// Nothing if the future is to be polled whatever it says.
    alarm: Option<Arc<Alarm>>,
}

/// What the future wakes.
#[derive(Debug)]
struct Alarm {
    has_rung: AtomicBool,
    task: Waker,
}

impl<F> Seldom<F> {
    pub(super) const fn new(future: F) -> Self {
        Self {
            future,
            alarm: None,
        }
    }

    pub(super) const fn get(&self) -> &F {
        &self.future
    }

    /// The future, to be polled after it is changed.
    pub(super) fn change(&mut self) -> &mut F {
        self.alarm = None;
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, alarm } = &mut *self;
        let current = match alarm {
            Some(alarm) if alarm.task.will_wake(cx.waker()) => {
                if !alarm.has_rung.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                // It may ring again while the future is polled.
                alarm.has_rung.swap(false, Ordering::AcqRel);
                alarm
            }
            _ => alarm.insert(Arc::new(Alarm {
                has_rung: AtomicBool::new(false),
                task: cx.waker().clone(),
            })),
        };
        let waker = Waker::from(Arc::clone(current));
        let polled = Pin::new(future).poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            *alarm = None;
        }
        polled
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}
