//! `farcall top`: the same call again and again, with figures by host.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use farcall::cluster::{Fleet, Outcome};
use farcall::protocol::output::Causes;
use tokio::time::sleep_until;

use super::interrupts::Interrupts;
use super::operation::Operation;
use super::output::Form;
use super::screen::Screen;
use crate::Options;
use crate::call::perform;
use crate::json::Json;
use crate::terminal::{FAILURE, status};

/// The latencies of a host that percentiles are taken from.
const RECENT: usize = 100;

/// The interval at which the figures of a round under way are shown on a terminal.
const REDRAW: Duration = Duration::from_secs(1);

/// Maximum characters of an error in the table.
const MAX_ERROR: usize = 60;

/// Makes the terminal begin at the top of an empty screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// The figures of a host.
#[derive(Default)]
struct Figures {
    calls: u64,
    errors: u64,
    /// The error of the last call.
    error: Option<String>,
    /// The latencies of the last good calls, in milliseconds.
    recent: VecDeque<f64>,
}

impl Figures {
    fn add(&mut self, outcome: &Outcome<Json>) {
        self.calls += 1;
        self.error = outcome
            .result
            .as_ref()
            .err()
            .map(|error| Causes(error).to_string());
        if self.error.is_some() {
            self.errors += 1;
            return;
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent
            .push_back(outcome.elapsed.as_secs_f64() * 1000.0);
    }

    /// The latencies, sorted.
    fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.recent.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// Returns the value below which this fraction of the others is.
fn percentile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    // Rounding loses nothing that a person would see.
    sorted
        .get((last as f64 * fraction).round() as usize)
        .copied()
}

/// Calls until an interrupt, or for this many rounds.
pub(super) async fn run(
    fleet: &Fleet,
    operation: &Operation,
    interval: Duration,
    rounds: Option<u64>,
    options: &Options,
) -> Result<ExitCode, Box<dyn Error>> {
    let mut figures: HashMap<String, Figures> = fleet
        .hosts()
        .iter()
        .map(|host| (host.name().to_owned(), Figures::default()))
        .collect();
    let mut interrupts = Interrupts::new()?;
    let is_terminal = io::stdout().is_terminal() && options.fleet.output.is_none();
    let mut round = 0;
    while rounds.is_none_or(|rounds| round < rounds) {
        round += 1;
        let begin = Instant::now();
        let mut outcomes = fleet.each(|host| async move {
            let url = host.client().url();
            let request = operation.request(host.name(), url, None);
            perform(&host, &request).await
        });
        let mut redraw = tokio::time::interval(REDRAW);
        loop {
            let next = tokio::select! {
                biased;
                () = interrupts.next() => {
                    Interrupts::end_line();
                    return Ok(exit_status(&figures));
                }
                next = outcomes.next() => next,
                // A host that is slow does not hide the others.
                _ = redraw.tick(), if is_terminal => {
                    if let Err(error) = show(&figures, round, None) {
                        return Ok(status(Err(error)));
                    }
                    continue;
                }
            };
            let Some((host, outcome)) = next else {
                break;
            };
            if let Some(figures) = figures.get_mut(host.name()) {
                figures.add(&outcome);
            }
        }
        if let Err(error) = show(&figures, round, options.fleet.output) {
            return Ok(status(Err(error)));
        }
        if rounds == Some(round) {
            break;
        }
        tokio::select! {
            () = interrupts.next() => {
                Interrupts::end_line();
                break;
            }
            () = sleep_until((begin + interval).into()) => {}
        }
    }
    Ok(exit_status(&figures))
}

/// 0 if the last call of each host was good.
fn exit_status(figures: &HashMap<String, Figures>) -> ExitCode {
    let has_failed = figures.values().any(|figures| figures.error.is_some());
    ExitCode::from(if has_failed { FAILURE } else { 0 })
}

/// Shows the figures: those with errors first, then the slowest.
fn show(figures: &HashMap<String, Figures>, round: u64, form: Option<Form>) -> io::Result<()> {
    let screen = Screen::new(0, false);
    let mut rows: Vec<(&str, &Figures, Vec<f64>)> = figures
        .iter()
        .map(|(host, figures)| (host.as_str(), figures, figures.sorted()))
        .collect();
    rows.sort_by(
        |(left_host, left, left_times), (right_host, right, right_times)| {
            let slowest = |times: &[f64]| percentile(times, 0.95).unwrap_or(0.0);
            let by_time = || slowest(right_times).total_cmp(&slowest(left_times));
            let by_errors = right.errors.cmp(&left.errors);
            by_errors
                .then_with(by_time)
                .then_with(|| left_host.cmp(right_host))
        },
    );
    if form == Some(Form::Jsonl) {
        return rows
            .iter()
            .try_for_each(|(host, figures, times)| screen.out(json(host, figures, times).write()));
    }
    let mut most = usize::MAX;
    if io::stdout().is_terminal() {
        write!(io::stdout(), "{CLEAR}")?;
        let (height, _) = console::Term::stdout().size();
        most = usize::from(height).saturating_sub(4).max(1);
    }
    let calls: u64 = rows.iter().map(|(_, figures, _)| figures.calls).sum();
    let errors: u64 = rows.iter().map(|(_, figures, _)| figures.errors).sum();
    screen.out(format_args!(
        "round {round}: {} hosts, {calls} calls, {errors} errors",
        rows.len()
    ))?;
    let names = rows.iter().map(|(host, _, _)| host.chars().count());
    let width = names.max().unwrap_or(0).max("HOST".len());
    screen.out(format_args!(
        "{:width$}  {:>7}  {:>7}  {:>9}  {:>9}  {:>9}  {:>9}  ERROR",
        "HOST", "CALLS", "ERRORS", "LAST MS", "P50 MS", "P95 MS", "MAX MS"
    ))?;
    for (host, figures, times) in rows.iter().take(most) {
        let shown = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        let error: String = figures
            .error
            .iter()
            .flat_map(|text| text.chars())
            .take(MAX_ERROR)
            .collect();
        screen.out(format_args!(
            "{host:width$}  {:>7}  {:>7}  {:>9}  {:>9}  {:>9}  {:>9}  {error}",
            figures.calls,
            figures.errors,
            shown(figures.recent.back().copied()),
            shown(percentile(times, 0.5)),
            shown(percentile(times, 0.95)),
            shown(times.last().copied()),
        ))?;
    }
    if rows.len() > most {
        screen.out(format_args!("and {} more", rows.len() - most))?;
    }
    Ok(())
}

fn json(host: &str, figures: &Figures, times: &[f64]) -> Json {
    let number = |ms: Option<f64>| ms.map_or(Json::Null, |ms| Json::Number(format!("{ms:.3}")));
    Json::object([
        ("host", Json::text(host)),
        ("calls", Json::number(&figures.calls)),
        ("errors", Json::number(&figures.errors)),
        ("ms", number(figures.recent.back().copied())),
        ("p50", number(percentile(times, 0.5))),
        ("p95", number(percentile(times, 0.95))),
        ("max", number(times.last().copied())),
        (
            "error",
            figures.error.as_ref().map_or(Json::Null, Json::text),
        ),
    ])
}
