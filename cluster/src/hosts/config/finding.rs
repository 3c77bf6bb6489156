//! Mistakes and risks in a configuration.

use std::fmt;
use std::path::PathBuf;

/// Weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, but it is risky, or surely not what was meant.
    Warning,
    /// It does not work.
    Error,
}

/// A mistake or a risk in a configuration, with its place.
///
/// Its text form is that of compilers, `PATH:LINE: error: MESSAGE`. It says what to do, and shows
/// no values, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigFinding {
    /// Its weight.
    pub severity: Severity,
    /// The file.
    pub path: PathBuf,
    /// The number of the line, from 1, unless it is the whole file.
    pub line: Option<usize>,
    /// The text, without a line break.
    pub message: String,
}

impl fmt::Display for ConfigFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, ": {severity}: {}", self.message)
    }
}

/// Error of reading a configuration: its mistakes, one on each line.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The mistakes, in the order of the file; at least one.
    pub findings: Vec<ConfigFinding>,
}

impl ConfigError {
    pub(super) fn new(finding: ConfigFinding) -> Self {
        Self {
            findings: vec![finding],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

farcall_core::debug_errors!(ConfigError);
