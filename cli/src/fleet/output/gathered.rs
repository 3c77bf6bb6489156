//! Identical outcomes, shown once with the set of their hosts.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use farcall::cluster::HostSet;

use super::super::report::{Class, Report};
use super::super::screen::Screen;

/// Maximum bytes of the texts that are kept. Further ones are shown at once, each on its own.
const MAX_KEPT: usize = 64 * 1024 * 1024;

/// The outcomes so far.
#[derive(Default)]
pub(super) struct Gathered {
    /// By the cause of a failure, or the text of any other outcome.
    groups: HashMap<(Class, String), Group>,
    kept: usize,
}

struct Group {
    hosts: HostSet,
    count: usize,
    /// The text of all of its outcomes, if it is the same.
    text: Option<String>,
}

impl Gathered {
    pub(super) fn add(&mut self, screen: &Screen, report: &Report, text: &str) -> io::Result<()> {
        let class = report.class();
        // The texts of hosts, faults among them, are shown as they are.
        let key = match class {
            Class::Silent | Class::Never | Class::Maybe => cause(text, &report.host),
            _ => text.to_owned(),
        };
        let key = (class, key);
        if let Some(group) = self.groups.get_mut(&key) {
            group.hosts.insert(Arc::clone(&report.host));
            group.count += 1;
            group.text.take_if(|other| other.as_str() != text);
            return Ok(());
        }
        let hosts: HostSet = std::iter::once(Arc::clone(&report.host)).collect();
        if text.len() > MAX_KEPT.saturating_sub(self.kept) {
            return write(screen, &hosts, 1, text);
        }
        self.kept += text.len();
        let group = Group {
            hosts,
            count: 1,
            text: (key.1 != text).then(|| text.to_owned()),
        };
        self.groups.insert(key, group);
        Ok(())
    }

    /// Shows the groups, and begins anew: the good ones first, of each class the largest first.
    pub(super) fn finish(&mut self, screen: &Screen) -> io::Result<()> {
        self.kept = 0;
        let mut groups: Vec<_> = self.groups.drain().collect();
        groups.sort_by(|(left, left_group), (right, right_group)| {
            let by_count = || right_group.count.cmp(&left_group.count);
            let by_class = left.0.cmp(&right.0);
            by_class
                .then_with(by_count)
                .then_with(|| left.1.cmp(&right.1))
        });
        for ((_, cause), group) in groups {
            let text = group.text.unwrap_or(cause);
            write(screen, &group.hosts, group.count, &text)?;
        }
        Ok(())
    }
}

/// Returns the error of a host without what other hosts do not share: its name, addresses and
/// times. `…` stands for each.
fn cause(text: &str, host: &str) -> String {
    let shared = |word: &str| {
        let core = word
            .trim_start_matches(['(', '"', '\'', '`'])
            .trim_end_matches([')', '"', '\'', '`', ',', ';', ':', '.']);
        if core == host || core.contains("://") || is_address(core) || is_time(core) {
            word.replacen(core, "…", 1)
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(shared).collect::<Vec<_>>().join(" ")
}

/// Returns `true` for `HOST:PORT` and addresses.
fn is_address(word: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    word.parse::<IpAddr>().is_ok()
        || word
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

/// Returns `true` for a time as `998.638ms`.
fn is_time(word: &str) -> bool {
    let number = word.trim_end_matches(|c: char| c.is_alphabetic());
    let is_unit = ["s", "ms", "µs", "ns"].contains(&&word[number.len()..]);
    is_unit && number.parse::<f64>().is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_causes() {
        for (text, expected) in [
            (
                "never ran: the call was not sent: cannot connect to 127.0.1.11:21000: Connection \
                 refused (os error 111)",
                "never ran: the call was not sent: cannot connect to …: Connection refused (os error \
                 111)",
            ),
            ("no response within 998.638ms", "no response within …"),
            ("no response within 2s.", "no response within …."),
            (
                "cannot resolve `node1`: no such host",
                "cannot resolve `…`: no such host",
            ),
            ("node1:80 ([fd00::1]:80): closed", "… (…): closed"),
            ("at http://node1/x, status 502", "at …, status 502"),
            (
                "a message of 5 bytes: node12",
                "a message of 5 bytes: node12",
            ),
            ("", ""),
        ] {
            assert_eq!(cause(text, "node1"), expected);
        }
    }
}
