//! A run: its calls, and what is shown and logged of them until each has an outcome or the person
//! leaves.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use farcall::CallError;
use farcall::cluster::{Host, HostSet, Protocol};

use super::hosts::{Target, add_silent};
use super::joblog::{JobLog, Key};
use super::operation::Operation;
use super::options::FleetOptions;
use super::output::{Files, Form, Output};
use super::report::{Failure, Job, Program, Report, is_timeout};
use super::screen::Screen;
use super::summary::Summary;
use super::workers::Workers;
use crate::Options;
use crate::call::{Request, perform};
use crate::json::Json;
use crate::terminal::{FAILURE, status};

/// The state that the calls of a run share.
pub(super) struct Calls {
    pub(super) operation: Operation,
    pub(super) targets: HashMap<String, Target>,
    pub(super) log: Option<Mutex<JobLog>>,
    pub(super) workers: Workers,
}

impl Calls {
    /// Makes one attempt of a call, which is logged before.
    pub(super) async fn attempt(
        self: Arc<Self>,
        host: Host,
        key: Key,
        input: Option<Json>,
    ) -> Result<Json, CallError> {
        let logged = self.log(|log| log.sent(&key, host.name()));
        logged.map_err(|problem| CallError::NotSent(problem.into()))?;
        let protocol = host.client().protocol();
        let calls = Arc::clone(&self);
        let call = async move {
            let url = host.client().url();
            let request = calls.operation.request(host.name(), url, input.as_ref());
            // It makes no difference whether these ran. They are several calls, of which those that
            // succeeded would leave a doubt.
            if matches!(request, Request::Methods | Request::Help { .. }) {
                return perform(host.client(), &request).await;
            }
            perform(&host, &request).await
        };
        match protocol {
            Protocol::XmlRpc | Protocol::JsonRpc => self.workers.run(call).await,
            // Over connections, only decoding takes long.
            _ => call.await,
        }
    }

    fn log(&self, write: impl FnOnce(&mut JobLog) -> Result<(), String>) -> Result<(), String> {
        match &self.log {
            Some(log) => write(&mut log.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Ok(()),
        }
    }
}

/// A call that has its outcome.
pub(super) struct Finished<'a> {
    pub(super) host: &'a str,
    pub(super) job: Option<Job>,
    pub(super) attempts: u32,
    pub(super) elapsed: Duration,
}

/// The part of a run that a person sees.
pub(super) struct View<'a> {
    calls: Arc<Calls>,
    options: &'a FleetOptions,
    timeout: Duration,
    screen: Screen,
    output: Output,
    summary: Summary,
    begin: Instant,
    /// The output cannot be written.
    broken: Option<io::Error>,
    log_problem: Option<String>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        calls: &Arc<Calls>,
        options: &'a Options,
        total: usize,
        summary: Summary,
    ) -> Result<Self, String> {
        let (options, timeout) = (&options.fleet, options.timeout);
        let is_description = matches!(calls.operation, Operation::Methods | Operation::Help { .. });
        let form = match (options.output, is_description) {
            (Some(form), _) => form,
            (None, true) => Form::Gathered,
            (None, false) => Form::Lines,
        };
        let files = options.output_file.as_deref().map(Files::new).transpose()?;
        let raw = options.raw || calls.operation.is_raw();
        Ok(Self {
            screen: Screen::new(total, !options.quiet),
            output: Output::new(form, raw, files),
            calls: Arc::clone(calls),
            options,
            timeout,
            summary,
            begin: Instant::now(),
            broken: None,
            log_problem: None,
        })
    }

    /// Shows and logs an outcome. Returns `false` if the output cannot be written any more.
    pub(super) fn add(
        &mut self,
        finished: Finished<'_>,
        key: &Key,
        result: Result<Json, CallError>,
    ) -> bool {
        let Finished {
            host,
            job,
            attempts,
            elapsed,
        } = finished;
        let program = match (&self.calls.operation, &result) {
            (Operation::Run { .. }, Ok(result)) => Program::of(result),
            _ => None,
        };
        let result = match result {
            Ok(_) if matches!(self.calls.operation, Operation::Ping) => {
                let ms = elapsed.as_secs_f64() * 1000.0;
                Ok(Json::String(format!("{ms:.1} ms")))
            }
            Ok(result) => program.as_ref().map_or(Ok(result), Program::result),
            Err(error) => {
                let is_late = attempts == 1 && elapsed >= self.timeout;
                let timed_out = is_timeout(&error) || is_late;
                let target = self.calls.targets.get(host);
                let failure =
                    Failure::new(&error, timed_out && attempts > 0, |text| match target {
                        Some(target) => target.redacted(text),
                        None => text.to_owned(),
                    });
                Err(match self.calls.operation {
                    Operation::Ping => failure.of_ping(),
                    _ => failure,
                })
            }
        };
        let report = Report {
            host: host.into(),
            job,
            result,
            program,
            attempts,
            elapsed,
        };
        if attempts > 0
            && let Err(problem) = self.calls.log(|log| log.ended(key, &report))
        {
            self.log_problem = Some(problem);
        }
        self.summary.add(&report);
        if self.broken.is_none()
            && let Err(error) = self.output.add(&self.screen, &report)
        {
            self.broken = Some(error);
        }
        self.broken.is_none()
    }

    /// Shows the groups of a batch as soon as all of its hosts have answered.
    pub(super) fn end_batch(&mut self) {
        if self.broken.is_none()
            && let Err(error) = self.output.end_batch(&self.screen)
        {
            self.broken = Some(error);
        }
    }

    pub(super) fn progress(&self, running: usize) {
        self.screen.progress(&self.summary, running);
    }

    /// Says what runs after the first interrupt.
    pub(super) fn interrupted<'h>(&self, running: impl Iterator<Item = &'h str>) {
        let running: HostSet = running.collect();
        self.screen.stop();
        self.screen.err(format_args!(
            "farcall: interrupted: no more calls begin; under way: {running}; press Ctrl-C again to \
             leave"
        ));
    }

    /// Shows what is left to show, and returns the exit status. `hosts` are in the order of tables.
    pub(super) fn finish(mut self, hosts: &HostSet) -> Result<ExitCode, Box<dyn Error>> {
        self.summary.elapsed = self.begin.elapsed();
        self.screen.finish();
        if let Some(error) = self.broken {
            return Ok(status(Err(error)));
        }
        let shown = self.output.finish(&self.screen, hosts, &self.summary);
        if let Err(error) = shown {
            return Ok(status(Err(error)));
        }
        if !self.options.quiet {
            self.screen.err_lines(&self.summary);
        }
        if let Some(file) = &self.options.exclude_silent {
            add_silent(file, &self.summary.silent())?;
        }
        let mut status = self.summary.status();
        if let Some(problem) = self.log_problem {
            self.screen.err(format_args!("farcall: {problem}"));
            status = status.max(FAILURE);
        }
        Ok(ExitCode::from(status))
    }
}
