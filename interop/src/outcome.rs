//! What came of the checks.

use std::collections::BTreeMap;

use crate::Capability;

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works; there may be something that a reader should know of it.
    Works(Option<String>),
    /// The peer itself does something wrong.
    Defect(String),
    /// The peer's library has no such notion, for this reason.
    Lacks(String),
    /// It fails, and nobody knew.
    Fails(String),
}

/// What came of the checks of one peer in one direction.
#[derive(Clone, Debug, Default)]
pub struct Cells(BTreeMap<Capability, Outcome>);

impl Cells {
    /// Notes what came of a check. The second outcome of one check is a failure: nobody could tell which
    /// of the two holds.
    pub fn note(&mut self, capability: Capability, outcome: Outcome) {
        let outcome = match self.0.remove(&capability) {
            None => outcome,
            Some(before) => Outcome::Fails(format!("both {before:?} and {outcome:?}")),
        };
        self.0.insert(capability, outcome);
    }

    /// What came of a check. One that nobody made has failed.
    #[must_use]
    pub fn outcome(&self, capability: Capability) -> Outcome {
        let unchecked = || Outcome::Fails("it was not checked".to_owned());
        self.0.get(&capability).cloned().unwrap_or_else(unchecked)
    }

    /// The checks that failed, a line for each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failure = |capability: &Capability| match self.outcome(*capability) {
            Outcome::Fails(why) => Some(format!("{capability}: {why}")),
            _ => None,
        };
        Capability::ALL.iter().filter_map(failure).collect()
    }
}
