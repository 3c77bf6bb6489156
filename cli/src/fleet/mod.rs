//! Commands that act on many hosts.

mod all;
mod arguments;
mod follow;
mod hosts;
mod interrupts;
mod joblog;
mod jobs;
mod listing;
mod lock;
mod operation;
mod options;
mod output;
mod report;
mod run;
mod screen;
mod summary;
mod top;
mod workers;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use farcall::cluster::{Fleet, Host, Protocol, Retries, StopRule};
use tokio::task::JoinSet;

pub(crate) use self::arguments::Template;
use self::follow::Followed;
#[cfg(unix)]
pub(crate) use self::hosts::of_agent;
use self::hosts::{Target, Targets};
pub(crate) use self::hosts::{authkey, credentials, headers, known_names, settings};
use self::operation::Operation;
pub(crate) use self::options::FleetOptions;
use crate::Options;
use crate::call::{CallCommand, Request, perform};
use crate::json::Json;
use crate::terminal::print_error;

/// Runs a command on the hosts that `-w` names, or on the only one whose URL is its first word.
pub(crate) async fn run(
    command: &CallCommand,
    options: &Options,
) -> Result<ExitCode, Box<dyn Error>> {
    options.fleet.check()?;
    let result = run_on_hosts(command, options).await;
    if !matches!(result, Ok(ExitCode::SUCCESS)) {
        note_files(&options.fleet.hosts);
    }
    result
}

/// Tells of names of hosts that are also files, which `-w` reads with an `@` before them.
fn note_files(hosts: &[String]) {
    for name in hosts.iter().filter(|name| Path::new(name).is_file()) {
        print_error(format_args!(
            "farcall: {name} was taken for the name of a host: -w @{name} reads the file"
        ));
    }
}

async fn run_on_hosts(
    command: &CallCommand,
    options: &Options,
) -> Result<ExitCode, Box<dyn Error>> {
    if let CallCommand::Top { .. } | CallCommand::Subscribe { .. } | CallCommand::Tail { .. } =
        command
        && let Some(option) = options.fleet.of_single_calls()
    {
        return Err(format!("{option} is not for top, subscribe and tail").into());
    }
    let words = command.split(options.fleet.hosts.is_empty())?;
    let Targets {
        hosts: targets,
        window,
    } = hosts::targets(words.url, options).await?;
    if let CallCommand::Hosts { fold, .. } = command {
        return Ok(listing::run(&targets, *fold));
    }
    if let Some(followed) = Followed::of(command, &words)? {
        let fleet = fleet(&targets, window, options)?;
        return follow::run(&fleet, targets, followed, options).await;
    }
    let operation = Operation::new(command, &words, options, &targets)?;
    let fleet = fleet(&targets, window, options)?;
    let status = match command {
        CallCommand::Map { .. } => jobs::run(&fleet, targets, operation, options).await,
        CallCommand::Top {
            interval, rounds, ..
        } => top::run(&fleet, &operation, *interval, *rounds, options).await,
        _ => all::run(&fleet, targets, operation, options).await,
    };
    let clients = fleet.hosts().iter().map(|host| host.client().clone());
    // A manager of Python never forgets an object.
    let closing: JoinSet<()> = clients
        .filter(|client| client.protocol() == Protocol::Manager)
        .map(|client| async move { client.close().await })
        .collect();
    closing.join_all().await;
    status
}

/// Returns the methods of a server, or of the first of the hosts that answers.
pub(crate) async fn methods(url: &str, options: &Options) -> Result<Json, Box<dyn Error>> {
    let url = options.fleet.hosts.is_empty().then_some(url);
    let targets = hosts::targets(url, options).await?;
    let fleet = Fleet::new(targets.hosts.iter().map(|target| target.host.clone()));
    let mut outcomes = fleet.each(async |host| perform(&host, &Request::Methods).await);
    while let Some((_, outcome)) = outcomes.next().await {
        if let Ok(methods) = outcome.result {
            return Ok(methods);
        }
    }
    Err("no host answered".into())
}

/// Creates the fleet of these hosts, with the policy that the options give.
fn fleet(targets: &[Target], window: usize, options: &Options) -> Result<Fleet, Box<dyn Error>> {
    let hosts = targets.iter().map(|target| target.host.clone());
    let hosts: Vec<Host> = hosts.collect();
    let given = &options.fleet;
    let retries = match given.retries {
        None | Some(0) => Retries::NONE,
        Some(retries) => Retries::new(retries),
    };
    let mut fleet = Fleet::new(hosts)
        .window(given.window.unwrap_or(window))
        .timeout(Some(options.timeout))
        .total_timeout(given.total_timeout)
        .retries(retries)
        .idempotent(given.idempotent);
    if let Some(text) = &given.serial {
        let batches = text.parse().map_err(|error| format!("--serial: {error}"))?;
        fleet = fleet.serial(batches);
    }
    if let Some(text) = &given.max_fail {
        fleet = fleet.stop_after(stop_rule(text)?);
    }
    Ok(fleet)
}

/// Parses `N` or `P%`.
fn stop_rule(text: &str) -> Result<StopRule, &'static str> {
    let problem = "--max-fail expects a number, or a percentage from 0% to 100%";
    match text.strip_suffix('%') {
        Some(percent) => match percent.parse() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => {
                Ok(StopRule::default().percent(percent))
            }
            _ => Err(problem),
        },
        None => text.parse().map(StopRule::failures).map_err(|_| problem),
    }
}
