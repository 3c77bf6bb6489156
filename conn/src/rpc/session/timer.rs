//! A cheap timer for tasks that are polled very often.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer whose sleep is polled only when it was reset and when it is due. Its task is polled up
/// to a hundred thousand times a second. The timer must stay in one task, which it wakes.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    is_registered: bool,
}

impl Timer {
    pub(super) fn new(deadline: Instant) -> Self {
        Self {
            sleep: Box::pin(sleep_until(deadline)),
            is_registered: false,
        }
    }

    pub(super) fn reset(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.is_registered = false;
    }

    /// Moves the timer to `deadline`, unless it fires earlier already.
    pub(super) fn bring_forward(&mut self, deadline: Instant) {
        if deadline < self.sleep.deadline() {
            self.reset(deadline);
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_registered && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.is_registered = true;
        // Without `unconstrained`, a task that has used up its cooperative budget would not
        // register the timer.
        Pin::new(&mut unconstrained(self.sleep.as_mut())).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::task::coop::consume_budget;
    use tokio::time::timeout;

    use super::*;

    const TIME: Duration = Duration::from_secs(1);

    /// Waits for the timer in a task that does nothing else.
    async fn wait(timer: &mut Timer) -> Duration {
        let start = Instant::now();
        timeout(TIME * 10, poll_fn(|cx| timer.poll(cx)))
            .await
            .expect("the task is woken");
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_fires_after_each_reset() {
        let mut timer = Timer::new(Instant::now() + TIME);
        for _ in 0..3 {
            let waited = wait(&mut timer).await;
            assert!(waited >= TIME && waited < TIME * 2, "{waited:?}");
            timer.reset(Instant::now() + TIME);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_registered_without_cooperative_budget() {
        let mut timer = Timer::new(Instant::now() + TIME);
        poll_fn(|cx| {
            while Box::pin(consume_budget()).as_mut().poll(cx).is_ready() {}
            assert!(timer.poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(wait(&mut timer).await >= TIME);
    }
}
