//! Output to the terminal: all results, errors and texts of servers go through here, escaped.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use farcall::protocol::output::Foreign;
use percent_encoding::{CONTROLS, percent_decode_str, utf8_percent_encode};

/// Exit status if the server replied with a fault.
pub(crate) const FAULT: u8 = 1;

/// Exit status of all other failures.
pub(crate) const FAILURE: u8 = 2;

/// Advice for arguments that begin as options do.
pub(crate) const DASHES: &str = "to pass an argument that begins with '-', put '--' before it";

/// Exit status if the output is a closed pipe: the one that a shell reports for a command that
/// SIGPIPE terminated.
const BROKEN_PIPE: u8 = 128 + 13;

/// Prints a result. Line breaks are kept; all other characters that could control a terminal are
/// escaped.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    status(writeln!(out, "{}", Foreign::lines(text)).and_then(|()| out.flush()))
}

/// The exit status after writing to the standard output.
///
/// An output that was closed before the program started (`>&-`) counts as written: std opens
/// `/dev/null` in its place before `main`, in the same way as Python's `subprocess.DEVNULL` and
/// others discard the output on purpose.
pub(crate) fn status(written: io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(BROKEN_PIPE),
        Err(error) => {
            print_error(format_args!(
                "farcall: the output cannot be written: {error}"
            ));
            ExitCode::from(FAILURE)
        }
    }
}

/// Prints an error on one line of standard error. Ignores a failure to write it.
pub(crate) fn print_error(text: impl Display) {
    let _ = writeln!(io::stderr(), "{}", Foreign::line(text));
}

/// Prints the error of invalid arguments, or the help or version that they request.
pub(crate) fn print_usage_error(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return status(error.print().and_then(|()| io::stdout().flush()));
    }
    let text = redact_arguments(&error.render().to_string(), arguments);
    let mut err = io::stderr();
    let _ = write!(err, "{}", Foreign::lines(text));
    let is_option_unknown = error.kind() == ErrorKind::UnknownArgument;
    let value = error.get(ContextKind::InvalidValue);
    let is_value_missing = matches!(value, Some(ContextValue::String(value)) if value.is_empty());
    if is_option_unknown || is_value_missing {
        let _ = writeln!(err, "Note: {DASHES}.");
    }
    ExitCode::from(FAILURE)
}

/// Returns the text of an error without the arguments that may be or contain a password: those with
/// a `:` or `@`, like URLs and headers, even if misspelt.
fn redact_arguments(text: &str, arguments: &[OsString]) -> String {
    let mut hidden = Vec::new();
    for argument in arguments {
        let argument = argument.to_string_lossy().replace(super::MARK, "");
        let parts = argument.split_once('=');
        let value = parts
            .filter(|_| argument.starts_with('-'))
            .map(|(_, value)| value.to_owned());
        hidden.extend(value);
        hidden.push(argument);
    }
    hidden.retain(|argument| argument.contains([':', '@']));
    // Longest first, since one argument may be part of another.
    hidden.sort_by_key(|argument| std::cmp::Reverse(argument.len()));
    let mut text = text.replace(super::MARK, "");
    for argument in hidden {
        text = text.replace(&argument, "…");
    }
    text
}

/// Returns the text of an error without anything that may be a password in `url`. The URL may be
/// misspelt, so that the password was parsed as a path.
pub(crate) fn redact_url(text: &str, url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let decoded = percent_decode_str(rest).decode_utf8_lossy();
    let mut secrets: Vec<&str> = Vec::new();
    for rest in [url, rest, &*decoded] {
        let is_end =
            |c: char| matches!(c, ':' | '/' | '@' | '?' | '#' | '\\' | '%') || c.is_whitespace();
        let user = rest.rsplit_once('@').map(|(user, _)| user);
        let behind_colon = user
            .unwrap_or(rest)
            .split_once(':')
            .map(|(_, behind)| behind);
        // `HOST:PORT` and `SOCKET:/PATH` have no password.
        let is_place = |behind: &str| {
            let first = behind.split(is_end).next().unwrap_or_default();
            first.bytes().all(|byte| byte.is_ascii_digit())
        };
        let secret = match (user, behind_colon) {
            (Some(user), behind) => behind.unwrap_or(user),
            (None, Some(behind)) if !is_place(behind) => behind,
            (None, _) => continue,
        };
        secrets.push(secret);
        secrets.extend(secret.split(is_end));
    }
    // Shorter ones would match in ordinary words.
    secrets.retain(|secret| secret.len() > 2);
    let mut forms: Vec<String> = secrets.into_iter().flat_map(forms).collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
        .iter()
        .fold(text.to_owned(), |text, form| redact_secret(&text, form))
}

/// Returns the forms in which errors may show a part of a URL: as it is, quoted, as the name of an
/// abstract socket, and as a part of a valid URL.
fn forms(secret: &str) -> [String; 4] {
    [
        secret.to_owned(),
        secret.escape_debug().to_string(),
        secret.as_bytes().escape_ascii().to_string(),
        utf8_percent_encode(secret, CONTROLS).to_string(),
    ]
}

/// Replaces a secret in a text, except within ordinary words. A password may be a word of the
/// message itself: to cut it out would garble the message, and reveal the password. A URL, or a
/// part of one that an error quotes, has more than letters around it.
fn redact_secret(text: &str, secret: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut end = 0;
    for (start, _) in text.match_indices(secret) {
        let behind = start + secret.len();
        let token_start = text[..start].rfind(char::is_whitespace);
        let token_end = text[behind..].find(char::is_whitespace);
        let token = &text[token_start.unwrap_or(0)..token_end.map_or(text.len(), |at| behind + at)];
        let words = token
            .trim_start()
            .trim_start_matches('(')
            .trim_end_matches([')', ':', ',', ';', '.']);
        let is_ordinary = |c: char| c.is_ascii_alphabetic() || c == ' ';
        if !words.chars().all(is_ordinary) {
            redacted.push_str(&text[end..start]);
            redacted.push('…');
            end = behind;
        }
    }
    redacted.push_str(&text[end..]);
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_misspelt_url_is_redacted() {
        for (url, text, shown) in [
            ("http://u:s3cret@host/", "no s3cret at host", "no … at host"),
            (
                "u:s3cret@http://host/",
                "`u:s3cret@http` is not a scheme",
                "`u:…@http` is not a scheme",
            ),
            (
                "http+unix://u:s3cret//",
                "cannot connect to u:s3cret//",
                "cannot connect to u:…",
            ),
            (
                "http+unix://u:a/s3cret:/RPC2",
                "cannot connect to u:a/s3cret",
                "cannot connect to u:a/…",
            ),
            ("http://u%3As3cret/", "no host u:s3cret", "no host u:…"),
            (
                "conn+abstract://u:pässword@h",
                "cannot connect to unix-abstract:u:p\\xc3\\xa4ssword@h",
                "cannot connect to unix-abstract:u:…@h",
            ),
            (
                "http://u:pä\"word@h",
                "`http://u:p%C3%A4\"word@h`, \"u:pä\\\"word@h\"",
                "`http:…@h`, \"u:…@h\"",
            ),
            (
                "http+unix:///run/x:/RPC2",
                "cannot connect to /run/x",
                "cannot connect to /run/x",
            ),
            (
                "http://host:80/x",
                "cannot connect to host:80/x",
                "cannot connect to host:80/x",
            ),
            (
                "http://host",
                "cannot connect to http://host",
                "cannot connect to http://host",
            ),
        ] {
            assert_eq!(redact_url(text, url), shown, "{url}");
        }
    }

    #[test]
    fn a_password_that_is_a_word_of_the_message_is_not_cut_out() {
        let text = "the call was not sent: refused (os error 111), see http://u:call@h/call";
        let shown = "the call was not sent: refused (os error 111), see http:…@h/…";
        for (password, text, shown) in [
            ("call", text, shown),
            (
                "not",
                "the call was not sent: no",
                "the call was not sent: no",
            ),
            ("all", "the call was not sent", "the call was not sent"),
            ("refused", "not sent: refused", "not sent: refused"),
            ("error", "refused (os error 111)", "refused (os error 111)"),
            ("the call", "the call was not sent", "the call was not sent"),
            ("call", "no host `call`", "no host `…`"),
            ("call", "cannot connect to u:call", "cannot connect to u:…"),
            (
                "call",
                "cannot connect to u:a/call",
                "cannot connect to u:a/…",
            ),
        ] {
            let url = format!("http://u:{password}@h/");
            assert_eq!(redact_url(text, &url), shown, "{password}");
        }
    }

    #[test]
    fn arguments_that_may_be_passwords_are_redacted() {
        let arguments = ["--url=u:s3cret@h", "u:s3cret@h", "--x", "http://u:s3cret/"];
        let arguments = arguments.map(OsString::from);
        let text = "no '--url=u:s3cret@h', 'u:s3cret@h', '--x' or 'http://u:s3cret/'";
        assert_eq!(
            redact_arguments(text, &arguments),
            "no '…', '…', '--x' or '…'"
        );
    }
}
