//! The forms in which the outcomes of many hosts are shown.

mod files;
mod gathered;
mod table;

use std::io;

use clap::ValueEnum;
use farcall::cluster::HostSet;

pub(crate) use self::files::Files;
use self::gathered::Gathered;
use self::table::Table;
use super::report::Report;
use super::screen::Screen;
use super::summary::Summary;
use crate::json::Json;

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Each line begins with its host, as soon as it has answered
    Lines,
    /// At the end: identical outcomes once, with the set of their hosts
    Gathered,
    /// Lines, and at the end gathered
    Both,
    /// At the end: a row for each host
    Table,
    /// A line of JSON for each host, and a last one with the summary
    Jsonl,
}

/// The outcomes, shown in one form or more.
pub(crate) struct Output {
    form: Form,
    /// A result that is a text is shown as it is, not as JSON.
    raw: bool,
    gathered: Gathered,
    table: Table,
    files: Option<Files>,
}

impl Output {
    /// Creates an output for these hosts, which tables list in this order.
    pub(crate) fn new(form: Form, raw: bool, files: Option<Files>) -> Self {
        Self {
            form,
            raw,
            gathered: Gathered::default(),
            table: Table::default(),
            files,
        }
    }

    /// Shows an outcome, or keeps it for the end.
    pub(crate) fn add(&mut self, screen: &Screen, report: &Report) -> io::Result<()> {
        let file = match (&self.files, &report.result) {
            (Some(files), Ok(result)) => Some(files.write(report, result)?),
            _ => None,
        };
        if self.form == Form::Jsonl {
            return screen.out(jsonl(report, file));
        }
        let text = match (&report.result, file) {
            (Ok(_), Some(file)) => file,
            (Ok(result), None) => shown(result, self.raw),
            (Err(failure), _) => failure.to_string(),
        };
        if matches!(self.form, Form::Lines | Form::Both) {
            lines(screen, report, &text)?;
        }
        if matches!(self.form, Form::Gathered | Form::Both) {
            self.gathered.add(screen, report, &text)?;
        }
        if self.form == Form::Table {
            self.table.add(report, &text);
        }
        Ok(())
    }

    /// Shows the groups so far.
    pub(crate) fn end_batch(&mut self, screen: &Screen) -> io::Result<()> {
        self.gathered.finish(screen)
    }

    /// Shows what was kept. `hosts` are all hosts, in order.
    pub(crate) fn finish(
        &mut self,
        screen: &Screen,
        hosts: &HostSet,
        summary: &Summary,
    ) -> io::Result<()> {
        self.gathered.finish(screen)?;
        self.table.finish(screen, hosts)?;
        match self.form {
            Form::Jsonl => screen.out(summary.json()),
            _ => Ok(()),
        }
    }
}

/// A result as text.
pub(crate) fn shown(result: &Json, raw: bool) -> String {
    match result {
        Json::String(text) if raw => text.trim_end_matches('\n').to_owned(),
        Json::Array(values)
            if raw && values.iter().all(|value| matches!(value, Json::String(_))) =>
        {
            let texts: Vec<String> = values.iter().map(|value| shown(value, raw)).collect();
            texts.join("\n")
        }
        other => other.write(),
    }
}

/// Writes a text with its host before each line. Failures go to standard error.
fn lines(screen: &Screen, report: &Report, text: &str) -> io::Result<()> {
    let host = &report.host;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    for line in std::iter::once(first).chain(lines) {
        if report.result.is_ok() {
            screen.out(format_args!("{host}: {line}"))?;
        } else {
            screen.err(format_args!("{host}: {line}"));
        }
    }
    Ok(())
}

/// An outcome as a line of JSON.
fn jsonl(report: &Report, file: Option<String>) -> String {
    let mut members = vec![("host", Json::text(&report.host))];
    if let Some(job) = &report.job {
        members.push(("line", Json::number(&job.line)));
        members.push(("input", Json::text(&job.input)));
    }
    members.push(("ok", Json::Bool(report.result.is_ok())));
    match (&report.result, file) {
        (Ok(_), Some(file)) => members.push(("file", Json::String(file))),
        (Ok(result), None) => members.push(("result", result.clone())),
        (Err(failure), _) => {
            members.push(("error", Json::text(&failure.text)));
            members.push(("class", Json::text(failure.class.name())));
            members.push(("execution", Json::text(failure.execution_name())));
            members.push(("timed_out", Json::Bool(failure.timed_out)));
        }
    }
    members.push(("attempts", Json::number(&report.attempts)));
    let ms = report.elapsed.as_secs_f64() * 1000.0;
    members.push(("ms", Json::Number(format!("{ms:.1}"))));
    Json::object(members).write()
}
