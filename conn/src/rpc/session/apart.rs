//! Futures that are polled when they ask for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::bell::Bell;

/// A future that is part of a task, but is not polled each time the task is: that happens a hundred
/// thousand times a second, while a timer or the news that a server stops come once in a while.
pub(in crate::rpc) struct Apart<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    /// Rings the bell.
    rope: Waker,
    /// Who hears the bell.
    task: Waker,
}

impl<F> Apart<F> {
    pub(in crate::rpc) fn new(future: F) -> Self {
        let bell = Arc::new(Bell::new());
        Self {
            future: Box::pin(future),
            rope: Waker::from(Arc::clone(&bell)),
            bell,
            task: Waker::noop().clone(),
        }
    }

    /// The future, to be changed: it is polled next time.
    pub(in crate::rpc) fn get(&mut self) -> Pin<&mut F> {
        self.bell.leave_word();
        self.future.as_mut()
    }
}

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if !this.task.will_wake(cx.waker()) {
            this.task.clone_from(cx.waker());
            this.bell.wakes(cx.waker());
        }
        if !this.bell.hear() {
            return Poll::Pending;
        }
        this.future
            .as_mut()
            .poll(&mut Context::from_waker(&this.rope))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn only_who_rings_is_polled() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<u8>(1);
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&polls);
        let mut apart = Apart::new(poll_fn(move |cx| {
            counted.fetch_add(1, Ordering::Relaxed);
            receiver.poll_recv(cx)
        }));
        for _ in 0..10 {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut apart).poll(cx))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);

        // The task is another by now, and it is this one that is woken.
        let waiting = tokio::spawn(apart);
        tokio::task::yield_now().await;
        sender.try_send(7).expect("there is room");
        assert_eq!(waiting.await.expect("no panic"), Some(7));
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }
}
