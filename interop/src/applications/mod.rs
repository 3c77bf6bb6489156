//! Real applications with an XML-RPC interface, controlled by our client. Each has its own checks.

mod aria2;
mod findings;
mod process;
mod supervisor;

use std::pin::Pin;

use anyhow::Result;

pub use self::findings::{Finding, Findings};
use crate::peer::Start;

/// An application that is controlled over XML-RPC.
#[derive(Debug)]
pub struct Application {
    /// Its name on the command line and in tests.
    pub name: &'static str,
    /// Its name in the document.
    pub title: &'static str,
    /// The packages that provide it.
    pub packages: &'static str,
    /// A command that prints its version, and fails if the application is not installed.
    pub version: Start,
    checks: fn() -> Checks,
}

/// The running checks of an application.
type Checks = Pin<Box<dyn Future<Output = Result<Findings>>>>;

impl Application {
    /// Starts the application, runs its checks, and stops it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn run(&self) -> Result<Findings> {
        (self.checks)().await
    }
}

/// Returns all applications.
#[must_use]
pub fn all() -> Vec<Application> {
    vec![aria2::application(), supervisor::application()]
}
