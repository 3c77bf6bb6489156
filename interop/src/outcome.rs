//! The outcomes of checks.

use std::collections::BTreeMap;

use crate::Capability;

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The check succeeded, with an optional note for the reader.
    Works(Option<String>),
    /// The peer has this defect.
    Defect(String),
    /// The peer's library does not support this, for this reason.
    Lacks(String),
    /// The check failed unexpectedly.
    Fails(String),
}

/// The outcomes of the checks of one peer in one direction.
#[derive(Clone, Debug, Default)]
pub struct Cells(BTreeMap<Capability, Outcome>);

impl Cells {
    /// Records the outcome of a check. A second outcome of the same check is a failure, since the
    /// two contradict each other.
    pub fn note(&mut self, capability: Capability, outcome: Outcome) {
        let outcome = match self.0.remove(&capability) {
            None => outcome,
            Some(before) => Outcome::Fails(format!("both {before:?} and {outcome:?}")),
        };
        self.0.insert(capability, outcome);
    }

    /// Returns the outcome of a check. A check that was not run has failed.
    #[must_use]
    pub fn outcome(&self, capability: Capability) -> Outcome {
        let unchecked = || Outcome::Fails("it was not checked".to_owned());
        self.0.get(&capability).cloned().unwrap_or_else(unchecked)
    }

    /// Returns the failed checks, one line for each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failure = |capability: &Capability| match self.outcome(*capability) {
            Outcome::Fails(reason) => Some(format!("{capability}: {reason}")),
            _ => None,
        };
        Capability::ALL.iter().filter_map(failure).collect()
    }
}
