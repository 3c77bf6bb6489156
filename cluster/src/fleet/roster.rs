//! The hosts of jobs: who is free, who rests after a failure, and who is left out.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use farcall_core::protocol::time;
use farcall_core::{CallError, FaultKind};
use tokio::time::Instant;

use super::host::Host;
use super::outcome::is_transient;
use super::policy::Retries;

/// The hosts of jobs, with their state.
pub(super) struct Roster {
    hosts: Arc<[Host]>,
    states: Vec<State>,
    /// Hosts that can take a job, the one that waits longest first.
    free: VecDeque<usize>,
    /// Hosts that failed, by the end of their pause.
    resting: BTreeSet<(Instant, usize)>,
    per_host: usize,
    retries: Retries,
    /// Hosts that have not failed too often.
    hopeful: usize,
    /// Hosts whose last job was no failure of theirs.
    healthy: usize,
}

#[derive(Clone, Default)]
struct State {
    running: usize,
    is_free: bool,
    is_resting: bool,
    /// Failures in succession.
    failures: u32,
    /// Those of them that may have run: a host that takes jobs and gives no answer costs each of
    /// them.
    lost: u32,
}

impl Roster {
    pub(super) fn new(hosts: Arc<[Host]>, per_host: usize, retries: Retries) -> Self {
        let free = State {
            is_free: true,
            ..State::default()
        };
        Self {
            states: vec![free; hosts.len()],
            free: (0..hosts.len()).collect(),
            resting: BTreeSet::new(),
            per_host,
            retries,
            hopeful: hosts.len(),
            healthy: hosts.len(),
            hosts,
        }
    }

    pub(super) fn host(&self, index: usize) -> &Host {
        &self.hosts[index]
    }

    pub(super) fn has_free(&self) -> bool {
        !self.free.is_empty()
    }

    /// Returns `true` if a host is left that has not failed too often.
    pub(super) const fn has_hope(&self) -> bool {
        self.hopeful > 0
    }

    /// Returns a free host for a job. The host that failed it `before` gets it again only if no
    /// other one is healthy.
    pub(super) fn take(&mut self, before: Option<usize>) -> Option<usize> {
        let is_other = |index: &usize| Some(*index) != before;
        let place = match self.free.iter().position(is_other) {
            None if self.healthy > 0 => return None,
            place => place.unwrap_or(0),
        };
        let index = self.free.remove(place)?;
        let state = &mut self.states[index];
        state.is_free = false;
        state.running += 1;
        self.offer(index);
        Some(index)
    }

    /// Lists a host as free, if it can take a job.
    fn offer(&mut self, index: usize) {
        let state = &mut self.states[index];
        // A host that failed has to show with one job that it works again.
        let most = if state.failures > 0 { 1 } else { self.per_host };
        let is_left_out = state.lost > self.retries.max;
        if !state.is_free && !state.is_resting && !is_left_out && state.running < most {
            state.is_free = true;
            self.free.push_back(index);
        }
    }

    /// Records the end of a job. `was_reached`: the host may have run it.
    pub(super) fn settle(&mut self, index: usize, error: Option<&CallError>, was_reached: bool) {
        let is_failure = error.is_some_and(blames_host);
        self.hosts[index].set_failed(error.is_some_and(is_transient));
        let max = self.retries.max;
        let state = &mut self.states[index];
        state.running -= 1;
        let (was_hopeful, was_healthy) = (state.failures <= max, state.failures == 0);
        if is_failure {
            state.failures += 1;
            state.lost += u32::from(was_reached);
        } else {
            state.failures = 0;
            state.lost = 0;
        }
        match (was_hopeful, state.failures <= max) {
            (true, false) => self.hopeful -= 1,
            (false, true) => self.hopeful += 1,
            _ => {}
        }
        match (was_healthy, !is_failure) {
            (true, false) => self.healthy -= 1,
            (false, true) => self.healthy += 1,
            _ => {}
        }
        if is_failure {
            if state.is_free {
                state.is_free = false;
                self.free.retain(|free| *free != index);
            }
            if !state.is_resting {
                state.is_resting = true;
                let pause = self.retries.pause(state.failures);
                self.resting.insert((time::deadline(pause), index));
            }
        } else {
            self.offer(index);
        }
    }

    /// Lists the hosts as free whose pause has ended.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some((due, index)) = self.resting.first().copied()
            && due <= now
        {
            self.resting.pop_first();
            self.states[index].is_resting = false;
            self.offer(index);
        }
    }

    /// Returns the end of the next pause.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.resting.first().map(|(due, _)| *due)
    }
}

/// Returns `true` if an error is a matter of the host, not of the job.
fn blames_host(error: &CallError) -> bool {
    is_transient(error)
        || match error {
            CallError::Refused(_) | CallError::NotAReply(_) => true,
            CallError::Fault(fault) => matches!(
                fault.kind(),
                FaultKind::UnknownMethod | FaultKind::Denied | FaultKind::Gone
            ),
            _ => false,
        }
}
