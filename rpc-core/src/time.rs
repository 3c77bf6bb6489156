//! Timers that cost little while they do not expire, and the longest time.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// The longest time that is waited for: a century. Longer times are cut to it, since deadlines must
/// be representable as an `Instant`, and be added up.
pub const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Returns the deadline of what may take `time` from now on. The clock is that of tokio, which
/// tests can pause.
#[must_use]
pub fn deadline(time: Duration) -> Instant {
    Instant::now() + time.min(LONGEST)
}

/// Awaits `future`, or returns `None` when the timer expires. The timer is created only if the
/// future does not complete at once, as most do.
///
/// # Cancel safety
/// That of the future.
pub async fn within<F: Future>(
    future: F,
    timer: impl FnOnce() -> Option<Sleep>,
) -> Option<F::Output> {
    let mut future = pin!(future);
    if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        return Some(output);
    }
    let Some(timer) = timer() else {
        return Some(future.await);
    };
    let mut timer = pin!(timer);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        // A future that uses up the cooperative budget would keep the timer from being seen.
        Poll::Pending => Pin::new(&mut unconstrained(timer.as_mut()))
            .poll(cx)
            .map(|()| None),
    })
    .await
}

/// A timer for a task that is polled very often, up to a hundred thousand times a second: its sleep
/// is polled only when it was reset and when it is due. It must stay in one task, which it wakes.
#[derive(Debug)]
pub struct LazySleep {
    sleep: Pin<Box<Sleep>>,
    is_registered: bool,
}

impl LazySleep {
    /// Creates a timer.
    #[must_use]
    pub fn new(deadline: Instant) -> Self {
        Self {
            sleep: Box::pin(sleep_until(deadline)),
            is_registered: false,
        }
    }

    /// Returns the time at which it expires.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }

    /// Moves the timer to `deadline`.
    pub fn reset(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.is_registered = false;
    }

    /// Moves the timer to `deadline`, unless it expires earlier already.
    pub fn bring_forward(&mut self, deadline: Instant) {
        if deadline < self.deadline() {
            self.reset(deadline);
        }
    }

    /// Completes once the timer has expired, until it is reset.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_registered && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.is_registered = true;
        // Without `unconstrained`, a task that has used up its cooperative budget would not
        // register the timer.
        Pin::new(&mut unconstrained(self.sleep.as_mut())).poll(cx)
    }
}

/// The time that something may stand still. It runs from the first poll after each step.
#[derive(Debug, Default)]
pub struct Countdown(Option<Pin<Box<Sleep>>>);

impl Countdown {
    /// Creates a countdown that does not run yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Returns `true` if the time runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// Completes `time` after the first poll.
    pub fn poll(&mut self, time: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep(time)));
        sleep.as_mut().poll(cx)
    }

    /// Stops the time, until the next poll.
    pub fn stop(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::coop::consume_budget;
    use tokio::time::timeout;

    use super::*;

    const TIME: Duration = Duration::from_secs(1);

    /// Waits for the timer in a task that does nothing else.
    async fn wait(timer: &mut LazySleep) -> Duration {
        let start = Instant::now();
        timeout(TIME * 10, poll_fn(|cx| timer.poll(cx)))
            .await
            .expect("the task is woken");
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lazy_sleep_expires_at_its_latest_deadline() {
        let mut timer = LazySleep::new(deadline(TIME));
        for _ in 0..3 {
            assert_eq!(wait(&mut timer).await, TIME);
            assert_eq!(wait(&mut timer).await, Duration::ZERO);
            timer.reset(deadline(TIME * 3));
            assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx))).await.is_pending());
            timer.bring_forward(deadline(TIME));
            timer.bring_forward(deadline(TIME * 2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lazy_sleep_is_registered_without_cooperative_budget() {
        let mut timer = LazySleep::new(deadline(TIME));
        poll_fn(|cx| {
            while Box::pin(consume_budget()).as_mut().poll(cx).is_ready() {}
            assert!(timer.poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(wait(&mut timer).await, TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_countdown_starts_anew_after_each_stop() {
        let mut countdown = Countdown::new();
        for _ in 0..2 {
            let start = Instant::now();
            poll_fn(|cx| countdown.poll(TIME, cx)).await;
            assert_eq!(start.elapsed(), TIME);
            countdown.stop();
            assert!(!countdown.is_running());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_is_created_only_for_a_future_that_waits() {
        let unused = || -> Option<Sleep> { unreachable!("the future is ready") };
        assert_eq!(within(async { 5 }, unused).await, Some(5));
        let start = Instant::now();
        assert_eq!(within(pending::<()>(), || Some(sleep(TIME))).await, None);
        assert_eq!(start.elapsed(), TIME);
        assert_eq!(within(sleep(TIME), || Some(sleep(LONGEST))).await, Some(()));
        assert_eq!(within(sleep(TIME), || None).await, Some(()));
        assert_eq!(deadline(Duration::MAX), Instant::now() + LONGEST);
    }

    /// As one that reads what a peer sends without end.
    #[tokio::test]
    async fn a_timer_is_seen_beside_a_future_that_never_rests() {
        let busy = async {
            loop {
                consume_budget().await;
            }
        };
        let timer = || Some(sleep(Duration::from_millis(20)));
        let ended = timeout(Duration::from_secs(30), within(busy, timer)).await;
        assert_eq!(ended, Ok(None::<()>));
    }
}
