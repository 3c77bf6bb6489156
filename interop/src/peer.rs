//! What is known of a peer.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{Capability, Evidence};

/// A library of another language.
#[derive(Debug)]
pub struct Peer {
    /// What it is called on the command line and in tests.
    pub name: String,
    /// What the document calls it.
    pub title: String,
    /// The packages that it is installed from.
    pub packages: &'static str,
    /// Prints its version. It fails where the peer is not installed.
    pub version: Start,
    /// As client of our server.
    pub client: Client,
    /// As server for our client, where it has one.
    pub server: Option<Server>,
}

/// A peer's client program.
#[derive(Debug)]
pub struct Client {
    /// The program, which is given the URL of our server.
    pub start: Start,
    /// What its library has no notion of, and why that is so. The program says nothing of these.
    pub lacks: &'static [(Capability, &'static str)],
    /// The bytes that show each defect which the program tells of.
    pub defects: &'static [(Capability, Evidence)],
}

/// A peer's server program.
#[derive(Debug)]
pub struct Server {
    /// The program, which prints its URL.
    pub start: Start,
    /// What our checks find and the peer is known for.
    pub known: &'static [Known],
}

/// Something known of a peer's server that makes a check of ours fail.
#[derive(Debug)]
pub struct Known {
    /// The check that fails.
    pub capability: Capability,
    /// A part of the failure, by which it is told from others.
    pub shows: &'static str,
    /// Whether the peer is wrong, knows no such thing, or merely has its own way.
    pub verdict: Verdict,
    /// What the peer does, and how we know.
    pub what: &'static str,
    /// The bytes that show it, of each defect.
    pub evidence: Option<Evidence>,
}

impl Known {
    /// A mistake of the peer.
    #[must_use]
    pub const fn defect(
        capability: Capability,
        shows: &'static str,
        what: &'static str,
        evidence: Evidence,
    ) -> Self {
        let mut known = Self::new(capability, shows, Verdict::Defect, what);
        known.evidence = Some(evidence);
        known
    }

    /// Something that the peer's library has no notion of.
    #[must_use]
    pub const fn lacks(capability: Capability, shows: &'static str, what: &'static str) -> Self {
        Self::new(capability, shows, Verdict::Lacks, what)
    }

    /// A way of the peer that a reader should know of.
    #[must_use]
    pub const fn note(capability: Capability, shows: &'static str, what: &'static str) -> Self {
        Self::new(capability, shows, Verdict::Note, what)
    }

    const fn new(
        capability: Capability,
        shows: &'static str,
        verdict: Verdict,
        what: &'static str,
    ) -> Self {
        Self {
            capability,
            shows,
            verdict,
            what,
            evidence: None,
        }
    }
}

/// What something known of a peer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer is wrong.
    Defect,
    /// The peer has no such notion.
    Lacks,
    /// The peer works, in a way that a reader should know of.
    Note,
}

/// Makes the command that starts a program, after building it where it needs that.
pub struct Start(Box<dyn Fn() -> Result<Command> + Send + Sync>);

impl Start {
    /// Starts what `command` makes.
    pub fn new(command: impl Fn() -> Result<Command> + Send + Sync + 'static) -> Self {
        Self(Box::new(command))
    }

    /// Starts a program that is installed, with arguments.
    #[must_use]
    pub fn program(program: &'static str, arguments: &'static [&'static str]) -> Self {
        Self::new(move || {
            let mut command = Command::new(program);
            command.args(arguments);
            Ok(command)
        })
    }

    /// Starts a script of `peers` by its interpreter.
    #[must_use]
    pub fn script(interpreter: &'static str, script: &'static str) -> Self {
        Self::new(move || {
            let mut command = Command::new(interpreter);
            command.arg(programs().join(script));
            Ok(command)
        })
    }

    /// The command.
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

/// The folder with the programs of the peers.
#[must_use]
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}
