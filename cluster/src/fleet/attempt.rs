//! One attempt of a run at one host.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use farcall_core::protocol::time;
use farcall_core::{CallError, Execution};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep, sleep_until};

use super::descriptors;
use super::host::{Attempt, Host};
use super::outcome::{AttemptTimedOut, Outcome, in_doubt, is_answer, is_transient};
use super::places::{Place, Places};
use super::settings::Settings;

/// Time by which an attempt may exceed its limit. The calls of an attempt have a deadline
/// themselves, and say more about a timeout; this limits whatever else a function does.
const GRACE: Duration = Duration::from_millis(200);

pub(super) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The function that makes the calls of an attempt.
pub(super) type AttemptCall<'a, R> =
    dyn Fn(Host) -> BoxFuture<'a, Result<R, CallError>> + Send + Sync + 'a;

/// The part of a run that all of its attempts share.
pub(super) struct Limits {
    pub(super) places: Places,
    pub(super) timeout: Option<Duration>,
    /// Time after which an idempotent call is made a second time.
    pub(super) hedge: Option<Duration>,
    /// All calls are idempotent.
    pub(super) idempotent: bool,
    /// The end of the whole run.
    pub(super) deadline: Option<Instant>,
}

/// The state of one host over all of its attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    /// The index of the host, or of the job.
    pub(super) index: usize,
    /// The attempts that were begun.
    pub(super) attempts: u32,
    pub(super) begin: Instant,
    /// An earlier attempt may have run.
    pub(super) in_doubt: bool,
}

impl History {
    pub(super) fn new(index: usize) -> Self {
        Self {
            index,
            attempts: 0,
            begin: Instant::now(),
            in_doubt: false,
        }
    }
}

impl History {
    /// Returns the outcome after the last attempt. Its error is truthful about all of them.
    pub(super) fn outcome<R>(self, result: Result<R, CallError>) -> Outcome<R> {
        Outcome {
            result: result.map_err(|error| {
                if self.in_doubt {
                    in_doubt(error)
                } else {
                    error
                }
            }),
            attempts: self.attempts,
            elapsed: match self.attempts {
                0 => Duration::ZERO,
                _ => self.begin.elapsed(),
            },
        }
    }
}

/// An attempt under way. It has a place in the window.
pub(super) struct Running<'a, R> {
    pub(super) history: History,
    pub(super) attempt: Arc<Attempt>,
    future: BoxFuture<'a, Result<R, CallError>>,
    /// The end of its time.
    deadline: Option<Instant>,
    /// There until the attempt has ended.
    place: Option<Place>,
}

/// An attempt that has ended.
pub(super) struct Ended<R> {
    pub(super) history: History,
    pub(super) attempt: Arc<Attempt>,
    pub(super) result: Result<R, CallError>,
    /// The place in the window that it had, if its time was over.
    pub(super) place: Option<Place>,
}

impl Limits {
    /// Creates the limits of a run that begins now, with a window of at most `most` places.
    pub(super) fn new(settings: &Settings, most: usize, idempotent: bool) -> Self {
        Self {
            places: Places::new(descriptors::window(settings.window.clamp(1, most.max(1)))),
            timeout: settings.timeout,
            hedge: settings.hedge.filter(|_| idempotent),
            idempotent,
            deadline: settings.total_timeout.map(time::deadline),
        }
    }

    /// Begins an attempt.
    pub(super) fn begin<'a, R: Send + 'a>(
        &self,
        call: &Arc<AttemptCall<'a, R>>,
        host: &Host,
        mut history: History,
        place: Place,
    ) -> Running<'a, R> {
        history.attempts += 1;
        let limit = self.timeout.map(time::deadline);
        let deadline = match (limit, self.deadline) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let attempt = Attempt::new(deadline.map(Instant::into_std), self.idempotent);
        let attempt = Arc::new(attempt);
        let host = host.with_attempt(&attempt);
        let mut future = call(host.clone());
        if let Some(after) = self.hedge {
            let (call, places) = (Arc::clone(call), self.places.clone());
            future = Box::pin(hedged(future, after, places, move || call(host)));
        }
        if let Some(deadline) = deadline {
            future = Box::pin(limited(future, deadline));
        }
        Running {
            history,
            attempt,
            future,
            deadline,
            place: Some(place),
        }
    }
}

impl<R> Ended<R> {
    /// Records whether the attempt may have run. Returns `true` if another one is safe and can have
    /// another outcome.
    pub(super) fn can_repeat(&mut self, is_idempotent: bool) -> bool {
        let Err(error) = &self.result else {
            return false;
        };
        let is_never = error.execution() == Execution::Never;
        let is_doubtful = self.attempt.may_have_run();
        self.history.in_doubt |= is_doubtful || !is_never;
        let is_safe = if is_doubtful {
            self.attempt.is_repeatable()
        } else {
            is_never || is_idempotent
        };
        is_safe && is_transient(error)
    }
}

impl<R> Future for Running<'_, R> {
    type Output = Ended<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Ended<R>> {
        self.future.poll_unpin(cx).map(|result| {
            let is_late = self.deadline.is_some_and(|end| end <= Instant::now());
            Ended {
                history: self.history,
                attempt: Arc::clone(&self.attempt),
                result,
                place: self.place.take().filter(|_| is_late),
            }
        })
    }
}

async fn limited<R>(
    future: BoxFuture<'_, Result<R, CallError>>,
    deadline: Instant,
) -> Result<R, CallError> {
    let begin = Instant::now();
    let ended = time::within(future, || Some(sleep_until(deadline + GRACE))).await;
    ended.unwrap_or_else(|| Err(CallError::Lost(Box::new(AttemptTimedOut(begin.elapsed())))))
}

/// Makes a call a second time if it takes longer than `after`, and there is room in the window. The
/// first answer is the result, and the other call is cancelled.
async fn hedged<'a, R>(
    mut first: BoxFuture<'a, Result<R, CallError>>,
    after: Duration,
    places: Places,
    again: impl FnOnce() -> BoxFuture<'a, Result<R, CallError>>,
) -> Result<R, CallError> {
    let place = loop {
        match select(first, Box::pin(sleep(after))).await {
            Either::Left((result, _)) => return result,
            Either::Right(((), pending)) => first = pending,
        }
        if let Some(place) = places.take() {
            break place;
        }
    };
    let _place = place;
    let (result, other) = select(first, again()).await.factor_first();
    if is_answer(&result) {
        return result;
    }
    other.await
}
