//! The configuration of the user.

use std::error::Error;
use std::path::PathBuf;

use clap::Subcommand;
use farcall::cluster::{Config, ConfigError, Severity};

use crate::connection::path;
use crate::terminal::print_error;

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print what is wrong or risky in the configuration; exit status 2 if something is wrong
    Check {
        /// The file [default: ~/.config/farcall/config.toml]
        #[arg(value_parser = path())]
        file: Option<PathBuf>,
    },
}

/// Reads the configuration, which is empty if there is no file.
///
/// # Errors
/// The first mistake, if there are any.
pub(crate) fn load() -> Result<Config, String> {
    Config::load().map_err(|error| first(&error))
}

/// The first mistake, on one line.
pub(crate) fn first(error: &ConfigError) -> String {
    match &error.findings[..] {
        [first, _, ..] => format!("{first} (farcall config check shows more)"),
        _ => error.to_string(),
    }
}

/// Runs the command, and returns the text to print. `check_aliases` returns what is wrong with
/// those.
pub(crate) fn run(
    command: &ConfigCommand,
    check_aliases: impl Fn(&Config) -> Vec<(Severity, String)>,
) -> Result<String, Box<dyn Error>> {
    let ConfigCommand::Check { file } = command;
    let path = file.clone().or_else(Config::default_path);
    let path = path.ok_or("there is no home directory, and so no configuration")?;
    if file.is_none() && !path.exists() {
        return Ok(format!(
            "{}: there is no such file: the configuration is empty",
            path.display()
        ));
    }
    let found = Config::check_file(&path)
        .into_iter()
        .map(|finding| (finding.severity, finding.to_string()));
    let aliases = Config::from_file(&path).map(|config| check_aliases(&config));
    let aliases = aliases.unwrap_or_default().into_iter();
    let aliases = aliases.map(|(severity, problem)| {
        let weight = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        (severity, format!("{}: {weight}: {problem}", path.display()))
    });
    let all: Vec<(Severity, String)> = found.chain(aliases).collect();
    let errors = all
        .iter()
        .filter(|(severity, _)| *severity == Severity::Error);
    let count = errors.count();
    let findings: Vec<String> = all.into_iter().map(|(_, finding)| finding).collect();
    if count > 0 {
        findings.iter().for_each(print_error);
        let mistakes = if count == 1 { "mistake" } else { "mistakes" };
        return Err(format!("the configuration has {count} {mistakes}").into());
    }
    if findings.is_empty() {
        return Ok(format!("{}: nothing is wrong", path.display()));
    }
    Ok(findings.join("\n"))
}
