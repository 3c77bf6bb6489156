//! What a connection does, and the timeout for the head of its next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use farcall_core::protocol::time::LazySleep;
use tokio::time::Instant;

/// What a connection does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has waited for the head of a request since this time.
    Waiting(Instant),
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
    accepted: Instant,
    /// One of the constants, or the nanoseconds from `accepted` to the begin of the wait.
    phase: AtomicU64,
}

const ANSWERING: u64 = u64::MAX;
const WRITING: u64 = u64::MAX - 1;
const WRITTEN: u64 = u64::MAX - 2;

impl Phases {
    /// Creates the phases of a connection, which waits for its first request.
    pub(super) fn new(accepted: Instant) -> Self {
        Self(Arc::new(Shared {
            accepted,
            phase: AtomicU64::new(0),
        }))
    }

    pub(super) fn get(&self) -> Phase {
        match self.0.phase.load(Ordering::Relaxed) {
            ANSWERING => Phase::Answering,
            WRITING => Phase::Writing,
            WRITTEN => Phase::Written,
            nanos => Phase::Waiting(self.0.accepted + Duration::from_nanos(nanos)),
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        let phase = match phase {
            Phase::Answering => ANSWERING,
            Phase::Writing => WRITING,
            Phase::Written => WRITTEN,
            // The cast loses nothing in five centuries.
            Phase::Waiting(since) => (since - self.0.accepted).as_nanos() as u64,
        };
        self.0.phase.store(phase, Ordering::Relaxed);
    }

    /// Notes that everything is written that there was to write.
    pub(super) fn flushed(&self) {
        if self.0.phase.load(Ordering::Relaxed) == WRITING {
            self.set(Phase::Written);
        }
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
            sleep: LazySleep::new(phases.0.accepted + timeout),
            phases,
            timeout,
        }
    }

    /// Completes when the connection has waited for too long. It is polled whenever the connection
    /// can go no further.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<NoRequest> {
        let since = match self.phases.get() {
            Phase::Waiting(since) => since,
            Phase::Written => {
                let now = Instant::now();
                self.phases.set(Phase::Waiting(now));
                now
            }
            Phase::Answering | Phase::Writing => return Poll::Pending,
        };
        loop {
            ready!(self.sleep.poll(cx));
            // It may have expired for an earlier wait.
            if self.sleep.deadline() >= since + self.timeout {
                return Poll::Ready(NoRequest);
            }
            self.sleep.reset(since + self.timeout);
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
        assert_eq!(phases.get(), Phase::Waiting(since));
        phases.flushed();
        advance(Duration::from_millis(9_990)).await;
        assert!(!is_over().await);
        assert_eq!(phases.get(), Phase::Waiting(since));
        poll_fn(|cx| timeout.poll(cx)).await;
        let late = begin.elapsed().as_millis() - 22_000;
        assert!(late < 3, "{late} ms");
    }
}
