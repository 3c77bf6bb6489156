//! A timer that is part of a task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is polled when it is set and when it is due, but not each time its task is: that happens a
/// hundred thousand times a second. It must stay in one task, which it wakes.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    is_set: bool,
}

impl Timer {
    pub(super) fn new(deadline: Instant) -> Self {
        Self {
            sleep: Box::pin(sleep_until(deadline)),
            is_set: false,
        }
    }

    pub(super) fn reset(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.is_set = false;
    }

    /// Has it be due at this time, unless it is due before.
    pub(super) fn bring_forward(&mut self, deadline: Instant) {
        if deadline < self.sleep.deadline() {
            self.reset(deadline);
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_set && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.is_set = true;
        // A task that has had its share would be put off, and the timer never be set.
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

    /// Waits in a task that has nothing else to do.
    async fn wait(timer: &mut Timer) -> Duration {
        let start = Instant::now();
        timeout(TIME * 10, poll_fn(|cx| timer.poll(cx)))
            .await
            .expect("the task is woken");
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_each_time_it_was_set() {
        let mut timer = Timer::new(Instant::now() + TIME);
        for _ in 0..3 {
            let waited = wait(&mut timer).await;
            assert!(waited >= TIME && waited < TIME * 2, "{waited:?}");
            timer.reset(Instant::now() + TIME);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_set_in_a_task_that_has_had_its_share() {
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
