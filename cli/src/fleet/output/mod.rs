//! The forms in which the outcomes of many hosts are shown.

mod files;
mod gathered;
mod table;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use clap::ValueEnum;
use farcall::cluster::HostSet;
use farcall::protocol::output::Foreign;

pub(crate) use self::files::Files;
use self::gathered::Gathered;
use self::table::Table;
use super::report::{Job, Program, Report};
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
    /// Of calls that never began: their reasons, with their hosts and count.
    not_begun: BTreeMap<String, (HostSet, usize)>,
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
            not_begun: BTreeMap::new(),
        }
    }

    /// Shows an outcome, or keeps it for the end.
    pub(crate) fn add(&mut self, screen: &Screen, report: &Report) -> io::Result<()> {
        let file = match (&self.files, &report.result, &report.program) {
            (Some(files), Ok(result), _) => Some(files.write(report, result)?),
            (Some(files), Err(_), Some(program)) => {
                Some(files.write(report, &Json::String(program.output()))?)
            }
            _ => None,
        };
        if self.form == Form::Jsonl {
            return screen.out(jsonl(report, file));
        }
        if matches!(self.form, Form::Lines | Form::Both) {
            self.add_lines(screen, report, file.as_deref())?;
        }
        let text = self.text(report, file);
        if matches!(self.form, Form::Gathered | Form::Both) {
            self.gathered.add(screen, report, &text)?;
        }
        if self.form == Form::Table {
            self.table.add(report, &text);
        }
        Ok(())
    }

    /// An outcome as one text.
    fn text(&self, report: &Report, file: Option<String>) -> String {
        let first = match (&report.result, &file) {
            (Ok(_), Some(file)) => file.clone(),
            (Ok(result), None) => shown(result, self.raw),
            (Err(failure), _) => failure.to_string(),
        };
        let Some(program) = &report.program else {
            return first;
        };
        let output = match (&report.result, file) {
            (Ok(_), _) => String::new(),
            (Err(_), Some(file)) => file,
            (Err(_), None) => program.output(),
        };
        let parts = [
            &*first,
            output.trim_end(),
            program.note().unwrap_or_default(),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n")
    }

    /// Shows an outcome with its host before each line: results on standard output, failures and
    /// what programs write to standard error on standard error. Calls that never began are kept:
    /// one line each would bury the failures that count.
    fn add_lines(
        &mut self,
        screen: &Screen,
        report: &Report,
        file: Option<&str>,
    ) -> io::Result<()> {
        let host = &report.host;
        let out = |text: &str| {
            text.lines()
                .try_for_each(|line| screen.out(format_args!("{host}: {line}")))
        };
        let err = |text: &str| {
            let lines = text.lines();
            lines.for_each(|line| screen.err(format_args!("{host}: {line}")));
        };
        if let Err(failure) = &report.result {
            if report.attempts == 0 {
                let (hosts, count) = self.not_begun.entry(failure.to_string()).or_default();
                hosts.insert(Arc::clone(host));
                *count += 1;
                return Ok(());
            }
            match &report.job {
                Some(Job { line, input }) => {
                    let input = Foreign::excerpt(input);
                    err(&format!("line {line} ({input}): {failure}"));
                }
                None => err(&failure.to_string()),
            }
        }
        match (&report.result, &report.program, file) {
            (_, Some(program), None) if !program.output().is_empty() => {
                out(&program.stdout)?;
                err(&program.stderr);
            }
            (Ok(result), _, None) => {
                let text = shown(result, self.raw);
                out(if text.is_empty() { "\n" } else { &text })?;
            }
            (_, _, Some(file)) => out(file)?,
            (Err(_), _, None) => {}
        }
        report
            .program
            .iter()
            .filter_map(Program::note)
            .for_each(err);
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
        for (reason, (hosts, count)) in std::mem::take(&mut self.not_begun) {
            screen.err(format_args!("{hosts} ({count}): {reason}"));
        }
        self.gathered.finish(screen)?;
        self.table.finish(screen, hosts)?;
        match self.form {
            Form::Jsonl => screen.out(summary.json()),
            _ => Ok(()),
        }
    }
}

/// A result as text. Of several texts, each stays on one line.
pub(crate) fn shown(result: &Json, raw: bool) -> String {
    match result {
        Json::String(text) if raw => text.trim_end_matches('\n').to_owned(),
        Json::Array(values)
            if raw && values.iter().all(|value| matches!(value, Json::String(_))) =>
        {
            let lines = values.iter().map(|value| shown(value, raw));
            let lines: Vec<String> = lines.map(|line| Foreign::line(line).to_string()).collect();
            lines.join("\n")
        }
        other => other.write(),
    }
}

/// An outcome as a line of JSON.
fn jsonl(report: &Report, file: Option<String>) -> String {
    let mut members = vec![("host", Json::text(&report.host))];
    if let Some(job) = &report.job {
        members.push(("line", Json::number(&job.line)));
        members.push(("input", Json::text(&job.input)));
    }
    members.push(("ok", Json::Bool(report.result.is_ok())));
    if let Some(program) = &report.program {
        let number = |number: Option<i32>| number.map_or(Json::Null, |n| Json::number(&n));
        members.push(("status", number(program.status)));
        members.push(("signal", number(program.signal)));
        if file.is_none() {
            members.push(("stdout", Json::text(&program.stdout)));
            members.push(("stderr", Json::text(&program.stderr)));
        }
        members.push(("truncated", Json::Bool(program.truncated)));
    }
    if let Ok(result) = &report.result
        && report.program.is_none()
        && file.is_none()
    {
        members.push(("result", result.clone()));
    }
    if let Some(file) = file {
        members.push(("file", Json::String(file)));
    }
    match &report.result {
        Ok(_) => {}
        Err(failure) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_texts_stays_on_one_line() {
        let names = Json::Array(vec![Json::text("x\ny"), Json::text("z")]);
        assert_eq!(shown(&names, true), "x\\ny\nz");
        assert_eq!(shown(&Json::text("x\ny\n"), true), "x\ny");
    }
}
