//! The results of the checks of an application.

use anyhow::Result;

use crate::Outcome;

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The action that was checked.
    pub action: &'static str,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The results of all checks, in order of execution.
#[derive(Clone, Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Returns all results.
    #[must_use]
    pub fn all(&self) -> &[Finding] {
        &self.0
    }

    /// Returns the failed checks, one line for each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failure = |finding: &Finding| match &finding.outcome {
            Outcome::Fails(reason) => Some(format!("{}: {reason}", finding.action)),
            _ => None,
        };
        self.0.iter().filter_map(failure).collect()
    }

    /// Runs a check.
    pub(super) async fn check(
        &mut self,
        action: &'static str,
        check: impl Future<Output = Result<()>>,
    ) {
        self.note(action, check.await, Outcome::Works(None));
    }

    /// Runs a check that succeeds if the application has a known defect.
    pub(super) async fn defect(
        &mut self,
        action: &'static str,
        defect: &str,
        check: impl Future<Output = Result<()>>,
    ) {
        self.note(action, check.await, Outcome::Defect(defect.to_owned()));
    }

    /// Runs a check that succeeds if the application has a known peculiarity, which the document
    /// reports.
    pub(super) async fn peculiar(
        &mut self,
        action: &'static str,
        note: &str,
        check: impl Future<Output = Result<()>>,
    ) {
        self.note(action, check.await, Outcome::Works(Some(note.to_owned())));
    }

    fn note(&mut self, action: &'static str, result: Result<()>, outcome: Outcome) {
        let outcome = match result {
            Ok(()) => outcome,
            Err(error) => Outcome::Fails(format!("{error:#}")),
        };
        self.0.push(Finding { action, outcome });
    }
}
