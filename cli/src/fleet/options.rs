//! The options of commands that act on many hosts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::output::Form;
use crate::connection::path;
use crate::{argument, seconds};

/// Calls under way at once. Tools of this kind have 32 to 100: few enough for the descriptors of
/// a process, and the network of a small site.
pub(crate) const WINDOW: usize = 64;

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Many hosts")]
pub(crate) struct FleetOptions {
    /// Act on these hosts: names such as `node[01-20,33],gw`, `@GROUP`, URLs, or `@FILE` with lines
    /// `NAME URL`; can be given more than once
    #[arg(short = 'w', long, global = true, value_name = "HOSTS", value_parser = argument)]
    pub(crate) hosts: Vec<String>,
    /// Leave out these hosts
    #[arg(short = 'x', long, global = true, value_name = "HOSTS", value_parser = argument)]
    pub(crate) exclude: Vec<String>,
    /// Leave out the hosts in this file, and add those that do not answer: for the commands of a
    /// script
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) exclude_silent: Option<PathBuf>,
    /// The URL of the hosts, other than in a file with URLs; `{host}` stands for the host
    #[arg(long = "url", global = true, value_name = "URL", value_parser = argument)]
    pub(crate) url_template: Option<String>,
    /// Call the hosts through these agents, which know them and have the right `fanout`
    #[arg(long, global = true, value_name = "HOSTS", value_parser = argument)]
    pub(crate) via: Vec<String>,
    /// Calls under way at once [default: 64, with --via 64 for each agent]
    #[arg(long, global = true, value_name = "N", value_parser = positive)]
    pub(crate) window: Option<usize>,
    /// Make a call up to N times more, with growing pauses, if it cannot have run
    #[arg(long, global = true, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Running the call twice has the effect of running it once: make it again also if it may have
    /// run
    #[arg(long, global = true)]
    pub(crate) idempotent: bool,
    /// Give up after this many seconds for all hosts; --timeout is for each
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) total_timeout: Option<Duration>,
    /// Batches of hosts one after another, as numbers and percentages: `1,10%,100%`; the last one
    /// repeats
    #[arg(long, global = true, value_name = "BATCHES", value_parser = argument)]
    pub(crate) serial: Option<String>,
    /// Begin no further calls when more than N failed, or more than P% of all calls of a batch
    #[arg(long, global = true, value_name = "N|P%", value_parser = argument)]
    pub(crate) max_fail: Option<String>,
    /// Write a line to this file before each call, and one after it
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) joblog: Option<PathBuf>,
    /// With --joblog: make only the calls that did not run before
    #[arg(long, global = true)]
    pub(crate) resume: bool,
    /// With --resume: make also those that may have run, or only those on some hosts
    #[arg(long, global = true, value_name = "HOSTS", value_parser = argument)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) resume_maybe: Option<String>,
    /// Form of the output [default: lines; of `methods` and `help`: gathered]
    #[arg(short = 'o', long, global = true, value_enum, value_name = "FORM")]
    pub(crate) output: Option<Form>,
    /// Write each result to a new file, bytes and texts as they are: DIR/{host}
    #[arg(long, global = true, value_name = "PATH", value_parser = path())]
    pub(crate) output_file: Option<PathBuf>,
    /// Refuse longer results, in bytes; `K`, `M` and `G` multiply by 1,024 [default: 16M]
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    pub(crate) max_result: Option<usize>,
    /// Show results that are texts as they are, not as JSON
    #[arg(long, global = true)]
    pub(crate) raw: bool,
    /// Pass arguments from files and standard input as bytes, whatever they contain
    #[arg(long, global = true)]
    pub(crate) bytes: bool,
    /// Show what would be called, and call nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Show neither progress nor summary
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

impl FleetOptions {
    /// # Errors
    /// If an option is given without the one that it needs.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.resume && self.joblog.is_none() {
            return Err("--resume needs --joblog FILE");
        }
        if self.resume_maybe.is_some() && !self.resume {
            return Err("--resume-maybe needs --resume");
        }
        Ok(())
    }

    /// Returns an option that is given, if one is, which commands without an end do not have.
    pub(crate) fn of_single_calls(&self) -> Option<&'static str> {
        let options = [
            ("--joblog", self.joblog.is_some()),
            ("--output-file", self.output_file.is_some()),
            ("--dry-run", self.dry_run),
        ];
        first(options)
    }

    /// Returns an option that is given, if one is, other than the hosts.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            ("-x", !self.exclude.is_empty()),
            ("--exclude-silent", self.exclude_silent.is_some()),
            ("--url", self.url_template.is_some()),
            ("--via", !self.via.is_empty()),
            ("--window", self.window.is_some()),
            ("--retries", self.retries.is_some()),
            ("--idempotent", self.idempotent),
            ("--total-timeout", self.total_timeout.is_some()),
            ("--serial", self.serial.is_some()),
            ("--max-fail", self.max_fail.is_some()),
            ("--joblog", self.joblog.is_some()),
            ("--resume", self.resume),
            ("--resume-maybe", self.resume_maybe.is_some()),
            ("--output", self.output.is_some()),
            ("--output-file", self.output_file.is_some()),
            ("--max-result", self.max_result.is_some()),
            ("--raw", self.raw),
            ("--bytes", self.bytes),
            ("--dry-run", self.dry_run),
            ("--quiet", self.quiet),
        ];
        first(options)
    }
}

/// Returns the first of these options that is given.
fn first(options: impl IntoIterator<Item = (&'static str, bool)>) -> Option<&'static str> {
    let mut given = options.into_iter().filter(|(_, given)| *given);
    given.next().map(|(name, _)| name)
}

fn positive(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a positive number"),
    }
}

fn size(text: &str) -> Result<usize, &'static str> {
    let (digits, unit) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(digits) if text.ends_with('K') => (digits, 1 << 10),
        Some(digits) if text.ends_with('M') => (digits, 1 << 20),
        Some(digits) => (digits, 1 << 30),
        None => (text, 1),
    };
    let number: Option<usize> = digits.parse().ok();
    let size = number.and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size > 0)
        .ok_or("expected a size, such as 500K or 16M")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("500", Some(500)),
            ("2K", Some(2048)),
            ("16M", Some(16 << 20)),
            ("1G", Some(1 << 30)),
            ("0", None),
            ("M", None),
            ("1T", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
