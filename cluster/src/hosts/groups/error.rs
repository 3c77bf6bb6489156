//! Errors of groups.

use std::error::Error;
use std::io;
use std::time::Duration;

use farcall_core::protocol::output::Foreign;

use crate::hosts::lines::FileError;
use crate::hosts::notation::HostSetError;

/// Error of a source of groups.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The source cannot tell the names of its groups.
    #[error("this source cannot list its groups: no command for `list` is configured")]
    NoNames,
    /// A command could not be started, or its output could not be read.
    #[error("the command `{}` cannot run", Foreign::excerpt(.command))]
    Start {
        /// The command.
        command: String,
        /// The cause.
        source: io::Error,
    },
    /// A command failed.
    #[error(
        "the command `{}` failed ({status}){}",
        Foreign::excerpt(.command),
        ErrorOutput(.stderr)
    )]
    Failed {
        /// The command.
        command: String,
        /// Its exit status in words.
        status: String,
        /// The beginning of its error output.
        stderr: String,
    },
    /// A command or a question took too long.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The answer is too long.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
    /// The answer is no UTF-8.
    #[error("the answer is not UTF-8")]
    NotUtf8,
    /// Any other failure.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

struct ErrorOutput<'a>(&'a str);

impl std::fmt::Display for ErrorOutput<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.trim() {
            "" => Ok(()),
            text => write!(f, ": {}", Foreign::excerpt(text)),
        }
    }
}

/// Error of resolving a text with groups to hosts.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text is invalid.
    #[error(transparent)]
    Text(HostSetError),
    /// The members of a group are invalid.
    #[error("the members of @{}", Foreign::excerpt(.group))]
    Members {
        /// The group, with its source.
        group: String,
        /// The mistake.
        source: HostSetError,
    },
    /// There is no such group.
    #[error("there is no group @{}{}", Foreign::excerpt(.group), Hint(.hint))]
    UnknownGroup {
        /// The group, with its source.
        group: String,
        /// Advice, or nothing.
        hint: String,
    },
    /// There are no groups at all.
    #[error("no groups are configured")]
    NoGroups,
    /// There is no such source of groups.
    #[error("there is no source of groups `{}`{}", Foreign::excerpt(.name), Hint(.hint))]
    UnknownSource {
        /// Its name.
        name: String,
        /// Advice, or nothing.
        hint: String,
    },
    /// A group is, directly or not, a member of itself.
    #[error("a group is a member of itself: @{}", .0.join(" has @"))]
    Cycle(Vec<String>),
    /// There are more groups within groups than the limit.
    #[error("more than {0} groups within groups")]
    TooDeep(usize),
    /// A source failed.
    #[error("the group @{}", Foreign::excerpt(.group))]
    Source {
        /// The group, with its source.
        group: String,
        /// The failure.
        source: GroupError,
    },
    /// A file of hosts cannot be read, or a line of it is invalid.
    #[error(transparent)]
    File(#[from] FileError),
    /// The hosts of a rule of the inventory.
    #[error("the hosts of a rule of the inventory")]
    Rule(#[source] Box<Self>),
    /// Two sources say different URLs for a host.
    #[error("{} has two URLs", Foreign::excerpt(.0))]
    TwoUrls(String),
}

struct Hint<'a>(&'a str);

impl std::fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            hint => write!(f, ": {}", Foreign::excerpt(hint)),
        }
    }
}

farcall_core::debug_errors!(GroupError, ResolveError);
