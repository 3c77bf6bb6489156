//! Identical outcomes, shown once with the set of their hosts.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use farcall::cluster::HostSet;

use super::super::report::{Class, Report};
use super::super::screen::Screen;

/// Maximum bytes of the texts that are kept. Further ones are shown at once, each on its own.
const MAX_KEPT: usize = 64 * 1024 * 1024;

/// The outcomes so far.
#[derive(Default)]
pub(super) struct Gathered {
    groups: HashMap<(Class, String), (HostSet, usize)>,
    kept: usize,
}

impl Gathered {
    pub(super) fn add(&mut self, screen: &Screen, report: &Report, text: &str) -> io::Result<()> {
        let group = (report.class(), text.to_owned());
        if let Some((hosts, count)) = self.groups.get_mut(&group) {
            hosts.insert(Arc::clone(&report.host));
            *count += 1;
            return Ok(());
        }
        let hosts: HostSet = std::iter::once(Arc::clone(&report.host)).collect();
        if text.len() > MAX_KEPT.saturating_sub(self.kept) {
            return write(screen, &hosts, 1, text);
        }
        self.kept += text.len();
        self.groups.insert(group, (hosts, 1));
        Ok(())
    }

    /// Shows the groups, and begins anew: the good ones first, of each class the largest first.
    pub(super) fn finish(&mut self, screen: &Screen) -> io::Result<()> {
        self.kept = 0;
        let mut groups: Vec<_> = self.groups.drain().collect();
        groups.sort_by(|(left, (_, left_count)), (right, (_, right_count))| {
            let by_count = || right_count.cmp(left_count);
            let by_class = left.0.cmp(&right.0);
            by_class
                .then_with(by_count)
                .then_with(|| left.1.cmp(&right.1))
        });
        for ((_, text), (hosts, count)) in groups {
            write(screen, &hosts, count, &text)?;
        }
        Ok(())
    }
}

/// Writes a group: on one line, or with the lines of its text below its hosts.
fn write(screen: &Screen, hosts: &HostSet, count: usize, text: &str) -> io::Result<()> {
    let mut lines = text.lines();
    match (lines.next().unwrap_or_default(), lines.next()) {
        (line, None) => screen.out(format_args!("{hosts} ({count}): {line}")),
        _ => {
            screen.out(format_args!("{hosts} ({count}):"))?;
            text.lines()
                .try_for_each(|line| screen.out(format_args!("  {line}")))
        }
    }
}
