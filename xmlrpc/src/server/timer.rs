//! A cheap timer for deadlines that rarely expire.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hyper::rt;
use tokio::time::{Sleep, sleep_until};

use super::poll_on_wake::PollOnWake;

/// The timer of one connection. hyper starts a new deadline for each request; all of them share one
/// `Sleep` of tokio, which is moved only when it expires, or for an earlier deadline.
#[derive(Debug)]
pub(super) struct Timer(Arc<Mutex<SharedSleep>>);

type SharedSleep = PollOnWake<Pin<Box<Sleep>>>;

impl Timer {
    /// Creates a timer for deadlines that are usually at `first` or later.
    pub(super) fn new(first: Instant) -> Self {
        let sleep = Box::pin(sleep_until(first.into()));
        Self(Arc::new(Mutex::new(PollOnWake::new(sleep))))
    }
}

impl rt::Timer for Timer {
    fn sleep(&self, duration: std::time::Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Limit {
            sleep: Arc::clone(&self.0),
            deadline,
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// One deadline of a connection.
struct Limit {
    sleep: Arc<Mutex<SharedSleep>>,
    deadline: Instant,
}

impl rt::Sleep for Limit {}

impl Future for Limit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.into();
        let mut sleep = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        if sleep.get().deadline() > deadline {
            sleep.get_mut().as_mut().reset(deadline);
        }
        loop {
            ready!(Pin::new(&mut *sleep).poll(cx));
            // The `Sleep` may have expired for an earlier deadline.
            if sleep.get().deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.get_mut().as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::rt::Timer as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_deadline_fires_at_its_own_time() {
        let begin = tokio::time::Instant::now();
        let at = |seconds| begin.into_std() + Duration::from_secs(seconds);
        let timer = Timer::new(at(10));
        drop(timer.sleep_until(at(10)));
        timer.sleep_until(at(30)).await;
        assert_eq!(begin.elapsed().as_secs(), 30);
        let long = timer.sleep_until(at(100));
        timer.sleep_until(at(40)).await;
        assert_eq!(begin.elapsed().as_secs(), 40);
        long.await;
        assert_eq!(begin.elapsed().as_secs(), 100);
    }
}
