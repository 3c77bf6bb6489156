//! `farcall subscribe` and `farcall tail`: a stream from each host, shown as it comes.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farcall::cluster::{Fleet, Host, HostStream, Update};
use farcall::protocol::output::Causes;
use farcall::{CallError, Variadic};

use super::all::by_name;
use super::arguments::Template;
use super::hosts::Target;
use super::interrupts::Interrupts;
use super::output::Form;
use super::report::{Failure, Report, is_timeout};
use super::screen::Screen;
use super::summary::Summary;
use crate::Options;
use crate::call::{CallCommand, Words};
use crate::json::Json;
use crate::terminal::status;

/// The method of an agent that follows a file.
const TAIL: &str = "tail.follow";

/// The streams that are followed.
pub(super) struct Followed {
    method: String,
    template: Template,
    /// Items are lines of text, which are shown as they are.
    are_lines: bool,
}

impl Followed {
    /// Returns the streams of a command, if it is one that follows streams.
    ///
    /// # Errors
    /// If an argument is malformed.
    pub(super) fn of(command: &CallCommand, words: &Words<'_>) -> Result<Option<Self>, String> {
        let method = words.method.unwrap_or_default().to_owned();
        Ok(match command {
            CallCommand::Subscribe { .. } => Some(Self {
                method,
                template: Template::read(words.args, false)?,
                are_lines: false,
            }),
            CallCommand::Tail { lines, .. } => Some(Self {
                method: TAIL.to_owned(),
                template: Template::of([Json::String(method), Json::number(lines)]),
                are_lines: true,
            }),
            _ => None,
        })
    }

    /// Opens the stream of a host.
    async fn open(self: Arc<Self>, host: Host) -> Result<HostStream<Json>, CallError> {
        let args = self.template.fill(host.name(), host.client().url(), None);
        host.subscribe(self.method.as_str(), Variadic(args.into_owned()))
            .await
    }

    /// Shows an item, with its host before each line.
    fn show(
        &self,
        screen: &Screen,
        host: &Host,
        item: &Json,
        options: &Options,
    ) -> std::io::Result<()> {
        if options.fleet.output == Some(Form::Jsonl) {
            let line = Json::object([("host", Json::text(host)), ("item", item.clone())]);
            return screen.out(line.write());
        }
        match item {
            Json::String(text) if self.are_lines || options.fleet.raw => text
                .lines()
                .try_for_each(|line| screen.out(format_args!("{host}: {line}"))),
            item => screen.out(format_args!("{host}: {}", item.write())),
        }
    }
}

/// Follows the streams until all have ended, or until Ctrl-C, and returns the exit status.
pub(super) async fn run(
    fleet: &Fleet,
    targets: Vec<Target>,
    followed: Followed,
    options: &Options,
) -> Result<ExitCode, Box<dyn Error>> {
    let given = &options.fleet;
    if matches!(given.output, Some(form) if !matches!(form, Form::Lines | Form::Jsonl)) {
        return Err("streams are shown as lines or jsonl".into());
    }
    let screen = Screen::new(0, false);
    let targets = by_name(targets);
    let followed = Arc::new(followed);
    let opened = Arc::clone(&followed);
    let mut streams = fleet.subscribe_each(move |host| Arc::clone(&opened).open(host));
    let mut summary = Summary::default();
    let mut interrupts = Interrupts::new()?;
    let begin = Instant::now();
    loop {
        let next = tokio::select! {
            biased;
            () = interrupts.next() => {
                Interrupts::end_line();
                break;
            }
            next = streams.next() => next,
        };
        let Some((host, update)) = next else { break };
        let ended = match update {
            Update::Item(item) => match followed.show(&screen, &host, &item, options) {
                Ok(()) => continue,
                Err(error) => return Ok(status(Err(error))),
            },
            Update::Undecodable(error) => {
                screen.err(format_args!("{host}: {}", Causes(&error)));
                continue;
            }
            Update::Ended(ended) => ended,
            _ => continue,
        };
        let result = ended.map(|()| Json::Null).map_err(|error| {
            let target = targets.get(host.name());
            Failure::new(&error, is_timeout(&error), |text| match target {
                Some(target) => target.redacted(text),
                None => text.to_owned(),
            })
        });
        if let Err(failure) = &result {
            screen.err(format_args!("{host}: {failure}"));
        }
        summary.add(&Report {
            host: host.name().into(),
            job: None,
            result,
            program: None,
            attempts: 1,
            elapsed: Duration::ZERO,
        });
    }
    summary.elapsed = begin.elapsed();
    if !given.quiet && summary.total() > 0 {
        screen.err_lines(&summary);
    }
    Ok(ExitCode::from(summary.status()))
}
