//! The one way to the terminal: for results, for errors, and for what servers say.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use rpc_core::output::Foreign;

/// The status where the server answered with a fault.
pub(crate) const FAULT: u8 = 1;

/// The status of all other failures.
pub(crate) const FAILURE: u8 = 2;

/// The status where nobody reads the output any more: that of a command that SIGPIPE ends, as a shell has it.
const CLOSED: u8 = 128 + 13;

/// Prints what was asked for. Lines are those of the text; whatever else a terminal could obey is escaped.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", Foreign::lines(text)).and_then(|()| out.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(CLOSED),
        Err(error) => {
            complain(format_args!("farcall: the output cannot be written: {error}"));
            ExitCode::from(FAILURE)
        }
    }
}

/// Tells of a failure, on one line. That nobody hears of it changes nothing.
pub(crate) fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "{}", Foreign::line(text));
}

/// Tells that the arguments cannot be understood, or prints the help that they ask for.
pub(crate) fn explain(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(CLOSED),
            Err(_) => ExitCode::from(FAILURE),
            Ok(()) => ExitCode::SUCCESS,
        };
    }
    let text = error.render().to_string();
    let text = without_secrets(&text, arguments);
    let _ = write!(io::stderr(), "{}", Foreign::lines(text));
    ExitCode::from(FAILURE)
}

/// The text of an error without the arguments that may be, or hold, a password: those with a `:` or `@`, as URLs and headers
/// have them, however they are misspelt.
fn without_secrets(text: &str, arguments: &[OsString]) -> String {
    let mut hidden = Vec::new();
    for argument in arguments {
        let argument = argument.to_string_lossy().replace(super::MARK, "");
        let parts = argument.split_once('=');
        let value = parts.filter(|_| argument.starts_with('-')).map(|(_, value)| value.to_owned());
        hidden.extend(value);
        hidden.push(argument);
    }
    hidden.retain(|argument| argument.contains([':', '@']));
    // What is part of another is replaced after it.
    hidden.sort_by_key(|argument| std::cmp::Reverse(argument.len()));
    let mut text = text.replace(super::MARK, "");
    for argument in hidden {
        text = text.replace(&argument, "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_not_repeated() {
        let arguments = ["--url=u:s3cret@h", "u:s3cret@h", "--x", "http://u:s3cret/"];
        let arguments = arguments.map(OsString::from);
        let text = "no '--url=u:s3cret@h', 'u:s3cret@h', '--x' or 'http://u:s3cret/'";
        assert_eq!(without_secrets(text, &arguments), "no '…', '…', '--x' or '…'");
    }
}
