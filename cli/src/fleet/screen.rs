//! The places where a run is shown: standard output, standard error, a progress bar.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use farcall::protocol::output::Foreign;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use super::report::Class;
use super::summary::Summary;

/// The interval at which the time left is shown anew.
const TICK: Duration = Duration::from_millis(250);

/// Standard output and standard error, with a progress bar below what is written to them.
pub(crate) struct Screen {
    bar: Option<ProgressBar>,
}

impl Screen {
    /// Creates a screen for `total` calls. The bar is shown only if standard error is a terminal.
    pub(crate) fn new(total: usize, with_bar: bool) -> Self {
        let is_shown = with_bar && total > 1 && io::stderr().is_terminal();
        let bar = is_shown.then(|| {
            let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
            bar.set_style(style("{bar:30} {pos}/{len}  {msg}{left}"));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar }
    }

    /// Shows the counts so far, and the calls under way.
    pub(crate) fn progress(&self, summary: &Summary, running: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(summary.total()).unwrap_or(u64::MAX));
            let mut message = format!("{} ok", summary.count(Class::Ok));
            for (class, name) in [
                (Class::Fault, "faults"),
                (Class::Refused, "refused"),
                (Class::Unreadable, "unreadable"),
                (Class::Silent, "without an answer"),
                (Class::Never, "never ran"),
                (Class::Maybe, "may have run"),
            ] {
                let count = summary.count(class);
                if count > 0 {
                    message.push_str(&format!(", {count} {name}"));
                }
            }
            bar.set_message(format!("{message}, {running} running"));
        }
    }

    /// Shows no time left any more: no further calls begin.
    pub(crate) fn stop(&self) {
        if let Some(bar) = &self.bar {
            bar.set_style(style("{bar:30} {pos}/{len}  {msg}, stopping"));
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Writes a line to standard output, escaped.
    pub(crate) fn out(&self, text: impl Display) -> io::Result<()> {
        self.above_the_bar(|| writeln!(io::stdout(), "{}", Foreign::line(text)))
    }

    /// Writes a line to standard error, escaped. Ignores a failure.
    pub(crate) fn err(&self, text: impl Display) {
        let _ = self.above_the_bar(|| writeln!(io::stderr(), "{}", Foreign::line(text)));
    }

    /// Writes lines to standard error, escaped. Ignores a failure.
    pub(crate) fn err_lines(&self, text: impl Display) {
        let _ = self.above_the_bar(|| writeln!(io::stderr(), "{}", Foreign::lines(text)));
    }

    fn above_the_bar<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Returns a style whose `left` is the time that is left, once something tells.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
        if state.pos() > 0 {
            // A bar is drawn as far as it can be.
            let _ = write!(out, "  {} left", HumanDuration(state.eta()));
        }
    })
}
