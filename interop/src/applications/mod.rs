//! Real applications with an XML-RPC or JSON-RPC interface, controlled by our clients, each with
//! its own checks; and libraries for JSON-RPC, which all have the same ones.

mod aria2;
mod aria2_jsonrpc;
mod findings;
mod jsonrpc;
mod process;
mod supervisor;

use std::pin::Pin;

use anyhow::Result;

pub use self::findings::{Finding, Findings};
use crate::peer::Start;

/// An application that is controlled by calls, or a library for JSON-RPC.
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
    vec![
        aria2::application(),
        aria2_jsonrpc::application(),
        supervisor::application(),
    ]
}

/// Returns the libraries for JSON-RPC.
#[must_use]
pub fn libraries() -> Vec<Application> {
    jsonrpc::libraries()
}
