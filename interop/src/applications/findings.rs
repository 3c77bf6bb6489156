//! What comes of driving an application.

use anyhow::Result;

use crate::Outcome;

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was done.
    pub what: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of all checks, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Finding] {
        &self.0
    }

    /// The checks that failed, a line for each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failure = |finding: &Finding| match &finding.outcome {
            Outcome::Fails(why) => Some(format!("{}: {why}", finding.what)),
            _ => None,
        };
        self.0.iter().filter_map(failure).collect()
    }

    /// Makes a check.
    pub(super) async fn check(
        &mut self,
        what: &'static str,
        check: impl Future<Output = Result<()>>,
    ) {
        self.note(what, check.await, Outcome::Works(None));
    }

    /// Makes a check that holds where the application does something wrong in the way that is known.
    pub(super) async fn defect(
        &mut self,
        what: &'static str,
        defect: &str,
        check: impl Future<Output = Result<()>>,
    ) {
        self.note(what, check.await, Outcome::Defect(defect.to_owned()));
    }

    /// Makes a check that holds where the application does something in a way that a reader should know of.
    pub(super) async fn peculiar(
        &mut self,
        what: &'static str,
        note: &str,
        check: impl Future<Output = Result<()>>,
    ) {
        self.note(what, check.await, Outcome::Works(Some(note.to_owned())));
    }

    fn note(&mut self, what: &'static str, result: Result<()>, outcome: Outcome) {
        let outcome = match result {
            Ok(()) => outcome,
            Err(error) => Outcome::Fails(format!("{error:#}")),
        };
        self.0.push(Finding { what, outcome });
    }
}
