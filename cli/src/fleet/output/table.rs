//! The outcomes as a table.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use farcall::cluster::HostSet;

use super::super::report::Report;
use super::super::screen::Screen;

/// Maximum characters of a result in a table.
const MAX_RESULT: usize = 100;

/// A row, without its host.
struct Row {
    line: Option<usize>,
    class: &'static str,
    attempts: u32,
    ms: u128,
    text: String,
}

/// The rows so far.
#[derive(Default)]
pub(super) struct Table {
    rows: HashMap<Arc<str>, Vec<Row>>,
}

impl Table {
    pub(super) fn add(&mut self, report: &Report, text: &str) {
        let mut short: String = text.chars().take(MAX_RESULT).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        let row = Row {
            line: report.job.as_ref().map(|job| job.line),
            class: report.class().name(),
            attempts: report.attempts,
            ms: report.elapsed.as_millis(),
            text: short,
        };
        self.rows.entry(report.host.clone()).or_default().push(row);
    }

    /// Shows the rows in the order of the hosts.
    pub(super) fn finish(&mut self, screen: &Screen, hosts: &HostSet) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let names = self.rows.keys().map(|host| host.chars().count());
        let width = names.max().unwrap_or(0).max("HOST".len());
        screen.out(format_args!(
            "{:width$}  {:10}  {:>8}  {:>8}  RESULT",
            "HOST", "OUTCOME", "ATTEMPTS", "MS"
        ))?;
        for host in hosts.iter() {
            let mut rows = self.rows.remove(host).unwrap_or_default();
            rows.sort_by_key(|row| row.line);
            for Row {
                class,
                attempts,
                ms,
                text,
                ..
            } in rows
            {
                screen.out(format_args!(
                    "{host:width$}  {class:10}  {attempts:>8}  {ms:>8}  {text}"
                ))?;
            }
        }
        Ok(())
    }
}
