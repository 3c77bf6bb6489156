//! A call of each host.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use farcall::cluster::{Batches, Event, Fleet, Host, HostSet};

use super::hosts::{self, Target};
use super::interrupts::Interrupts;
use super::joblog::{Earlier, History, JobLog, Key};
use super::operation::Operation;
use super::options::FleetOptions;
use super::output::Files;
use super::run::{Calls, Finished, View};
use super::summary::Summary;
use super::workers::Workers;
use crate::Options;
use crate::terminal::print;

/// Calls all hosts, and returns the exit status.
pub(super) async fn run(
    fleet: &Fleet,
    mut targets: Vec<Target>,
    operation: Operation,
    options: &Options,
) -> Result<ExitCode, Box<dyn Error>> {
    let given = &options.fleet;
    let mut summary = Summary::default();
    let key = |target: &Target| operation.key(Some(target.host.name()), None);
    let log = match &given.joblog {
        Some(path) => {
            let (log, history) = JobLog::open(path, given.resume)?;
            let again = Again::new(history, options).await?;
            targets.retain(|target| {
                again.is_made(&key(target), Some(target.host.name()), &mut summary)
            });
            Some(Mutex::new(log))
        }
        None => None,
    };
    if given.output_file.is_some() {
        Files::check(targets.iter().map(|target| target.host.name()))?;
    }
    if given.dry_run {
        return Ok(print(&plan(&targets, &operation, given)?));
    }
    let fleet = fleet.with_hosts(targets.iter().map(|target| target.host.clone()));
    let keys: HashMap<String, Key> = targets
        .iter()
        .map(|target| (target.host.name().to_owned(), key(target)))
        .collect();
    let names: HostSet = targets.iter().map(|target| target.host.name()).collect();
    let calls = Arc::new(Calls {
        targets: by_name(targets),
        operation,
        log,
        workers: Workers::default(),
    });
    let mut view = View::new(&calls, options, fleet.hosts().len(), summary)?;
    let mut sizes = batches(given, fleet.hosts().len())?.into_iter();
    let mut left = sizes.next().unwrap_or(0);
    let mut interrupts = Interrupts::new()?;
    let mut times = 0;
    let mut events = fleet
        .each(|host| {
            let key = keys[host.name()].clone();
            Arc::clone(&calls).attempt(host, key, None)
        })
        .events();
    loop {
        let event = tokio::select! {
            biased;
            () = interrupts.next() => {
                times += 1;
                match times {
                    1 => {
                        events.stop();
                        view.interrupted(events.running().map(Host::name));
                    }
                    _ => events.cancel(),
                }
                continue;
            }
            event = events.next() => event,
        };
        match event {
            Some(Event::Finished(host, outcome)) => {
                let finished = Finished {
                    host: host.name(),
                    job: None,
                    attempts: outcome.attempts,
                    elapsed: outcome.elapsed,
                };
                if !view.add(finished, &keys[host.name()], outcome.result) {
                    events.cancel();
                }
                left -= 1;
                if left == 0 {
                    view.end_batch();
                    left = sizes.next().unwrap_or(usize::MAX);
                }
            }
            Some(_) => {}
            None => break,
        }
        view.progress(events.progress().running);
    }
    view.finish(&names)
}

/// The targets by the names of their hosts.
pub(super) fn by_name(targets: Vec<Target>) -> HashMap<String, Target> {
    let named = targets
        .into_iter()
        .map(|target| (target.host.name().to_owned(), target));
    named.collect()
}

/// The sizes of the batches of this many hosts.
fn batches(options: &FleetOptions, hosts: usize) -> Result<Vec<usize>, Box<dyn Error>> {
    let Some(text) = &options.serial else {
        return Ok(vec![hosts]);
    };
    let batches: Batches = text.parse().map_err(|error| format!("--serial: {error}"))?;
    Ok(batches.sizes(hosts).collect())
}

/// Describes what would be called, in batches.
fn plan(
    targets: &[Target],
    operation: &Operation,
    options: &FleetOptions,
) -> Result<String, Box<dyn Error>> {
    let sizes = batches(options, targets.len())?;
    let mut lines = Vec::new();
    let mut rest = targets;
    for (index, size) in sizes.iter().enumerate() {
        let (batch, others) = rest.split_at((*size).min(rest.len()));
        rest = others;
        if options.serial.is_some() {
            let hosts: HostSet = batch.iter().map(|target| target.host.name()).collect();
            lines.push(format!("batch {}: {hosts}", index + 1));
        }
        for target in batch {
            let (name, url) = (target.host.name(), target.shown_url());
            lines.push(format!(
                "{name}: {} at {url}",
                operation.shown(name, url, None)
            ));
        }
    }
    Ok(lines.join("\n"))
}

/// The choice of calls of earlier runs that are made again.
pub(super) struct Again {
    history: History,
    idempotent: bool,
    /// The hosts on which calls that may have run are made again: `None` for all.
    maybe: Option<HostSet>,
}

impl Again {
    pub(super) async fn new(history: History, options: &Options) -> Result<Self, Box<dyn Error>> {
        let maybe = match options.fleet.resume_maybe.as_deref() {
            None => Some(HostSet::default()),
            Some("") => None,
            Some(hosts) => Some(hosts::resolve(hosts).await?),
        };
        Ok(Self {
            history,
            idempotent: options.fleet.idempotent,
            maybe,
        })
    }

    /// Returns `true` if a call is made: one that succeeded is not, nor one that may have run,
    /// unless that is asked for. Counts those that are not.
    pub(super) fn is_made(&self, key: &Key, host: Option<&str>, summary: &mut Summary) -> bool {
        let Some((earlier, last_host)) = self.history.get(key) else {
            return true;
        };
        let host = host.unwrap_or(last_host);
        let is_asked_for = || self.maybe.as_ref().is_none_or(|hosts| hosts.contains(host));
        match earlier {
            Earlier::Never => true,
            Earlier::Ok => {
                summary.done_before += 1;
                false
            }
            Earlier::Maybe | Earlier::Completed if self.idempotent || is_asked_for() => true,
            Earlier::Maybe | Earlier::Completed => {
                summary.leave_out(host);
                false
            }
        }
    }
}
