//! Peers and their known behaviour.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{Capability, Evidence};

/// A library of another language.
#[derive(Debug)]
pub struct Peer {
    /// Its name on the command line and in tests.
    pub name: String,
    /// Its name in the document.
    pub title: String,
    /// The packages that provide it.
    pub packages: &'static str,
    /// A command that prints its version, and fails if the peer is not installed.
    pub version: Start,
    /// The client program.
    pub client: Client,
    /// The server program, if the library has a server.
    pub server: Option<Server>,
}

/// A peer's client program.
#[derive(Debug)]
pub struct Client {
    /// The program, which gets the URL of our server as its argument.
    pub start: Start,
    /// Capabilities that the library does not support, with the reason. The program does not report
    /// these.
    pub lacks: &'static [(Capability, &'static str)],
    /// The bytes that prove each defect which the program reports.
    pub defects: &'static [(Capability, Evidence)],
}

/// A peer's server program.
#[derive(Debug)]
pub struct Server {
    /// The program, which prints its URL.
    pub start: Start,
    /// Known behaviour that makes our checks fail.
    pub known: &'static [Known],
}

/// A known behaviour of a peer's server that makes one of our checks fail.
#[derive(Debug)]
pub struct Known {
    /// The check that fails.
    pub capability: Capability,
    /// A part of the failure's text, which identifies it.
    pub shows: &'static str,
    /// The classification of the behaviour.
    pub verdict: Verdict,
    /// A description of the behaviour, and its source.
    pub description: &'static str,
    /// The bytes that prove it, for a defect.
    pub evidence: Option<Evidence>,
}

impl Known {
    /// Describes a defect of the peer.
    #[must_use]
    pub const fn defect(
        capability: Capability,
        shows: &'static str,
        description: &'static str,
        evidence: Evidence,
    ) -> Self {
        let mut known = Self::new(capability, shows, Verdict::Defect, description);
        known.evidence = Some(evidence);
        known
    }

    /// Describes a capability that the peer's library does not support.
    #[must_use]
    pub const fn lacks(
        capability: Capability,
        shows: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new(capability, shows, Verdict::Lacks, description)
    }

    /// Describes a peculiarity of the peer that the document reports.
    #[must_use]
    pub const fn note(
        capability: Capability,
        shows: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new(capability, shows, Verdict::Note, description)
    }

    const fn new(
        capability: Capability,
        shows: &'static str,
        verdict: Verdict,
        description: &'static str,
    ) -> Self {
        Self {
            capability,
            shows,
            verdict,
            description,
            evidence: None,
        }
    }
}

/// The classification of a known behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A defect of the peer.
    Defect,
    /// The peer does not support it.
    Lacks,
    /// The peer works, with a peculiarity that the document reports.
    Note,
}

/// A function that returns the command to start a program, and builds the program first if
/// necessary.
pub struct Start(Box<dyn Fn() -> Result<Command> + Send + Sync>);

impl Start {
    /// Uses the command that `command` returns.
    pub fn new(command: impl Fn() -> Result<Command> + Send + Sync + 'static) -> Self {
        Self(Box::new(command))
    }

    /// Starts an installed program with arguments.
    #[must_use]
    pub fn program(program: &'static str, arguments: &'static [&'static str]) -> Self {
        Self::new(move || {
            let mut command = Command::new(program);
            command.args(arguments);
            Ok(command)
        })
    }

    /// Starts a script in `peers` with its interpreter.
    #[must_use]
    pub fn script(interpreter: &'static str, script: &'static str) -> Self {
        Self::new(move || {
            let mut command = Command::new(interpreter);
            command.arg(programs().join(script));
            Ok(command)
        })
    }

    /// Returns the command.
    ///
    /// # Errors
    /// If the program cannot be built.
    pub fn command(&self) -> Result<Command> {
        self.0()
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Start")
    }
}

/// Returns the folder with the programs of the peers.
#[must_use]
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}
