//! Evaluation of the operators in a text.

use std::sync::Arc;

use indexmap::IndexMap;

use super::HostSet;
use crate::hosts::limits::HostLimits;
use crate::hosts::notation::{HostSetError, HostSetProblem, Operator, Pattern};

/// The hosts of a text, as far as it has been evaluated.
///
/// Each operator takes time in proportion to its operand, and not to the hosts before it. An
/// intersection removes what it does not keep, so all of them together take no longer than it took
/// to add the hosts.
pub(in crate::hosts) struct Evaluation<'a> {
    text: &'a str,
    limits: &'a HostLimits,
    /// The names that were added, with `false` for those that were excluded again.
    names: IndexMap<Arc<str>, bool>,
    /// Names that are not excluded.
    count: usize,
    /// Names of all operands.
    work: usize,
}

impl<'a> Evaluation<'a> {
    pub(in crate::hosts) fn new(text: &'a str, limits: &'a HostLimits) -> Self {
        Self {
            text,
            limits,
            names: IndexMap::new(),
            count: 0,
            work: 0,
        }
    }

    pub(in crate::hosts) fn error(&self, at: usize, problem: HostSetProblem) -> HostSetError {
        HostSetError::new(self.text, at, problem)
    }

    /// Combines the hosts with the names of a pattern.
    pub(in crate::hosts) fn names(
        &mut self,
        operator: Operator,
        at: usize,
        pattern: &Pattern<'_>,
    ) -> Result<(), HostSetError> {
        if operator == Operator::Union {
            self.account(at, pattern.count())?;
            pattern.for_each(|name| self.add(name));
            return self.check(at);
        }
        let mut names = HostSet::new();
        pattern.for_each(|name| {
            names.insert(name);
        });
        self.hosts(operator, at, &names)
    }

    /// Combines the hosts with others.
    pub(in crate::hosts) fn hosts(
        &mut self,
        operator: Operator,
        at: usize,
        hosts: &HostSet,
    ) -> Result<(), HostSetError> {
        self.account(at, hosts.len())?;
        match operator {
            Operator::Union => hosts.iter().for_each(|name| self.add(name)),
            Operator::Difference => hosts.iter().for_each(|name| self.exclude(name)),
            Operator::Intersection => {
                let is_kept = |name: &Arc<str>, is_in: &mut bool| *is_in && hosts.contains(name);
                self.names.retain(is_kept);
                self.count = self.names.len();
            }
            Operator::SymmetricDifference => {
                for name in hosts.iter() {
                    match self.names.get(name) {
                        Some(true) => self.exclude(name),
                        _ => self.add(name),
                    }
                }
            }
        }
        self.check(at)
    }

    fn add(&mut self, name: &str) {
        match self.names.get_mut(name) {
            Some(is_in) => self.count += usize::from(!std::mem::replace(is_in, true)),
            None => {
                self.names.insert(name.into(), true);
                self.count += 1;
            }
        }
    }

    fn exclude(&mut self, name: &str) {
        if let Some(is_in) = self.names.get_mut(name) {
            self.count -= usize::from(std::mem::replace(is_in, false));
        }
    }

    fn account(&mut self, at: usize, names: usize) -> Result<(), HostSetError> {
        self.work = self.work.saturating_add(names);
        self.limit(at, self.work <= self.limits.max_work())
    }

    fn check(&self, at: usize) -> Result<(), HostSetError> {
        self.limit(at, self.count <= self.limits.max_hosts)
    }

    fn limit(&self, at: usize, is_within: bool) -> Result<(), HostSetError> {
        if is_within {
            return Ok(());
        }
        Err(self.error(at, HostSetProblem::TooManyHosts(self.limits.max_hosts)))
    }

    pub(in crate::hosts) fn finish(self) -> HostSet {
        let names = self.names.into_iter();
        HostSet(
            names
                .filter_map(|(name, is_in)| is_in.then_some(name))
                .collect(),
        )
    }
}
