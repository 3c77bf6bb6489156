//! How long a connection may be silent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::error::RecvError;

/// How long a receive waits for the next bytes. No clock is read while bytes come.
#[derive(Debug)]
pub(crate) struct IdleTimeout(Box<IdleTimer>);

#[derive(Debug)]
struct IdleTimer {
    time: Duration,
    /// From when nothing was there, whichever receives waited since.
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

    /// What a read gave, or that nothing came for too long.
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
