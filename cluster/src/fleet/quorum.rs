//! Calls that need a number of good answers.

use std::error::Error;
use std::fmt;

use farcall_core::Execution;
use farcall_core::protocol::{Args, Name};
use serde::de::DeserializeOwned;

use super::Fleet;
use super::host::Host;
use super::outcome::Outcome;

/// Too few hosts gave a result.
pub struct NoQuorum<R> {
    /// The number of results that were needed.
    pub wanted: usize,
    /// The results that came.
    pub answers: Vec<(Host, R)>,
    /// The outcomes of hosts without a result, so far as they were waited for.
    pub failures: Vec<(Host, Outcome<R>)>,
}

impl<R> NoQuorum<R> {
    /// Returns whether the method ran anywhere, as far as the local side can know.
    #[must_use]
    pub fn execution(&self) -> Execution {
        let never = |(_, outcome): &(Host, Outcome<R>)| outcome.execution() == Execution::Never;
        if !self.answers.is_empty() {
            Execution::Completed
        } else if self.failures.iter().all(never) {
            Execution::Never
        } else {
            Execution::Maybe
        }
    }
}

impl<R> fmt::Display for NoQuorum<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answers, failures) = (self.answers.len(), self.failures.len());
        let wanted = self.wanted;
        write!(
            f,
            "{answers} hosts gave a result and {failures} failed, {wanted} results were needed"
        )
    }
}

/// The text, and the number of hosts.
impl<R> fmt::Debug for NoQuorum<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<R> Error for NoQuorum<R> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let failure = self.failures.first()?;
        let error = failure.1.result.as_ref().err()?;
        Some(error)
    }
}

impl Fleet {
    /// Calls a method of all hosts, and returns as soon as `wanted` of them have given a result.
    /// The calls that are still under way are then cancelled: these may have run.
    ///
    /// # Errors
    /// As soon as too few hosts are left.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the calls; the method may still have run.
    pub async fn call_quorum<R>(
        &self,
        wanted: usize,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<Vec<(Host, R)>, NoQuorum<R>>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let (mut answers, mut failures) = (Vec::new(), Vec::new());
        let mut outcomes = self.call_all(method, args);
        while answers.len() < wanted && failures.len() + wanted <= self.hosts().len() {
            let Some((host, outcome)) = outcomes.next().await else {
                break;
            };
            match outcome.result {
                Ok(result) => answers.push((host, result)),
                Err(_) => failures.push((host, outcome)),
            }
        }
        if answers.len() >= wanted {
            return Ok(answers);
        }
        Err(NoQuorum {
            wanted,
            answers,
            failures,
        })
    }
}
