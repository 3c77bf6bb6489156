//! Jobs: many inputs, shared out over the hosts.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use farcall_core::protocol::time;
use farcall_core::protocol::{Args, Call, Format as _, Name};
use farcall_core::{CallError, Caller as _, Context};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Fleet;
use super::attempt::{AttemptCall, BoxFuture, Ended, History, Limits, Running};
use super::host::Host;
use super::outcome::{Outcome, Stopped};
use super::roster::Roster;
use super::settings::Settings;

/// A job that has its outcome.
#[derive(Debug)]
#[non_exhaustive]
pub struct Job<I, R> {
    /// The place of the input among all, from 0.
    pub index: usize,
    /// The input.
    pub input: Arc<I>,
    /// The host of the last attempt, unless there was none.
    pub host: Option<Host>,
    /// The outcome of the job.
    pub outcome: Outcome<R>,
}

/// The jobs of a run, as they complete: created by [`Fleet::map`]. Exactly one for each input. As
/// with [`Outcomes`](super::Outcomes), the run makes progress while this stream is polled, and
/// dropping it cancels the calls under way.
#[must_use = "a run makes progress only while it is polled"]
pub struct Jobs<'a, I, R> {
    inputs: Inputs<'a, I>,
    call: Arc<JobCall<'a, I, R>>,
    settings: Settings,
    limits: Limits,
    hosts: Roster,
    running: FuturesUnordered<Working<'a, I, R>>,
    /// Jobs that have to be done by another host.
    moved: VecDeque<Pending<I>>,
    timer: Option<Pin<Box<Sleep>>>,
    stopped: Option<Stopped>,
    finished: usize,
    failed: usize,
}

type JobCall<'a, I, R> =
    dyn Fn(Host, &Arc<I>) -> BoxFuture<'a, Result<R, CallError>> + Send + Sync + 'a;

/// The inputs that were not given to a host yet.
struct Inputs<'a, I> {
    source: Box<dyn Iterator<Item = I> + Send + 'a>,
    taken: usize,
    is_at_end: bool,
}

impl<I> Inputs<'_, I> {
    /// The number of all inputs, as far as it is known.
    fn known(&self) -> usize {
        self.taken.saturating_add(self.source.size_hint().0)
    }

    fn next(&mut self) -> Option<Pending<I>> {
        let input = self.source.next();
        self.is_at_end = input.is_none();
        let history = History::new(self.taken);
        self.taken += usize::from(input.is_some());
        input.map(|input| Pending {
            input: Arc::new(input),
            history,
            last: None,
        })
    }
}

/// A job without a host.
struct Pending<I> {
    input: Arc<I>,
    history: History,
    /// The host of the last attempt, and its error.
    last: Option<(usize, CallError)>,
}

/// A job that a host does.
struct Working<'a, I, R> {
    input: Arc<I>,
    host: usize,
    running: Running<'a, R>,
}

impl<I, R> Future for Working<'_, I, R> {
    type Output = (Arc<I>, usize, Ended<R>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let ended = self.running.poll_unpin(cx);
        ended.map(|ended| (Arc::clone(&self.input), self.host, ended))
    }
}

impl Fleet {
    /// Calls a method once for each input, a tuple of arguments, shared out over the hosts. Inputs
    /// are taken from the iterator as hosts become free.
    ///
    /// A job moves to another host only if it cannot have run, or is
    /// [idempotent](Self::idempotent). A host that fails gets the next job after a pause that
    /// doubles with each failure in succession, and none any more after too many
    /// ([`retries`](Self::retries)).
    ///
    /// ```
    /// # use farcall::cluster::{Client, Fleet, Host};
    /// # use farcall::xmlrpc::XmlRpc;
    /// # use farcall::{Registry, ServiceCaller};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let registry: Registry<XmlRpc> = Registry::new();
    /// # registry.register_function("square", |n: i64| n * n)?;
    /// # let client = Client::of("local", ServiceCaller::new(registry, XmlRpc::default()));
    /// # let fleet = Fleet::new([Host::new("node1", client)]);
    /// let mut total = 0;
    /// let mut jobs = fleet.map::<i64, _>("square", (1..=100).map(|n| (n,)));
    /// while let Some(job) = jobs.next().await {
    ///     total += job.outcome.result?;
    /// }
    /// assert_eq!(total, 338_350);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map<'a, R, I>(
        &self,
        method: impl Into<Name>,
        inputs: impl IntoIterator<Item = I, IntoIter: Send + 'a>,
    ) -> Jobs<'a, I, R>
    where
        R: DeserializeOwned + Send + 'static,
        I: Args + Send + Sync + 'a,
    {
        let context = Context::new(method);
        let call = move |host: Host, input: &Arc<I>| -> BoxFuture<'a, _> {
            let format = host.format();
            let params = format.params(&**input).map_err(CallError::Encode);
            let context = context.clone();
            async move {
                let call = Call {
                    params: params?,
                    format,
                    context,
                };
                host.call_encoded(call).await
            }
            .boxed()
        };
        self.jobs(inputs, Arc::new(call))
    }

    /// Runs a function once for each input, with a host to call: like [`map`](Self::map), for any
    /// code around the calls. See [`each`](Self::each) for its attempts.
    pub fn map_each<'a, R, I, F, Fut>(
        &self,
        inputs: impl IntoIterator<Item = I, IntoIter: Send + 'a>,
        function: F,
    ) -> Jobs<'a, I, R>
    where
        R: Send + 'a,
        I: Send + Sync + 'a,
        F: Fn(Host, Arc<I>) -> Fut + Send + Sync + 'a,
        Fut: Future<Output = Result<R, CallError>> + Send + 'a,
    {
        let call = move |host: Host, input: &Arc<I>| -> BoxFuture<'a, _> {
            Box::pin(function(host, Arc::clone(input)))
        };
        self.jobs(inputs, Arc::new(call))
    }

    fn jobs<'a, R: Send + 'a, I: Send + Sync + 'a>(
        &self,
        inputs: impl IntoIterator<Item = I, IntoIter: Send + 'a>,
        call: Arc<JobCall<'a, I, R>>,
    ) -> Jobs<'a, I, R> {
        let settings = self.settings.clone();
        let per_host = settings.jobs_per_host.max(1);
        let most = self.hosts.len().saturating_mul(per_host);
        let limits = Limits {
            // The same host would be asked twice.
            hedge: None,
            ..Limits::new(&settings, most, settings.idempotent)
        };
        let hosts = Arc::clone(&self.hosts);
        Jobs {
            inputs: Inputs {
                source: Box::new(inputs.into_iter()),
                taken: 0,
                is_at_end: false,
            },
            call,
            limits,
            hosts: Roster::new(hosts, per_host, settings.retries),
            settings,
            running: FuturesUnordered::new(),
            moved: VecDeque::new(),
            timer: None,
            stopped: None,
            finished: 0,
            failed: 0,
        }
    }
}

impl<'a, I: Send + Sync + 'a, R: Send + 'a> Jobs<'a, I, R> {
    /// Returns the next job that has its outcome, or `None` once all inputs have.
    ///
    /// # Cancel safety
    /// No job is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Job<I, R>> {
        poll_fn(|cx| self.poll_job(cx)).await
    }

    /// Starts no more calls, and waits for those under way. The inputs that are left have an
    /// outcome with 0 attempts.
    pub fn stop(&mut self) {
        self.stopped.get_or_insert(Stopped::Requested);
    }

    /// Number of jobs that have their outcome.
    #[must_use]
    pub const fn finished(&self) -> usize {
        self.finished
    }

    /// Number of those of them that have no result.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// Number of jobs that a host does now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    fn poll_job(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Job<I, R>>> {
        loop {
            let now = Instant::now();
            if self.limits.deadline.is_some_and(|end| end <= now) {
                self.stopped.get_or_insert(Stopped::TotalTimeout);
            }
            self.hosts.wake(now);
            if self.stopped.is_none() {
                self.start();
            }
            if let Poll::Ready(Some(ended)) = self.running.poll_next_unpin(cx) {
                match self.on_ended(ended) {
                    Some(job) => return Poll::Ready(Some(job)),
                    None => continue,
                }
            }
            let has_host = self.hosts.has_hope() || !self.running.is_empty();
            let no_host = || (!has_host).then_some(Stopped::NoHost);
            if let Some(reason) = self.stopped.or_else(no_host)
                && let Some(pending) = self.moved.pop_front().or_else(|| self.inputs.next())
            {
                return Poll::Ready(Some(self.give_up(pending, reason)));
            }
            if self.running.is_empty() && self.moved.is_empty() && self.inputs.is_at_end {
                return Poll::Ready(None);
            }
            if self.poll_timer(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Gives jobs to the hosts that are free.
    fn start(&mut self) {
        while self.hosts.has_free()
            && let Some(place) = self.limits.places.take()
            && let Some((pending, index)) = self.next_job()
        {
            let (call, input) = (Arc::clone(&self.call), Arc::clone(&pending.input));
            let call: Arc<AttemptCall<'a, R>> = Arc::new(move |host| call(host, &input));
            let host = self.hosts.host(index);
            self.running.push(Working {
                running: self.limits.begin(&call, host, pending.history, place),
                input: pending.input,
                host: index,
            });
        }
    }

    /// Returns the next job with a free host for it.
    fn next_job(&mut self) -> Option<(Pending<I>, usize)> {
        if let Some(pending) = self.moved.pop_front() {
            let before = pending.last.as_ref().map(|(host, _)| *host);
            if let Some(index) = self.hosts.take(before) {
                return Some((pending, index));
            }
            // It waits for another host than the one that is free.
            self.moved.push_front(pending);
        }
        let pending = self.inputs.next()?;
        let index = self.hosts.take(None)?;
        Some((pending, index))
    }

    fn on_ended(
        &mut self,
        (input, host, mut ended): (Arc<I>, usize, Ended<R>),
    ) -> Option<Job<I, R>> {
        let can_repeat = ended.can_repeat(self.limits.idempotent);
        let was_reached = ended.attempt.may_have_run();
        self.hosts
            .settle(host, ended.result.as_ref().err(), was_reached);
        let Ended {
            history, result, ..
        } = ended;
        // A host that was not reached says nothing about the job, which may move as often as there
        // are others.
        let has_more = !history.in_doubt || history.attempts <= self.settings.retries.max;
        match result {
            Err(error) if can_repeat && has_more && self.stopped.is_none() => {
                self.moved.push_back(Pending {
                    input,
                    history,
                    last: Some((host, error)),
                });
                None
            }
            result => Some(self.finish(input, Some(host), history, result)),
        }
    }

    fn give_up(&mut self, pending: Pending<I>, reason: Stopped) -> Job<I, R> {
        let (host, error) = match pending.last {
            Some((host, error)) => (Some(host), error),
            None => (None, reason.before()),
        };
        self.finish(pending.input, host, pending.history, Err(error))
    }

    fn finish(
        &mut self,
        input: Arc<I>,
        host: Option<usize>,
        history: History,
        result: Result<R, CallError>,
    ) -> Job<I, R> {
        self.finished += 1;
        self.failed += usize::from(result.is_err());
        let rule = &self.settings.stop;
        if rule.applies(self.failed, self.failed, self.inputs.known()) {
            self.stopped.get_or_insert(Stopped::Failures);
        }
        Job {
            index: history.index,
            input,
            host: host.map(|host| self.hosts.host(host).clone()),
            outcome: history.outcome(result),
        }
    }

    /// Waits for the next host whose pause ends, or for the end of the whole run.
    fn poll_timer(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        if self.stopped.is_some() {
            return Poll::Pending;
        }
        let Some(next) = [self.hosts.next_wake(), self.limits.deadline]
            .into_iter()
            .flatten()
            .min()
        else {
            return Poll::Pending;
        };
        let next = next.min(time::deadline(time::LONGEST));
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        timer.as_mut().poll(cx)
    }
}

impl<I, R> Unpin for Jobs<'_, I, R> {}

impl<'a, I: Send + Sync + 'a, R: Send + 'a> Stream for Jobs<'a, I, R> {
    type Item = Job<I, R>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Job<I, R>>> {
        self.poll_job(cx)
    }
}

impl<I, R> fmt::Debug for Jobs<'_, I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs")
            .field("finished", &self.finished)
            .field("failed", &self.failed)
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
