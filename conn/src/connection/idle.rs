//! Timeout for connections whose peer is silent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::error::RecvError;

/// Timeout of a receive that waits for the next bytes. The clock is not read while bytes arrive.
#[derive(Debug)]
pub(crate) struct IdleTimeout(Box<IdleTimer>);

#[derive(Debug)]
struct IdleTimer {
    time: Duration,
    /// Started when a read first found no bytes; kept across receives that are dropped.
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimeout {
    pub(crate) fn new(time: Duration) -> Self {
        Self(Box::new(IdleTimer { time, timer: None }))
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
            let time = self.time;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(time)));
            ready!(timer.as_mut().poll(cx));
        }
        self.timer = None;
        match read {
            Poll::Pending => Poll::Ready(Err(RecvError::Io(io::ErrorKind::TimedOut.into()))),
            ready => ready,
        }
    }
}
