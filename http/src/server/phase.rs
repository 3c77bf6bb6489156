//! The phase of a connection, and the timeout for the head of its next request.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use farcall_core::protocol::time::LazySleep;
use tokio::time::Instant;

/// The activity of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It waits for the head of a request.
    Waiting,
    /// It reads the body of a request, and answers it.
    Answering,
    /// It writes a reply.
    Writing,
    /// It has written a reply.
    Written,
}

/// The phase of a connection. Its service, its stream, its timeout and the stop of the server share
/// it; all of them are in one task.
#[derive(Clone, Debug)]
pub(super) struct Phases(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: AtomicU8,
    /// The begin of the latest wait.
    since: Mutex<Instant>,
}

impl Phases {
    /// Creates the phases of a connection, which waits for its first request.
    pub(super) fn new(accepted: Instant) -> Self {
        Self(Arc::new(Shared {
            phase: AtomicU8::new(Phase::Waiting as u8),
            since: Mutex::new(accepted),
        }))
    }

    pub(super) fn get(&self) -> Phase {
        match self.0.phase.load(Ordering::Relaxed) {
            phase if phase == Phase::Waiting as u8 => Phase::Waiting,
            phase if phase == Phase::Answering as u8 => Phase::Answering,
            phase if phase == Phase::Writing as u8 => Phase::Writing,
            _ => Phase::Written,
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Notes that everything is written that there was to write.
    pub(super) fn flushed(&self) {
        if self.get() == Phase::Writing {
            self.set(Phase::Written);
        }
    }

    /// Returns the begin of the latest wait for the head of a request.
    pub(super) fn since(&self) -> Instant {
        *self.lock()
    }

    fn wait(&self) {
        *self.lock() = Instant::now();
        self.set(Phase::Waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The timeout for the head of a request, which begins when the last reply is written. hyper has
/// one too, with a future for each request, and one more turn of its loop. All waits of a
/// connection share one sleep, which is moved only when it expires. It must stay in the task of the
/// connection.
#[derive(Debug)]
pub(super) struct HeadTimeout {
    phases: Phases,
    timeout: Duration,
    sleep: LazySleep,
}

/// The error of a connection whose next request has not arrived.
#[derive(Debug, thiserror::Error)]
#[error("the head of a request did not arrive in time")]
pub(super) struct NoRequest;

impl HeadTimeout {
    /// Creates the timeout of a connection that was accepted now.
    pub(super) fn new(phases: Phases, timeout: Duration) -> Self {
        Self {
            sleep: LazySleep::new(phases.since() + timeout),
            phases,
            timeout,
        }
    }

    /// Completes when the connection has waited for too long. It is polled whenever the connection
    /// can go no further.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<NoRequest> {
        match self.phases.get() {
            Phase::Answering | Phase::Writing => return Poll::Pending,
            Phase::Written => self.phases.wait(),
            Phase::Waiting => {}
        }
        loop {
            ready!(self.sleep.poll(cx));
            let end = self.phases.since() + self.timeout;
            // It may have expired for an earlier wait.
            if self.sleep.deadline() >= end {
                return Poll::Ready(NoRequest);
            }
            self.sleep.reset(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_the_whole_time() {
        let begin = Instant::now();
        let phases = Phases::new(begin);
        let mut timeout = HeadTimeout::new(phases.clone(), Duration::from_secs(10));
        let mut is_over = async || poll_fn(|cx| Poll::Ready(timeout.poll(cx).is_ready())).await;
        assert!(!is_over().await);
        for phase in [Phase::Answering, Phase::Writing] {
            phases.set(phase);
            advance(Duration::from_secs(6)).await;
            assert!(!is_over().await);
            assert_eq!(phases.get(), phase);
        }
        // 12 seconds after it was accepted, the reply is written.
        phases.flushed();
        assert_eq!(phases.get(), Phase::Written);
        assert!(!is_over().await);
        let since = begin + Duration::from_secs(12);
        assert_eq!((phases.get(), phases.since()), (Phase::Waiting, since));
        phases.flushed();
        advance(Duration::from_millis(9_990)).await;
        assert!(!is_over().await);
        assert_eq!((phases.get(), phases.since()), (Phase::Waiting, since));
        poll_fn(|cx| timeout.poll(cx)).await;
        let late = begin.elapsed().as_millis() - 22_000;
        assert!(late < 3, "{late} ms");
    }
}
