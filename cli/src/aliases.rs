//! Aliases: names of the configuration that stand for the words of a command.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use crate::terminal::{FAILURE, print_error};
use crate::{Cli, config};

/// Maximum number of aliases that stand for one another.
const MAX_DEPTH: usize = 8;

/// Replaces the command by the words that it stands for, if it is an alias. The commands of the
/// program cannot be redefined.
pub(crate) fn expanded(mut arguments: Vec<OsString>) -> Vec<OsString> {
    for _ in 0..MAX_DEPTH {
        let Err(error) = Cli::command().try_get_matches_from(&arguments) else {
            break;
        };
        let words = (error.kind() == ErrorKind::InvalidSubcommand)
            .then(|| unknown_command(&arguments))
            .flatten();
        let Some((name, behind)) = words else {
            break;
        };
        let Some(alias) = alias(&name) else {
            break;
        };
        let before = arguments.len() - behind - 1;
        let words = alias.into_iter().map(OsString::from);
        arguments.splice(before..=before, words);
    }
    arguments
}

/// Returns the command that is none, and the number of arguments behind it.
fn unknown_command(arguments: &[OsString]) -> Option<(String, usize)> {
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
