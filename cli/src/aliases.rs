//! Aliases: names of the configuration that stand for the words of a command.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use farcall::cluster::{Config, Severity};

use crate::terminal::{FAILURE, print_error};
use crate::{Cli, config};

/// Maximum number of aliases that stand for one another.
const MAX_DEPTH: usize = 8;

/// Replaces the command by the words that it stands for, if it is an alias. The commands of the
/// program cannot be redefined.
///
/// # Errors
/// If an alias stands for itself.
pub(crate) fn expanded(arguments: Vec<OsString>) -> Result<Vec<OsString>, String> {
    expand(arguments, &alias)
}

/// Returns what is wrong with the aliases of a configuration, with its severity.
pub(crate) fn check(config: &Config) -> Vec<(Severity, String)> {
    let words = |name: &str| config.alias(name).map(<[String]>::to_vec);
    let problem = |name: &str| {
        if is_command(name) {
            let text = format!("the alias `{name}` is never used: it is the name of a command");
            return Some((Severity::Warning, text));
        }
        let arguments = ["farcall", name].map(OsString::from).to_vec();
        let problem = match expand(arguments, &words) {
            Ok(arguments) => {
                let (command, _) = unknown_command(&arguments)?;
                format!("the alias `{name}` stands for `{command}`, which is no command")
            }
            Err(problem) => problem,
        };
        Some((Severity::Error, problem))
    };
    config.aliases().filter_map(problem).collect()
}

fn is_command(name: &str) -> bool {
    Cli::command().find_subcommand(name).is_some()
}

fn expand(
    mut arguments: Vec<OsString>,
    alias: &dyn Fn(&str) -> Option<Vec<String>>,
) -> Result<Vec<OsString>, String> {
    let mut last = String::new();
    for _ in 0..=MAX_DEPTH {
        let Some((name, behind)) = unknown_command(&arguments) else {
            return Ok(arguments);
        };
        let Some(words) = alias(&name) else {
            return Ok(arguments);
        };
        let before = arguments.len() - behind - 1;
        arguments.splice(before..=before, words.into_iter().map(OsString::from));
        last = name;
    }
    Err(format!("the alias `{last}` stands for itself"))
}

/// Returns the command if it is none of the program, and the number of arguments behind it.
fn unknown_command(arguments: &[OsString]) -> Option<(String, usize)> {
    let error = Cli::command().try_get_matches_from(arguments).err()?;
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let command = Cli::command()
        .allow_external_subcommands(true)
        .external_subcommand_value_parser(clap::value_parser!(OsString));
    let matches = command.try_get_matches_from(arguments).ok()?;
    let (name, matches) = matches.subcommand()?;
    let behind = matches.get_many::<OsString>("").map_or(0, Iterator::count);
    Some((name.to_owned(), behind))
}

/// Returns the words of an alias. Ends the process if a mistake in the configuration is the reason
/// why there are none: that there is no such command is not.
fn alias(name: &str) -> Option<Vec<String>> {
    let problem = match config::load() {
        Ok(config) => match config.alias_mistake(name) {
            None => return config.alias(name).map(<[String]>::to_vec),
            Some(mistake) => mistake.to_string(),
        },
        Err(error) => error,
    };
    print_error(format_args!(
        "farcall: `{name}` is no command, and as an alias: {problem}"
    ));
    std::process::exit(FAILURE.into())
}
