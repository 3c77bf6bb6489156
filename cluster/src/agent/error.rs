//! Errors of the settings of the agent.

use std::path::PathBuf;

use farcall_core::protocol::output::Foreign;

/// The error of the settings of an agent.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The text is no TOML, or has other settings than there are.
    #[error("line {line}, `{}`: {}", Foreign::excerpt(.setting), Foreign::excerpt(.message))]
    Toml {
        /// The line, counted from 1.
        line: usize,
        /// The text of this line.
        setting: String,
        /// The mistake.
        message: String,
    },
    /// The table of a module does not say whom it serves.
    #[error("`[{0}]` does not say who may call it: set `allow`")]
    NoRights(String),
    /// No module has this name.
    #[error("there is no module `{0}`: they are facts, processes, run, files, tail and fanout")]
    UnknownModule(String),
    /// A root is not an absolute path.
    #[error("the root `{}` is not an absolute path", .0.display())]
    RelativeRoot(PathBuf),
    /// A module for files has no roots, so there is nothing that it could serve.
    #[error("the module `{0}` has no root, so it would refuse every call")]
    NoRoots(&'static str),
    /// The module `fanout` has no hosts, so there is nothing that it could call.
    #[error("the module `fanout` has no hosts, so it would refuse every call")]
    NoHosts,
    /// The machine has no user with this name, as whom commands should run.
    #[error("`[run]` names the user `{0}`, who does not exist")]
    UnknownUser(String),
    /// Commands run as another user only if the agent runs as root.
    #[error("commands cannot run as another user: the agent does not run as root")]
    NotRoot,
}

farcall_core::debug_errors!(AgentError);

impl AgentError {
    /// Returns the error of a mistake in this text.
    pub(super) fn toml(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        let line = before.matches('\n').count();
        let message: Vec<&str> = error.message().lines().map(str::trim).collect();
        Self::Toml {
            line: line + 1,
            setting: text.lines().nth(line).unwrap_or("").trim().to_owned(),
            message: message.join(", "),
        }
    }
}
