//! A run: one attempt after another at each host, in a window, until each has its outcome.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use farcall_core::protocol::output::Causes;
use farcall_core::protocol::time;
use farcall_core::{CallError, Execution};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, Sleep, sleep_until};

use super::attempt::{AttemptCall, Ended, History, Limits, Running};
use super::host::Host;
use super::outcome::{Outcome, Stopped, is_answer};
use super::places::Place;
use super::settings::Settings;

/// An event of a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<R> {
    /// An attempt at a host has begun.
    Started {
        /// The host.
        host: Host,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// An attempt failed, and the host waits for the next one, outside the window.
    Waiting {
        /// The host.
        host: Host,
        /// The pause before the next attempt.
        pause: Duration,
        /// The error with its causes. It may quote the host: escape it for a terminal.
        error: String,
    },
    /// The host has its outcome.
    Finished(Host, Outcome<R>),
}

/// The numbers of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// All hosts of the run.
    pub hosts: usize,
    /// Hosts with an outcome.
    pub finished: usize,
    /// Those of them without a result.
    pub failed: usize,
    /// Hosts whose call is under way.
    pub running: usize,
    /// Hosts that wait for their next attempt.
    pub waiting: usize,
}

/// The engine of all runs over hosts.
pub(super) struct Run<'a, R> {
    hosts: Arc<[Host]>,
    settings: Settings,
    call: Arc<AttemptCall<'a, R>>,
    limits: Limits,
    running: FuturesUnordered<Running<'a, R>>,
    waiting: BTreeMap<(Instant, usize), Waiting>,
    /// The places of calls that timed out and may still be running, and the times until which they
    /// stay taken.
    lingering: VecDeque<(Instant, Place)>,
    events: VecDeque<Event<R>>,
    /// Events other than outcomes are wanted.
    is_watched: bool,
    /// Connections are kept for later calls, since all fit into the window.
    keeps_connections: bool,
    timer: Option<Pin<Box<Sleep>>>,
    stopped: Option<Stopped>,
    /// The first host that was not called yet.
    next: usize,
    batch: Batch,
    sizes: Box<dyn Iterator<Item = usize> + Send + Sync>,
    finished: usize,
    failed: usize,
}

/// The batch that is under way.
#[derive(Default)]
struct Batch {
    end: usize,
    size: usize,
    unfinished: usize,
    failed: usize,
}

/// A host that waits for its next attempt.
struct Waiting {
    history: History,
    error: CallError,
}

impl<R> Unpin for Run<'_, R> {}

impl<'a, R: Send + 'a> Run<'a, R> {
    pub(super) fn new(
        hosts: Arc<[Host]>,
        settings: Settings,
        idempotent: bool,
        call: Arc<AttemptCall<'a, R>>,
    ) -> Self {
        // Second calls need places, too.
        let most = hosts.len() * if settings.hedge.is_some() { 2 } else { 1 };
        let limits = Limits::new(&settings, most, idempotent);
        let sizes: Box<dyn Iterator<Item = usize> + Send + Sync> = match &settings.serial {
            Some(batches) => Box::new(batches.sizes(hosts.len())),
            None => Box::new(std::iter::once(hosts.len())),
        };
        Self {
            call,
            keeps_connections: hosts.len() <= limits.places.all(),
            limits,
            running: FuturesUnordered::new(),
            waiting: BTreeMap::new(),
            lingering: VecDeque::new(),
            events: VecDeque::new(),
            is_watched: false,
            timer: None,
            stopped: None,
            next: 0,
            batch: Batch::default(),
            sizes,
            finished: 0,
            failed: 0,
            hosts,
            settings,
        }
    }

    pub(super) const fn watch(&mut self) {
        self.is_watched = true;
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            hosts: self.hosts.len(),
            finished: self.finished,
            failed: self.failed,
            running: self.running.len(),
            waiting: self.waiting.len(),
        }
    }

    /// Returns the hosts whose calls are under way.
    pub(super) fn running(&self) -> impl Iterator<Item = &Host> {
        let hosts = &self.hosts;
        let host = |running: &Running<'_, R>| &hosts[running.history.index];
        self.running.iter().map(host)
    }

    /// Starts no more attempts.
    pub(super) const fn stop(&mut self, reason: Stopped) {
        if self.stopped.is_none() {
            self.stopped = Some(reason);
        }
    }

    /// Ends the attempts under way, too.
    pub(super) fn cancel(&mut self, reason: Stopped) {
        self.stop(reason);
        for running in std::mem::take(&mut self.running) {
            let mut history = running.history;
            history.in_doubt |= running.attempt.may_have_run();
            drop(running);
            self.finish(history, Err(reason.before()));
        }
    }

    pub(super) fn poll_event(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Event<R>>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Some(event));
            }
            let now = Instant::now();
            if self.limits.deadline.is_some_and(|end| end <= now) {
                self.stop(Stopped::TotalTimeout);
            }
            match self.stopped {
                None => self.start(now),
                Some(reason) => self.give_up(reason),
            }
            if let Poll::Ready(Some(ended)) = self.running.poll_next_unpin(cx) {
                self.on_ended(ended);
            } else if self.events.is_empty() {
                if self.finished == self.hosts.len() {
                    return Poll::Ready(None);
                }
                if self.poll_timer(now, cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
    }

    /// Begins the attempts that the window and the batch have room for, those of waiting hosts
    /// first.
    fn start(&mut self, now: Instant) {
        while self.lingering.front().is_some_and(|(end, _)| *end <= now) {
            self.lingering.pop_front();
        }
        loop {
            if self.batch.unfinished == 0 && self.next < self.hosts.len() {
                self.next_batch();
            }
            let due = self.waiting.first_key_value();
            let is_due = due.is_some_and(|((due, _), _)| *due <= now);
            if !is_due && self.next == self.batch.end {
                return;
            }
            let Some(place) = self.limits.places.take() else {
                return;
            };
            let history = match self.waiting.pop_first() {
                Some((_, waiting)) if is_due => waiting.history,
                other => {
                    self.waiting.extend(other);
                    self.next += 1;
                    History::new(self.next - 1)
                }
            };
            let host = &self.hosts[history.index];
            let running = self.limits.begin(&self.call, host, history, place);
            if self.is_watched {
                self.events.push_back(Event::Started {
                    host: host.clone(),
                    attempt: running.history.attempts,
                });
            }
            self.running.push(running);
        }
    }

    fn next_batch(&mut self) {
        let left = self.hosts.len() - self.next;
        let size = self.sizes.next().unwrap_or(left).min(left);
        self.batch = Batch {
            end: self.next + size,
            size,
            unfinished: size,
            ..Batch::default()
        };
    }

    /// Gives one host its outcome that will not be called, or not again. The attempts under way
    /// end by themselves.
    fn give_up(&mut self, reason: Stopped) {
        if let Some((_, Waiting { history, error })) = self.waiting.pop_first() {
            self.finish(history, Err(error));
        } else if self.next < self.hosts.len() {
            self.next += 1;
            let history = History::new(self.next - 1);
            self.finish(history, Err(reason.before()));
        }
    }

    fn on_ended(&mut self, mut ended: Ended<R>) {
        let can_repeat = ended.can_repeat(self.limits.idempotent);
        let Ended {
            history,
            result,
            place,
            ..
        } = ended;
        if let (Err(error), Some(place), Some(timeout)) = (&result, place, self.settings.timeout)
            && error.execution() == Execution::Maybe
        {
            self.lingering.push_back((time::deadline(timeout), place));
        }
        let host = &self.hosts[history.index];
        if !self.keeps_connections {
            host.client().disconnect();
        }
        let retries = &self.settings.retries;
        match result {
            Err(error)
                if can_repeat && history.attempts <= retries.max && self.stopped.is_none() =>
            {
                let pause = retries.pause(history.attempts);
                let due = time::deadline(pause);
                if self.limits.deadline.is_some_and(|end| due >= end) {
                    return self.finish(history, Err(error));
                }
                if self.is_watched {
                    self.events.push_back(Event::Waiting {
                        host: host.clone(),
                        pause,
                        error: Causes(&error).to_string(),
                    });
                }
                let key = (due, history.index);
                self.waiting.insert(key, Waiting { history, error });
            }
            result => self.finish(history, result),
        }
    }

    /// Records the outcome of a host, and stops the run if its rule says so.
    fn finish(&mut self, history: History, result: Result<R, CallError>) {
        let host = self.hosts[history.index].clone();
        let was_called = history.attempts > 0;
        self.finished += 1;
        if was_called {
            host.set_failed(!is_answer(&result));
            self.batch.unfinished -= 1;
        }
        if result.is_err() {
            self.failed += 1;
            self.batch.failed += usize::from(was_called);
        }
        let outcome = history.outcome(result);
        self.events.push_back(Event::Finished(host, outcome));
        let (rule, batch) = (&self.settings.stop, &self.batch);
        if self.stopped.is_none() && rule.applies(self.failed, batch.failed, batch.size) {
            let cancels = rule.cancels();
            self.stop(Stopped::Failures);
            if cancels {
                self.cancel(Stopped::Failures);
            }
        }
    }

    /// Waits for the first host whose pause ends, or for the end of the whole run.
    fn poll_timer(&mut self, now: Instant, cx: &mut TaskContext<'_>) -> Poll<()> {
        if self.stopped.is_some() {
            return Poll::Pending;
        }
        // A host whose pause has ended waits for a place in the window, which wakes this task.
        let pauses = self.waiting.range((now, usize::MAX)..).next();
        let pause = pauses.map(|((due, _), _)| *due);
        let place = self.lingering.front().map(|(end, _)| *end);
        let times = [pause, place, self.limits.deadline];
        let Some(next) = times.into_iter().flatten().min() else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        timer.as_mut().poll(cx)
    }
}
