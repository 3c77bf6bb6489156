//! Real applications that offer XML-RPC, driven by our client. Each has checks of its own.

mod aria2;
mod findings;
mod process;
mod supervisor;

use std::pin::Pin;

use anyhow::Result;

pub use self::findings::{Finding, Findings};
use crate::peer::Start;

/// An application that is driven over XML-RPC.
#[derive(Debug)]
pub struct Application {
    /// What it is called on the command line and in tests.
    pub name: &'static str,
    /// What the document calls it.
    pub title: &'static str,
    /// The packages that it is installed from.
    pub packages: &'static str,
    /// Prints its version. It fails where the application is not installed.
    pub version: Start,
    checks: fn() -> Checks,
}

/// The checks of an application, under way.
type Checks = Pin<Box<dyn Future<Output = Result<Findings>>>>;

impl Application {
    /// Starts it, drives it, and ends it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn run(&self) -> Result<Findings> {
        (self.checks)().await
    }
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Application> {
    vec![aria2::application(), supervisor::application()]
}
