//! The counts at the end of a run, and its exit status.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use farcall::cluster::HostSet;

use super::report::{Class, Report};
use crate::json::Json;
use crate::terminal::{FAILURE, FAULT};

/// Exit status if a call may have run, and nobody knows.
const MAYBE: u8 = 3;

/// The counts and hosts of each class.
#[derive(Default)]
pub(crate) struct Summary {
    counts: BTreeMap<Class, usize>,
    /// The hosts with an outcome of this class.
    hosts: BTreeMap<Class, HostSet>,
    timed_out: (usize, HostSet),
    /// Of `--resume`: calls that succeeded before.
    pub(crate) done_before: usize,
    /// Of `--resume`: calls that may have run before, and were not made again.
    left_out: (usize, HostSet),
    pub(crate) elapsed: Duration,
}

impl Summary {
    pub(crate) fn add(&mut self, report: &Report) {
        let class = report.class();
        *self.counts.entry(class).or_default() += 1;
        self.hosts
            .entry(class)
            .or_default()
            .insert(Arc::clone(&report.host));
        if report
            .result
            .as_ref()
            .is_err_and(|failure| failure.timed_out)
        {
            self.timed_out.0 += 1;
            self.timed_out.1.insert(Arc::clone(&report.host));
        }
    }

    /// Counts a call that may have run before, and was not made again.
    pub(crate) fn leave_out(&mut self, host: &str) {
        self.left_out.0 += 1;
        self.left_out.1.insert(host);
    }

    pub(crate) fn count(&self, class: Class) -> usize {
        self.counts.get(&class).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// The hosts that gave no answer: they were not reached, or their time was over.
    pub(crate) fn silent(&self) -> HostSet {
        let of = |class| self.hosts.get(&class).cloned().unwrap_or_default();
        let none = of(Class::Never).union(&of(Class::Silent));
        none.union(&self.timed_out.1)
    }

    /// The exit status: of all outcomes, the one that matters most.
    pub(crate) fn status(&self) -> u8 {
        let any = |classes: &[Class]| classes.iter().any(|class| self.count(*class) > 0);
        if any(&[Class::Maybe]) || self.left_out.0 > 0 {
            MAYBE
        } else if any(&[Class::Never, Class::Silent]) {
            FAILURE
        } else if any(&[Class::Fault, Class::Refused, Class::Unreadable]) {
            FAULT
        } else {
            0
        }
    }

    /// The counts on one line.
    pub(crate) fn line(&self) -> String {
        let mut parts = vec![format!("{} ok", self.count(Class::Ok))];
        for class in &Class::ALL[1..] {
            match (class, self.count(*class)) {
                (_, 0) => {}
                (Class::Fault, 1) => parts.push("1 fault".to_owned()),
                (Class::Fault, count) => parts.push(format!("{count} faults")),
                (class, count) => parts.push(format!("{count} {}", class.text())),
            }
        }
        if self.timed_out.0 > 0 {
            parts.push(format!("{} of these timed out", self.timed_out.0));
        }
        parts.join(", ")
    }

    /// The summary as the last line of JSON.
    pub(crate) fn json(&self) -> String {
        let mut members = vec![("calls", Json::number(&self.total()))];
        let counts = Class::ALL.map(|class| (class.name(), Json::number(&self.count(class))));
        members.extend(counts);
        members.push(("timed_out", Json::number(&self.timed_out.0)));
        members.push(("done_before", Json::number(&self.done_before)));
        members.push(("maybe_before", Json::number(&self.left_out.0)));
        members.push(("seconds", Json::number(&self.elapsed.as_secs_f64())));
        members.push(("status", Json::number(&self.status())));
        let failed = self.hosts.iter().filter(|(class, _)| **class != Class::Ok);
        let sets = failed.map(|(class, hosts)| (class.name(), Json::text(hosts)));
        members.push(("hosts", Json::object(sets)));
        Json::object([("summary", Json::object(members))]).write()
    }
}

/// For standard error: the counts, and the hosts of each class but the good one.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        write!(
            f,
            "farcall: {} in {seconds:.1} s: {}",
            calls(self.total()),
            self.line()
        )?;
        if self.done_before > 0 {
            write!(f, "; {} succeeded before", self.done_before)?;
        }
        for (class, hosts) in &self.hosts {
            if *class != Class::Ok {
                write!(f, "\n  {}: {hosts}", class.text())?;
            }
        }
        if self.timed_out.0 > 0 {
            write!(f, "\n  timed out: {}", self.timed_out.1)?;
        }
        let (count, hosts) = &self.left_out;
        if *count > 0 {
            let calls = calls(*count);
            write!(
                f,
                "\n  {calls} may have run before, and --resume-maybe makes them again: {hosts}"
            )?;
        }
        Ok(())
    }
}

fn calls(count: usize) -> String {
    match count {
        1 => "1 call".to_owned(),
        _ => format!("{count} calls"),
    }
}
