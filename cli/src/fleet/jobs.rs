//! `farcall map`: a call for each line of standard input, on whichever host is free.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{self, Read as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farcall::cluster::{Fleet, Host, HostSet};
use farcall::{CallError, Execution};

use super::all::{Again, by_name};
use super::arguments::argument;
use super::hosts::Target;
use super::interrupts::Interrupts;
use super::joblog::{JobLog, Key};
use super::operation::Operation;
use super::report::Job;
use super::run::{Calls, Finished, View};
use super::summary::Summary;
use super::workers::Workers;
use crate::Options;
use crate::json::Json;
use crate::terminal::print;

/// The host of a job that had none.
const NO_HOST: &str = "-";

/// An input, and the call that is made of it.
struct Input {
    job: Job,
    value: Json,
    key: Key,
}

/// Makes the calls, and returns the exit status.
pub(super) async fn run(
    fleet: &Fleet,
    targets: Vec<Target>,
    operation: Operation,
    options: &Options,
) -> Result<ExitCode, Box<dyn Error>> {
    let given = &options.fleet;
    if given.serial.is_some() {
        return Err("--serial is for calls of all hosts, not for map".into());
    }
    let mut inputs = read(&operation)?;
    let mut summary = Summary::default();
    let log = match &given.joblog {
        Some(path) => {
            let (log, history) = JobLog::open(path, given.resume)?;
            let again = Again::new(history, options).await?;
            inputs.retain(|input| again.is_made(&input.key, None, &mut summary));
            Some(Mutex::new(log))
        }
        None => None,
    };
    if given.dry_run {
        let lines = inputs.iter().map(|input| {
            let shown = operation.shown("{host}", "{url}", Some(&input.value));
            format!("line {}: {shown}", input.job.line)
        });
        return Ok(print(&lines.collect::<Vec<_>>().join("\n")));
    }
    let names: HostSet = targets.iter().map(|target| target.host.name()).collect();
    let calls = Arc::new(Calls {
        targets: by_name(targets),
        operation,
        log,
        workers: Workers::default(),
    });
    let mut view = View::new(&calls, options, inputs.len(), summary)?;
    let under_way = Arc::new(Mutex::new(BTreeMap::new()));
    let mut left: BTreeMap<usize, Arc<Input>> =
        inputs.into_iter().map(Arc::new).enumerate().collect();
    let all: Vec<(usize, Arc<Input>)> = left
        .iter()
        .map(|(index, input)| (*index, Arc::clone(input)))
        .collect();
    let mut jobs = fleet.map_each(all, |host: Host, input| {
        let (calls, under_way) = (Arc::clone(&calls), Arc::clone(&under_way));
        async move {
            let (index, input) = &*input;
            locked(&under_way).insert(*index, host.name().to_owned());
            let (key, value) = (input.key.clone(), Some(input.value.clone()));
            let result = calls.attempt(host, key, value).await;
            let is_never = |error: &CallError| error.execution() == Execution::Never;
            if result.as_ref().is_err_and(is_never) {
                locked(&under_way).remove(index);
            }
            result
        }
    });
    let mut interrupts = Interrupts::new()?;
    let mut times = 0;
    loop {
        let job = tokio::select! {
            biased;
            () = interrupts.next() => {
                times += 1;
                if times > 1 {
                    break;
                }
                jobs.stop();
                view.interrupted(locked(&under_way).values().map(String::as_str));
                continue;
            }
            job = jobs.next() => job,
        };
        let Some(job) = job else {
            break;
        };
        locked(&under_way).remove(&job.index);
        left.remove(&job.index);
        let (_, input) = &*job.input;
        let finished = Finished {
            host: job.host.as_ref().map_or(NO_HOST, Host::name),
            job: Some(input.job.clone()),
            attempts: job.outcome.attempts,
            elapsed: job.outcome.elapsed,
        };
        if !view.add(finished, &input.key, job.outcome.result) {
            break;
        }
        view.progress(jobs.running());
    }
    drop(jobs);
    leave(&mut view, &left, &locked(&under_way));
    view.finish(&names)
}

/// Shows the inputs without an outcome, after an interrupt.
fn leave(
    view: &mut View<'_>,
    left: &BTreeMap<usize, Arc<Input>>,
    under_way: &BTreeMap<usize, String>,
) {
    for (index, input) in left {
        let host = under_way.get(index);
        let error = match host {
            Some(_) => CallError::Lost("interrupted before a reply arrived".into()),
            None => CallError::NotSent("interrupted".into()),
        };
        let finished = Finished {
            host: host.map_or(NO_HOST, String::as_str),
            job: Some(input.job.clone()),
            attempts: u32::from(host.is_some()),
            elapsed: Duration::ZERO,
        };
        view.add(finished, &input.key, Err(error));
    }
}

/// Reads the inputs: each line is one, as an argument of `call` is. Empty lines are skipped.
fn read(operation: &Operation) -> Result<Vec<Input>, String> {
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    read.map_err(|error| format!("standard input: {error}"))?;
    let mut inputs = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() {
            continue;
        }
        let value = argument(line).map_err(|problem| format!("line {}: {problem}", index + 1))?;
        // The same input can occur more than once.
        let number = numbers.entry(line).or_default();
        *number += 1;
        inputs.push(Input {
            job: Job {
                line: index + 1,
                input: line.into(),
            },
            value,
            key: operation.key(None, Some((line, *number))),
        });
    }
    Ok(inputs)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
