//! Timeout for connections whose peer is silent.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use farcall_core::protocol::time::Countdown;

use crate::error::RecvError;

/// Timeout of a receive that waits for the next bytes. The clock is not read while bytes arrive.
#[derive(Debug)]
pub(crate) struct IdleTimeout(Box<IdleTimer>);

#[derive(Debug)]
struct IdleTimer {
    time: Duration,
    /// Runs from the first read that found no bytes on, also across receives that are dropped.
    countdown: Countdown,
}

impl IdleTimeout {
    pub(crate) fn new(time: Duration) -> Self {
        Self(Box::new(IdleTimer {
            time,
            countdown: Countdown::new(),
        }))
    }

    #[cfg(unix)]
    pub(crate) const fn time(&self) -> Duration {
        self.0.time
    }

    /// Returns the result of a read, or a `TimedOut` error if no bytes arrived in time.
    #[inline]
    pub(super) fn apply<T>(
        idle: &mut Option<Self>,
        cx: &mut Context<'_>,
        read: Poll<Result<T, RecvError>>,
    ) -> Poll<Result<T, RecvError>> {
        match idle {
            None => read,
            Some(Self(timer)) => timer.apply(cx, read),
        }
    }
}

impl IdleTimer {
    fn apply<T>(
        &mut self,
        cx: &mut Context<'_>,
        read: Poll<Result<T, RecvError>>,
    ) -> Poll<Result<T, RecvError>> {
        if read.is_pending() {
            ready!(self.countdown.poll(self.time, cx));
        }
        self.countdown.stop();
        match read {
            Poll::Pending => Poll::Ready(Err(RecvError::Io(io::ErrorKind::TimedOut.into()))),
            ready => ready,
        }
    }
}
