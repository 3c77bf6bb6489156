//! The outcome of one call on one host, in the form that is shown and logged.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use farcall::cluster::Stopped;
use farcall::conn::auth::AuthError;
use farcall::conn::frame::FrameError;
use farcall::http::HttpError;
use farcall::protocol::output::Causes;
use farcall::rpc::GreetingError;
use farcall::{CallError, Execution, Fault, FaultKind};

use crate::advice::advice;
use crate::json::Json;

/// Maximum bytes of an error that is kept. A fault may be as long as a result.
const MAX_ERROR: usize = 16 * 1024;

/// Failure of a program that has written more than an agent returns.
const CUT_OFF: &str = "its output is longer than the agent returns, and cut off";

/// The outcome of one call.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) host: Arc<str>,
    /// Of `map`: the input.
    pub(crate) job: Option<Job>,
    pub(crate) result: Result<Json, Failure>,
    /// Of `run`: the program, if it ran.
    pub(crate) program: Option<Program>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

/// The end and the output of a program that an agent ran.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    timed_out: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// There was more output than the agent returns.
    pub(crate) truncated: bool,
}

/// An input of `map`.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The number of its line.
    pub(crate) line: usize,
    pub(crate) input: Arc<str>,
}

/// The failure of a call.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) execution: Execution,
    pub(crate) timed_out: bool,
    pub(crate) text: String,
}

/// The kinds of outcomes that a summary counts, in its order. Each call has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    Ok,
    /// The host answered with a fault.
    Fault,
    /// The host answered that it does not run the call.
    Refused,
    /// The call ran, and its result cannot be read.
    Unreadable,
    /// Of `ping`: it was sent, and no answer arrived. It makes no difference if it ran.
    Silent,
    /// The call was not sent, or did not arrive.
    Never,
    /// The call was sent, and no reply arrived.
    Maybe,
}

impl Class {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ok,
        Self::Fault,
        Self::Refused,
        Self::Unreadable,
        Self::Silent,
        Self::Never,
        Self::Maybe,
    ];

    /// Its name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fault => "fault",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Silent => "silent",
            Self::Never => "never",
            Self::Maybe => "maybe",
        }
    }

    /// Its description for people.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fault => "fault",
            Self::Refused => "refused (never ran)",
            Self::Unreadable => "ran, but the result cannot be read",
            Self::Silent => "no answer",
            Self::Never => "never ran",
            Self::Maybe => "may have run",
        }
    }
}

impl Report {
    pub(crate) fn class(&self) -> Class {
        self.result
            .as_ref()
            .map_or_else(|failure| failure.class, |_| Class::Ok)
    }
}

impl Failure {
    /// Describes the error of a call. `timed_out`: the time of the host, or of all, was over.
    pub(crate) fn new(error: &CallError, timed_out: bool, redact: impl Fn(&str) -> String) -> Self {
        let execution = error.execution();
        let fault = error
            .fault()
            .filter(|fault| fault.kind() != FaultKind::DeadlineExceeded);
        let is_too_long = is_too_long(error);
        let execution = if is_too_long {
            Execution::Completed
        } else {
            execution
        };
        let class = match (fault, execution) {
            _ if is_too_long => Class::Unreadable,
            (Some(_), Execution::Never) => Class::Refused,
            (Some(_), _) => Class::Fault,
            (None, Execution::Never) => Class::Never,
            (None, Execution::Maybe) => Class::Maybe,
            (None, Execution::Completed) => Class::Unreadable,
        };
        let mut text = match fault {
            Some(fault) => fault.to_string(),
            None => redact(&Causes(error).to_string()),
        };
        if let Some(advice) = advice(error) {
            text = format!("{text} ({advice})");
        }
        Self {
            class,
            execution,
            timed_out: timed_out && fault.is_none(),
            text: shortened(text),
        }
    }

    /// Returns that of a ping, which may run as often as it likes.
    pub(crate) fn of_ping(mut self) -> Self {
        if self.class == Class::Maybe {
            self.class = Class::Silent;
        }
        self
    }

    /// Its execution in JSON.
    pub(crate) const fn execution_name(&self) -> &'static str {
        match self.execution {
            Execution::Never => "never",
            Execution::Maybe => "maybe",
            Execution::Completed => "completed",
        }
    }
}

impl Program {
    /// Reads the result of a call, if it is one of a program.
    pub(crate) fn of(result: &Json) -> Option<Self> {
        let Json::Object(members) = result else {
            return None;
        };
        let member = |name: &str| members.iter().find(|(member, _)| member == name);
        let text = |name: &str| match member(name) {
            Some((_, Json::String(text))) => Some(text.clone()),
            _ => None,
        };
        let number = |name: &str| match member(name) {
            Some((_, Json::Number(digits))) => digits.parse().ok(),
            _ => None,
        };
        let truth = |name: &str| matches!(member(name), Some((_, Json::Bool(true))));
        let (status, signal) = (number("status"), number("signal"));
        status.or(signal)?;
        Some(Self {
            status,
            signal,
            timed_out: truth("timed_out"),
            stdout: text("stdout")?,
            stderr: text("stderr")?,
            truncated: truth("truncated"),
        })
    }

    /// Returns all that it wrote, or the failure: its exit status, or that some of its output is
    /// missing, which a script would not notice otherwise.
    pub(crate) fn result(&self) -> Result<Json, Failure> {
        let (class, text) = match (self.status, self.signal) {
            (Some(0), _) if !self.truncated => return Ok(Json::String(self.output())),
            (Some(0), _) => (Class::Unreadable, CUT_OFF.to_owned()),
            (Some(status), _) => (Class::Fault, format!("exit status {status}")),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                (Class::Fault, format!("ended by signal {signal}"))
            }
        };
        Err(Failure {
            class,
            execution: Execution::Completed,
            timed_out: self.timed_out,
            text,
        })
    }

    /// Its standard output, and its standard error below.
    pub(crate) fn output(&self) -> String {
        let has_open_line = !self.stdout.is_empty() && !self.stdout.ends_with('\n');
        let end = if has_open_line && !self.stderr.is_empty() {
            "\n"
        } else {
            ""
        };
        format!("{}{end}{}", self.stdout, self.stderr)
    }

    /// The note that there was more output, unless the failure says so.
    pub(crate) fn note(&self) -> Option<&'static str> {
        (self.truncated && self.status != Some(0)).then_some(CUT_OFF)
    }
}

/// Returns at most the first [`MAX_ERROR`] bytes of a text.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_ERROR {
        let end = (0..=MAX_ERROR)
            .rev()
            .find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// Returns `true` if a call ran, and its result is longer than `--max-result`. Servers tell this in
/// different ways, and some do not know of the limit.
fn is_too_long(error: &CallError) -> bool {
    if let Some(fault) = error.fault() {
        // The text of a server over connections that knows the limit.
        return fault.kind() == FaultKind::Internal
            && fault.message().starts_with("the result cannot be sent: ");
    }
    if let Some(http) = HttpError::of(error) {
        // Another page of this length is no reply.
        let is_reply = |name: &str| name.contains("/xml") || name.contains("/json");
        return http.is_over_limit()
            && http.status() == 200
            && http.content_type().is_some_and(is_reply);
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        // Bytes of another protocol, taken for the length of a message, are no result.
        if error.is::<AuthError>() {
            return false;
        }
        if matches!(error.downcast_ref(), Some(FrameError::TooLarge { .. })) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Returns `true` if a call failed because its time was over.
pub(crate) fn is_timeout(error: &CallError) -> bool {
    let is_expired = |fault: &Fault| fault.kind() == FaultKind::DeadlineExceeded;
    if error.fault().is_some_and(is_expired) || Stopped::of(error) == Some(Stopped::TotalTimeout) {
        return true;
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        let is_late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
        if error.downcast_ref().is_some_and(is_late)
            || matches!(error.downcast_ref(), Some(AuthError::TimedOut))
            || matches!(error.downcast_ref(), Some(GreetingError::TimedOut))
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// The outcome and its reason: `may have run: …`. A fault says itself what it is.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class {
            Class::Fault => f.write_str(&self.text),
            class => write!(f, "{}: {}", class.text(), self.text),
        }
    }
}
