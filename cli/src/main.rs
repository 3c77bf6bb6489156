//! The `farcall` command: calls remote methods from the shell.
//!
//! Results go to standard output as JSON. A fault goes to standard error with exit status 1, any
//! other failure with exit status 2. Of calls on many hosts (`-w`), the most serious outcome
//! counts: status 3 if a call may have run. If the output is a closed pipe, the command exits
//! silently with status 141, as if SIGPIPE had terminated it.

mod advice;
#[cfg(unix)]
mod agent;
mod aliases;
mod call;
mod certs;
mod completion;
mod config;
mod connection;
mod describe;
mod fleet;
mod generate;
mod json;
mod manager;
mod send;
mod single;
mod terminal;
mod tls;

use std::convert::Infallible;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use farcall::protocol::output::Causes;
use farcall::{CallError, FaultKind};

use self::connection::Authentication;
use self::fleet::FleetOptions;
use self::terminal::{DASHES, FAILURE, FAULT, print, print_error, print_usage_error};
use self::tls::Tls;

/// Calls remote methods from the shell
#[derive(Parser)]
#[command(
    name = "farcall",
    version,
    disable_help_subcommand = true,
    after_help = "Options can be given anywhere before `--`, and of `run` before the program. \
                  Negative numbers, such as `-5`, `-.5` and `-inf`, are arguments, not options.\n\
                  Exit status: 0 on success, 1 for a fault, 2 for any other failure, \
                  141 if the output is closed.\n\
                  With -w: 0 if all calls succeeded, 3 if any may have run, else 2 if any host was \
                  not reached, else 1 for faults.\n\
                  Configuration: ~/.config/farcall/config.toml (groups, hosts, keys, aliases)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Call(call::CallCommand),
    /// Send one value over a connection and print the value received in return as JSON
    Send(send::SendCommand),
    /// Write code that calls the methods of a live server: Rust, Python or TypeScript
    Generate(generate::GenerateCommand),
    /// Make certificates for development: an authority, a server and a client
    Certs(certs::CertsCommand),
    /// Check the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print the code that makes a shell complete this command
    Completions(completion::CompletionsCommand),
    /// Serve commands, files, facts and processes of this machine to callers with rights
    #[cfg(unix)]
    Agent(agent::AgentCommand),
}

impl Command {
    fn url(&self) -> &str {
        match self {
            Self::Call(command) => command.first_word(),
            Self::Send(message) => &message.url,
            Self::Generate(command) => &command.url,
            Self::Certs(_) | Self::Config(_) | Self::Completions(_) => "",
            #[cfg(unix)]
            Self::Agent(command) => command.url(),
        }
    }
}

#[derive(Args)]
struct Options {
    /// Give up after this many seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = seconds)]
    timeout: Duration,
    /// Send this header with each HTTP request; can be given more than once
    #[arg(long = "header", global = true, value_name = "NAME: VALUE", value_parser = argument)]
    headers: Vec<String>,
    #[command(flatten)]
    authentication: Authentication,
    #[command(flatten)]
    tls: Tls,
    // The last one: its heading would be that of those behind it.
    #[command(flatten)]
    fleet: FleetOptions,
}

/// Advice for `-w` with a command that calls no hosts.
const FOR_MANY: &str =
    "-w is for commands that call hosts: call, map, run, put, get, tail and others";

/// Prefix for arguments that are negative numbers, or begin like one. No option does, but clap
/// would read `-1e-3` as one. Arguments of a process cannot contain this character.
const MARK: char = '\0';

/// Returns the arguments of the process, with numbers marked by [`MARK`].
fn marked(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let is_number = |argument: &OsStr| match argument.as_encoded_bytes() {
        [b'-', digit, ..] | [b'-', b'.', digit, ..] if digit.is_ascii_digit() => true,
        [b'-', word @ ..] => ["inf", "infinity", "nan"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes())),
        _ => false,
    };
    let mark = |argument: OsString| {
        if is_number(&argument) {
            let mut marked = OsString::from(MARK.to_string());
            marked.push(argument);
            marked
        } else {
            argument
        }
    };
    arguments.into_iter().map(mark).collect()
}

/// Parses an argument: removes the mark.
#[expect(clippy::unnecessary_wraps, reason = "a parser of arguments can fail")]
fn argument(text: &str) -> Result<String, Infallible> {
    Ok(text.trim_start_matches(MARK).to_owned())
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.trim_start_matches(MARK).parse() {
        Ok(seconds) if seconds > 0.0 => Duration::try_from_secs_f64(seconds)
            // A shorter time would be rounded to zero.
            .map(|time| time.max(Duration::from_nanos(1)))
            .map_err(|_| "the number of seconds is too large"),
        _ => Err("expected a positive number of seconds"),
    }
}

/// Returns the help of a command with its own options only, if the error is help: all commands have
/// all options, so that these can stand before and behind the command.
fn with_own_options(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::DisplayHelp {
        return error;
    }
    let ids = |command: clap::Command| -> Vec<clap::Id> {
        command
            .get_arguments()
            .map(|option| option.get_id().clone())
            .collect()
    };
    let all = ids(Options::augment_args(clap::Command::new("all")));
    let many = ids(FleetOptions::augment_args(clap::Command::new("many")));
    let mut definition = Cli::command();
    // Only then subcommands have the options of all.
    definition.build();
    for command in definition.get_subcommands_mut() {
        let others: &[&str] = match command.get_name() {
            "certs" | "config" | "completions" => &[],
            "send" => &["headers"],
            "generate" => &["hosts"],
            "agent" => &["headers", "timeout", "legacy_md5", "pin", "insecure"],
            _ => continue,
        };
        let is_other = |option: &clap::Arg| {
            let id = option.get_id();
            let hidden = if others.is_empty() { &all } else { &many };
            hidden.contains(id) || others.contains(&id.as_str())
        };
        let own = std::mem::take(command);
        *command = own.mut_args(|option| {
            let hide = option.is_hide_set() || is_other(&option);
            option.hide(hide)
        });
    }
    definition
        .try_get_matches_from(arguments)
        .err()
        .unwrap_or(error)
}

/// Returns the error of a command that has no `-w`, if words are missing that `-w` would stand for.
fn not_for_many(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return error;
    }
    let definition = Cli::command().ignore_errors(true);
    let matches = definition.try_get_matches_from(arguments);
    let Some((name, given)) = matches.as_ref().ok().and_then(|all| all.subcommand()) else {
        return error;
    };
    let has_hosts = given.get_many::<String>("hosts").is_some();
    if has_hosts && ["send", "generate", "certs"].contains(&name) {
        return Cli::command().error(ErrorKind::ArgumentConflict, FOR_MANY);
    }
    error
}

/// Parses the arguments. Of `run`, options end with the program or with `--`: those between the URL
/// and the program are ours.
fn parsed(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let explained = |error| with_own_options(not_for_many(error, arguments), arguments);
    let parsed = Cli::try_parse_from(arguments).map_err(explained)?;
    let Some((place, words)) = words_of_run(&parsed, arguments)? else {
        return Ok(parsed);
    };
    let has_options = words.get(1).is_some_and(|word| word.starts_with('-'));
    if !parsed.options.fleet.hosts.is_empty() || !has_options {
        return Ok(parsed);
    }
    let url = words[0].clone();
    let mut arguments = arguments.to_vec();
    arguments.remove(place);
    let mut parsed = Cli::try_parse_from(&arguments)?;
    words_of_run(&parsed, &arguments)?;
    if let Command::Call(call::CallCommand::Run { words }) = &mut parsed.command {
        words.insert(0, url);
    }
    Ok(parsed)
}

/// Returns the words of `run`, and their place among the arguments, unless they are behind `--`.
///
/// # Errors
/// If the first one is an option that does not exist. Clap takes it for a program.
fn words_of_run<'a>(
    parsed: &'a Cli,
    arguments: &[OsString],
) -> Result<Option<(usize, &'a [String])>, clap::Error> {
    let Command::Call(call::CallCommand::Run { words }) = &parsed.command else {
        return Ok(None);
    };
    let place = arguments.len() - words.len();
    if arguments[place - 1] == "--" {
        return Ok(None);
    }
    if words[0].starts_with('-') {
        let problem = format!("unexpected argument '{}' found", words[0]);
        return Err(Cli::command().error(ErrorKind::UnknownArgument, problem));
    }
    Ok(Some((place, words)))
}

fn main() -> ExitCode {
    // Ends the process, if a shell asks for completions.
    completion::complete();
    let arguments = match aliases::expanded(marked(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(problem) => {
            print_error(format_args!("farcall: {problem}"));
            return ExitCode::from(FAILURE);
        }
    };
    let parsed = match parsed(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return print_usage_error(&error, &arguments),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(&parsed)),
        Err(error) => Err(error.into()),
    };
    result.unwrap_or_else(|error| report(&*error, &parsed))
}

/// Prints an error, and returns the exit status for it.
fn report(error: &(dyn Error + 'static), arguments: &Cli) -> ExitCode {
    let fault = error.downcast_ref::<CallError>().and_then(CallError::fault);
    match fault {
        // An expired deadline is not a fault of the method.
        Some(fault) if fault.kind() == FaultKind::DeadlineExceeded => {
            print_error(format_args!("farcall: {}", fault.message()));
            ExitCode::from(FAILURE)
        }
        Some(fault) => {
            print_error(fault);
            ExitCode::from(FAULT)
        }
        None => {
            let text = Causes(error).to_string();
            let hosts = arguments.options.fleet.hosts.iter().map(String::as_str);
            let text = hosts
                .chain([arguments.command.url()])
                .fold(text, |text, url| terminal::redact_url(&text, url));
            match advice::advice(error) {
                Some(advice) => print_error(format_args!("farcall: {text} ({advice})")),
                None => print_error(format_args!("farcall: {text}")),
            }
            ExitCode::from(FAILURE)
        }
    }
}

/// Runs the command, and prints its output.
async fn run(arguments: &Cli) -> Result<ExitCode, Box<dyn Error>> {
    let options = &arguments.options;
    let has_hosts = !options.fleet.hosts.is_empty();
    if let Command::Call(command) = &arguments.command
        && (has_hosts || command.is_for_many())
    {
        return fleet::run(command, options).await;
    }
    if has_hosts {
        return Err(FOR_MANY.into());
    }
    if let Some(option) = options.fleet.given() {
        return Err(format!("{option} needs -w HOSTS; {DASHES}").into());
    }
    if arguments.command.url().starts_with("conn") && !options.headers.is_empty() {
        return Err("--header is for HTTP: connections have no headers".into());
    }
    options.tls.check_url(arguments.command.url())?;
    let output = match &arguments.command {
        Command::Call(command) => single::run(command, options).await,
        Command::Send(message) => send::run(message, options).await,
        Command::Generate(command) => generate::run(command, options).await,
        Command::Certs(command) => certs::run(command, options),
        Command::Config(command) => config::run(command, aliases::check),
        Command::Completions(command) => completion::run(command),
        #[cfg(unix)]
        Command::Agent(command) => agent::run(command, options).await,
    };
    output.map(|output| print(&output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_option_begins_like_a_number() {
        let mut command = Cli::command();
        command.build();
        let is_numeric = |c: char| c.is_ascii_digit() || ".iInN".contains(c);
        let has_numeric = |command: &clap::Command| {
            command
                .get_arguments()
                .any(|argument| argument.get_short().is_some_and(is_numeric))
        };
        assert!(!has_numeric(&command) && !command.get_subcommands().any(has_numeric));
    }

    #[test]
    fn the_help_of_a_command_has_its_own_options() {
        for (command, has, has_not) in [
            ("call", "--joblog", "--listen"),
            ("agent", "--authkey-file", "--joblog"),
            ("agent", "--listen", "--timeout"),
            ("send", "--timeout", "--header"),
            ("certs", "--client", "--insecure"),
            ("completions", "--help", "--serial"),
        ] {
            let arguments = ["farcall", command, "--help"].map(OsString::from);
            let Err(help) = parsed(&arguments) else {
                panic!("help is no command");
            };
            let help = help.to_string();
            assert!(help.contains(has), "{command}: {help}");
            assert!(!help.contains(has_not), "{command}: {help}");
        }
    }

    #[test]
    fn numbers_are_marked() {
        let is_marked = |text: &str| {
            let marked = marked([OsString::from(text)]);
            marked[0].to_str().unwrap().starts_with(MARK)
        };
        for number in ["-5", "-1e-3", "-.5", "-inf", "-Infinity", "-NaN"] {
            assert!(is_marked(number), "{number}");
        }
        for other in ["--", "-x", "-", "-.", "5", "inf", "-i", "-info", "--inf"] {
            assert!(!is_marked(other), "{other}");
        }
        assert_eq!(argument("\0-5").as_deref(), Ok("-5"));
    }
}
