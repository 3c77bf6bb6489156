//! The policy of a run: limits, retries, batches, and when it stops.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Retries of calls that cannot have run, or that are idempotent.
///
/// The pause before a retry doubles from one to the next, and is shortened by a random part, so
/// that hosts that failed together are not called together again. A host that waits for its retry
/// has no place in the window.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a policy does nothing until it is given to a fleet"]
pub struct Retries {
    pub(super) max: u32,
    pub(super) first_pause: Duration,
    pub(super) max_pause: Duration,
    pub(super) jitter: f64,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max: 4,
            first_pause: Duration::from_millis(250),
            max_pause: Duration::from_secs(5),
            jitter: 0.5,
        }
    }
}

impl Retries {
    /// No retries.
    pub const NONE: Self = Self {
        max: 0,
        first_pause: Duration::ZERO,
        max_pause: Duration::ZERO,
        jitter: 0.0,
    };

    /// Creates a policy of at most `max` retries. Default: 4, which bridge two seconds, as the
    /// restart of a service takes.
    pub fn new(max: u32) -> Self {
        Self {
            max,
            ..Self::default()
        }
    }

    /// Longest pause before the first retry. Default: 250 ms.
    pub const fn first_pause(mut self, first_pause: Duration) -> Self {
        self.first_pause = first_pause;
        self
    }

    /// Maximum pause between attempts. Default: 5 s.
    pub const fn max_pause(mut self, max_pause: Duration) -> Self {
        self.max_pause = max_pause;
        self
    }

    /// Maximum fraction by which a pause is shortened at random, from 0 to 1. Default: 0.5.
    pub const fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// Returns the pause before the next attempt, when `attempts` have been made.
    pub(super) fn pause(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        let longest = self
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.max_pause);
        longest.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * fastrand::f64())
    }
}

/// The rule by which a run stops early: no further host is called. Its hosts that were not called
/// have an outcome with 0 attempts.
///
/// ```
/// use farcall::cluster::StopRule;
///
/// let rule = StopRule::failures(3).percent(10.0).cancelling();
/// # let _ = rule;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "a policy does nothing until it is given to a fleet"]
pub struct StopRule {
    max_failures: Option<usize>,
    max_percent: Option<f64>,
    cancels: bool,
}

impl StopRule {
    /// Creates the rule that stops when more than `max` hosts of the whole run have failed: 0 stops
    /// at the first failure.
    pub fn failures(max: usize) -> Self {
        Self {
            max_failures: Some(max),
            ..Self::default()
        }
    }

    /// Stops when more than this percentage of all hosts of a batch has failed: of ten hosts, 20 %
    /// allows two failures. Without [batches](super::Fleet::serial), all hosts are one batch. Of
    /// [jobs](super::Fleet::map), it is the percentage of all jobs; if they come from an iterator
    /// that does not tell their number, of those begun so far.
    pub const fn percent(mut self, max: f64) -> Self {
        self.max_percent = Some(max);
        self
    }

    /// Also cancels the calls under way when it stops. Default: they are waited for.
    pub const fn cancelling(mut self) -> Self {
        self.cancels = true;
        self
    }

    pub(super) const fn cancels(&self) -> bool {
        self.cancels
    }

    /// Returns `true` if the run must stop: `failed` in all, `batch_failed` of the `batch_size`
    /// hosts of the batch.
    pub(super) fn applies(&self, failed: usize, batch_failed: usize, batch_size: usize) -> bool {
        self.max_failures.is_some_and(|max| failed > max)
            || self
                .max_percent
                .is_some_and(|max| batch_failed as f64 > max / 100.0 * batch_size as f64)
    }
}

/// The sizes of batches, such as one host, then a tenth, then the rest. A batch begins when all
/// hosts of the one before have their outcomes. The last size is repeated until no host is left.
///
/// The text form is a list: numbers, percentages of all hosts (rounded down, at least one host),
/// and `rest`.
///
/// ```
/// use farcall::cluster::Batches;
///
/// let batches: Batches = "1,10%,rest".parse()?;
/// assert_eq!(batches.sizes(200).collect::<Vec<_>>(), [1, 20, 179]);
/// assert_eq!(batches.to_string(), "1,10%,rest");
/// let pairs: Batches = "2".parse()?;
/// assert_eq!(pairs.sizes(5).collect::<Vec<_>>(), [2, 2, 1]);
/// # Ok::<(), farcall::cluster::InvalidBatches>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Batches(Vec<BatchSize>);

/// The size of one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BatchSize {
    /// A number of hosts, at least 1.
    Hosts(usize),
    /// A percentage of all hosts, rounded down, at least one host.
    Percent(f64),
    /// All that are left.
    Rest,
}

/// A text that is no list of batches.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("batches are a list of numbers, percentages and `rest`, such as `1,10%,rest`")]
pub struct InvalidBatches;

farcall_core::debug_errors!(InvalidBatches);

impl Batches {
    /// Creates batches of these sizes. No sizes mean one batch of all hosts.
    #[must_use]
    pub fn new(sizes: impl IntoIterator<Item = BatchSize>) -> Self {
        Self(sizes.into_iter().collect())
    }

    /// Returns the sizes of the batches of a fleet of `hosts`.
    pub fn sizes(&self, hosts: usize) -> impl Iterator<Item = usize> + Send + Sync + use<> {
        let sizes = self.0.clone();
        let mut left = hosts;
        let mut index = 0;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let last = sizes.last().unwrap_or(&BatchSize::Rest);
            let size = match sizes.get(index).unwrap_or(last) {
                BatchSize::Hosts(count) => *count,
                BatchSize::Percent(percent) => (hosts as f64 * percent / 100.0) as usize,
                BatchSize::Rest => left,
            };
            index += 1;
            let size = size.clamp(1, left);
            left -= size;
            Some(size)
        })
    }
}

impl FromStr for Batches {
    type Err = InvalidBatches;

    fn from_str(text: &str) -> Result<Self, InvalidBatches> {
        let size = |text: &str| match text.trim() {
            "rest" => Ok(BatchSize::Rest),
            text => match text.strip_suffix('%') {
                Some(number) => match number.parse() {
                    Ok(percent) if percent > 0.0 && percent <= 100.0 => {
                        Ok(BatchSize::Percent(percent))
                    }
                    _ => Err(InvalidBatches),
                },
                None => match text.parse() {
                    Ok(count) if count > 0 => Ok(BatchSize::Hosts(count)),
                    _ => Err(InvalidBatches),
                },
            },
        };
        text.split(',')
            .map(size)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, size) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            match size {
                BatchSize::Hosts(count) => write!(f, "{count}")?,
                BatchSize::Percent(percent) => write!(f, "{percent}%")?,
                BatchSize::Rest => f.write_str("rest")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_jitter_only_shortens() {
        let retries = Retries::new(9).jitter(0.0);
        let pauses: Vec<_> = (1..=7).map(|n| retries.pause(n).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        let retries = retries.jitter(1.0).max_pause(Duration::MAX);
        for attempts in 1..=u32::BITS * 2 {
            assert!(retries.pause(attempts) <= retries.jitter(0.0).pause(attempts));
        }
    }

    #[test]
    fn a_rule_applies_above_its_limit() {
        let none = StopRule::default();
        assert!(!none.applies(100, 100, 100));
        let first = StopRule::failures(0);
        assert!(!first.applies(0, 0, 5) && first.applies(1, 1, 5));
        let tenth = StopRule::default().percent(10.0);
        assert!(!tenth.applies(9, 2, 20) && tenth.applies(3, 3, 20));
        assert!(tenth.applies(1, 1, 1));
        let all = StopRule::default().percent(100.0);
        assert!(!all.applies(20, 20, 20));
    }

    #[test]
    fn batches_cover_all_hosts() {
        for (text, hosts, expected) in [
            ("1,10%,rest", 1, vec![1]),
            ("10%", 25, vec![2; 12].into_iter().chain([1]).collect()),
            ("1%", 3, vec![1, 1, 1]),
            ("rest", 0, vec![]),
            ("5, 100%", 7, vec![5, 2]),
        ] {
            let batches: Batches = text.parse().unwrap();
            assert_eq!(batches.sizes(hosts).collect::<Vec<_>>(), expected, "{text}");
        }
        for text in ["", "0", "-1", "0%", "101%", "1,,2", "all", "NaN%"] {
            assert_eq!(text.parse::<Batches>(), Err(InvalidBatches), "{text}");
        }
        assert_eq!(Batches::new([]).sizes(9).collect::<Vec<_>>(), [9]);
    }
}
