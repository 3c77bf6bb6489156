//! Futures that are hardly ever ready.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    /// Wakes nobody.
    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[tokio::test]
    async fn a_future_is_polled_when_it_asks_for_it_or_the_task_is_another() {
        let (sender, mut receiver) = oneshot::channel();
        let mut polls = 0;
        let counted = poll_fn(|cx| {
            polls += 1;
            Pin::new(&mut receiver).poll(cx)
        });
        let mut seldom = Seldom::new(Box::pin(counted));
        let [one, other] = [(); 2].map(|()| Waker::from(Arc::new(Nobody)));
        for waker in [&one, &one, &other, &other, &one] {
            let polled = Pin::new(&mut seldom).poll(&mut Context::from_waker(waker));
            assert!(polled.is_pending());
        }
        sender.send(5).unwrap();
        assert_eq!(seldom.await, Ok(5));
        assert_eq!(polls, 4);
    }

    #[tokio::test]
    async fn a_future_that_asks_wakes_its_task() {
        let (sender, receiver) = oneshot::channel();
        let waiting = tokio::spawn(Seldom::new(receiver));
        tokio::task::yield_now().await;
        sender.send(5).unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(5));
    }
}
