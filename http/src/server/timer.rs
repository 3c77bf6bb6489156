//! The timer of a connection, for deadlines that rarely expire.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use farcall_core::protocol::time::LazySleep;
use hyper::rt;

/// The timer of one connection. hyper starts a new deadline for each request; all of them share one
/// sleep, which is moved only when it expires, or for an earlier deadline. It must stay in the task
/// of the connection.
#[derive(Debug)]
pub(super) struct Timer(Arc<Mutex<LazySleep>>);

impl Timer {
    /// Creates a timer for deadlines that are usually at `first` or later.
    pub(super) fn new(first: tokio::time::Instant) -> Self {
        Self(Arc::new(Mutex::new(LazySleep::new(first))))
    }
}

impl rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Limit {
            sleep: Arc::clone(&self.0),
            deadline: deadline.into(),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// One deadline of a connection.
struct Limit {
    sleep: Arc<Mutex<LazySleep>>,
    deadline: tokio::time::Instant,
}

impl rt::Sleep for Limit {}

impl Future for Limit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleep = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        sleep.bring_forward(self.deadline);
        loop {
            ready!(sleep.poll(cx));
            // It may have expired for an earlier deadline.
            if sleep.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            sleep.reset(self.deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_deadline_fires_at_its_own_time() {
        let begin = tokio::time::Instant::now();
        let at = |seconds| begin.into_std() + Duration::from_secs(seconds);
        let timer = Timer::new(at(10).into());
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
