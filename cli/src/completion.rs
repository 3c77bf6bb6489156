//! Completion in shells: of options and commands, of the methods of a live server, of hosts and
//! groups.

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::process::{self, Command};
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;

use crate::Cli;
use crate::fleet;
use crate::json::Json;

/// The variable by which the code of a shell asks for completions.
const VARIABLE: &str = "COMPLETE";

/// The variable with the number of the word that is completed.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";

/// Maximum time for the answer of a server: a person waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Maximum number of hosts that are offered.
const MAX_HOSTS: usize = 500;

#[derive(Args)]
pub(crate) struct CompletionsCommand {
    /// The shell; for bash, `source <(farcall completions bash)` in ~/.bashrc
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Returns the code for a shell.
pub(crate) fn run(command: &CompletionsCommand) -> Result<String, Box<dyn Error>> {
    let name = match command.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let shells = Shells::builtins();
    let shell = shells.completer(name).ok_or("there is no such shell")?;
    let mut code = Vec::new();
    shell.write_registration(VARIABLE, "farcall", "farcall", "farcall", &mut code)?;
    Ok(String::from_utf8(code)?.trim_end().to_owned())
}

/// Prints completions and ends the process, if the code of a shell asks for them.
pub(crate) fn complete() {
    if env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty() || shell == "0") {
        return;
    }
    if let Some(status) = with_joined_words() {
        process::exit(status);
    }
    CompleteEnv::with_factory(command).complete();
}

/// Returns the command line with the completions of its words.
fn command() -> clap::Command {
    let mut command = Cli::command();
    for name in ["hosts", "exclude", "via"] {
        command = command.mut_arg(name, |arg| arg.add(ArgValueCompleter::new(hosts)));
    }
    for name in ["call", "map", "help", "top", "subscribe"] {
        command = command.mut_subcommand(name, |command| {
            command.mut_arg("words", |arg| arg.add(ArgValueCompleter::new(words)))
        });
    }
    command
}

/// Bash splits words at colons and at `@`: a URL arrives as several. If there are such, completes
/// the command line with these joined in a process of its own, whose environment has the number of
/// the completed word, and returns its exit status.
fn with_joined_words() -> Option<i32> {
    let arguments: Vec<OsString> = env::args_os().collect();
    let behind = arguments.iter().position(|argument| argument == "--")? + 1;
    let index: usize = env::var(INDEX).ok()?.parse().ok()?;
    let (joined, joined_index, cut) = joined(&arguments[behind..], index)?;
    let program = env::current_exe().ok()?;
    let mut completion = Command::new(program);
    completion
        .arg("--")
        .args(joined)
        .env(INDEX, joined_index.to_string());
    let output = completion.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let separator = env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".to_owned());
    // Bash replaces only what is behind the last separator.
    let shown: Vec<&str> = text
        .split(&separator)
        .map(|candidate| candidate.strip_prefix(&cut).unwrap_or(candidate))
        .collect();
    print!("{}", shown.join(&separator));
    output.status.code()
}

/// Joins words that bash separated. Returns them, the new number of the completed word, and the
/// beginning of that word which bash keeps; or `None` if there is nothing to join.
fn joined(words: &[OsString], index: usize) -> Option<(Vec<OsString>, usize, String)> {
    let is_separator = |word: &OsStr| word == ":" || word == "@";
    if !words.iter().take(index + 1).any(|word| is_separator(word)) {
        return None;
    }
    let mut joined: Vec<OsString> = Vec::new();
    let mut is_open = false;
    let mut cut = String::new();
    for (place, word) in words.iter().take(index + 1).enumerate() {
        // A `@` begins a word of its own behind an option.
        let begins = word == "@" && joined.last().is_some_and(|last| ends_word(last));
        match joined.last_mut() {
            Some(last) if is_open || is_separator(word) && !begins => {
                if place == index {
                    cut = last.to_string_lossy().into_owned();
                }
                last.push(word);
            }
            _ => joined.push(word.clone()),
        }
        is_open = is_separator(word);
    }
    let index = joined.len().checked_sub(1)?;
    Some((joined, index, cut))
}

/// Returns `true` for an option, whose value is the next word.
fn ends_word(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

/// Offers the methods of the server, or of the hosts.
fn words(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let Some(parsed) = parsed() else {
        return Vec::new();
    };
    let options = &parsed.options;
    let crate::Command::Call(command) = &parsed.command else {
        return Vec::new();
    };
    let has_hosts = !options.fleet.hosts.is_empty();
    // The last word is the one that is completed.
    let before = command
        .words()
        .len()
        .saturating_sub(usize::from(!current.is_empty()));
    if before != usize::from(!has_hosts) {
        return Vec::new();
    }
    let Some(runtime) = runtime() else {
        return Vec::new();
    };
    let methods = runtime.block_on(async {
        let methods = fleet::methods(command.first_word(), options);
        tokio::time::timeout(PATIENCE, methods).await
    });
    let Ok(Ok(Json::Array(names))) = methods else {
        return Vec::new();
    };
    let names = names.into_iter().filter_map(|name| match name {
        // Others could be taken for words of the shell, or for options.
        Json::String(name) if name.chars().all(is_plain) && !name.starts_with('-') => Some(name),
        _ => None,
    });
    offered(names, &current)
}

fn runtime() -> Option<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().ok()
}

/// Returns the command line as far as it is complete.
fn parsed() -> Option<Cli> {
    let mut words: Vec<OsString> = env::args_os()
        .skip_while(|word| word != "--")
        .skip(1)
        .collect();
    if let Some(index) = env::var(INDEX)
        .ok()
        .and_then(|index| index.parse::<usize>().ok())
    {
        words.truncate(index + 1);
    }
    if words.last().is_some_and(|word| word.is_empty()) {
        words.pop();
    }
    let matches = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(words);
    Cli::from_arg_matches(&matches.ok()?).ok()
}

/// Offers hosts, and groups behind `@`, for the last operand of a set.
fn hosts(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let operand = current
        .rfind([',', '!', '&', '^', ' '])
        .map_or(0, |at| at + 1);
    let (before, operand) = current.split_at(operand);
    let is_group = operand.starts_with('@');
    let names = runtime().map(|runtime| runtime.block_on(fleet::known_names(is_group)));
    let names = names.unwrap_or_default();
    // Others could be taken for words of the shell, or control the terminal.
    let names = names
        .into_iter()
        .filter(|name| name.chars().all(|c| is_plain(c) || "@:[]".contains(c)))
        .take(MAX_HOSTS)
        .map(|name| format!("{before}{name}"));
    offered(names, &current)
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '/')
}

/// Returns those of the names that begin with what is typed.
fn offered(names: impl IntoIterator<Item = String>, current: &str) -> Vec<CompletionCandidate> {
    let names = names.into_iter().filter(|name| name.starts_with(current));
    names.map(CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_bash_separated_are_joined() {
        let join = |line: &[&str]| {
            let words: Vec<OsString> = line.iter().map(OsString::from).collect();
            joined(&words, line.len() - 1).map(|(words, index, cut)| {
                let words: Vec<String> = words
                    .iter()
                    .map(|word| word.to_string_lossy().into_owned())
                    .collect();
                (words.join("|"), index, cut)
            })
        };
        let found = |line: &str, index, cut: &str| Some((line.to_owned(), index, cut.to_owned()));
        assert_eq!(join(&["farcall", "call", "x", ""]), None);
        assert_eq!(
            join(&["farcall", "call", "http", ":", "//h", ":", "80/x", "ad"]),
            found("farcall|call|http://h:80/x|ad", 3, "")
        );
        assert_eq!(
            join(&["farcall", "call", "http", ":", "//h"]),
            found("farcall|call|http://h", 2, "http:")
        );
        assert_eq!(
            join(&["farcall", "-w", "@", "we"]),
            found("farcall|-w|@we", 2, "@")
        );
        assert_eq!(
            join(&["farcall", "-w", "a,", "@", "we"]),
            found("farcall|-w|a,@we", 2, "a,@")
        );
    }
}
