//! What is measured: cases, who contends in them, and what Farcall must reach.

use std::time::Duration;

use anyhow::Result;

use crate::run::Task;

/// One row of the report: the same work, done by several contestants.
pub(crate) struct Case {
    /// The key of the case in the results, and the name of its chart.
    pub(crate) name: &'static str,
    /// What the work is.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// How many CPUs the two processes share.
    pub(crate) cpus: usize,
    /// The most rounds that make sense, where a figure hardly varies or takes long.
    pub(crate) max_rounds: u32,
    /// The bytes of one payload, where the peak of memory is measured in payloads.
    pub(crate) payload: Option<u64>,
    /// Those that are the limit come first.
    pub(crate) contestants: Vec<Contestant>,
}

/// In what a case is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    CallsPerSecond,
    MegabytesPerSecond,
    GigabytesPerSecond,
    /// Server memory for each connection. The only one of which less is better.
    KibibytesEach,
}

/// Who does the work of a case, and how well it must do it.
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// Whether it is the limit that all others are measured by. Of several, the best of each round is.
    pub(crate) is_limit: bool,
    pub(crate) bars: Vec<Bar>,
    pub(crate) server: Option<Part>,
    pub(crate) load: Part,
}

/// What a contestant must reach.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// At least this share of the limit.
    AtLeast(f64),
    /// At least so many times another contestant, measured in the same rounds.
    AtLeastOf(f64, &'static str),
    /// Its share of `other` is no less than `best` has of `best_other`, but for 3 %: it falls by no more than that
    /// does.
    FallsNoMoreThan {
        other: &'static str,
        best: &'static str,
        best_other: &'static str,
    },
    /// At most this figure.
    AtMost(f64),
    /// At most so many payloads of memory at the peak, in either process.
    Peak(f64),
}

/// A server of this program.
pub(crate) type Serve = dyn Fn() -> Result<()>;

/// A load of this program.
pub(crate) type Load = dyn Fn(&Task) -> Result<f64>;

/// A process of a contestant.
pub(crate) enum Part {
    /// It [announces](crate::run::announce) its address, and runs until it is killed.
    Serve(Box<Serve>),
    /// It gives the figure.
    Load(Box<Load>),
    /// A script for CPython with its arguments, server or load.
    Python(&'static str, Vec<String>),
    /// `wrk` with so many connections.
    Wrk(usize),
}

impl Case {
    pub(crate) fn new(name: &'static str, title: impl Into<String>, unit: Unit) -> Self {
        Self {
            name,
            title: title.into(),
            unit,
            cpus: 1,
            max_rounds: u32::MAX,
            payload: None,
            contestants: Vec::new(),
        }
    }

    pub(crate) fn cpus(mut self, cpus: usize) -> Self {
        self.cpus = cpus;
        self
    }

    pub(crate) fn max_rounds(mut self, rounds: u32) -> Self {
        self.max_rounds = rounds;
        self
    }

    pub(crate) fn payload(mut self, bytes: usize) -> Self {
        self.payload = Some(bytes as u64);
        self
    }

    pub(crate) fn with(mut self, contestant: Contestant) -> Self {
        self.contestants.push(contestant);
        self
    }
}

impl Contestant {
    /// One whose load is all there is.
    pub(crate) fn alone(
        name: impl Into<String>,
        load: impl Fn(&Task) -> Result<f64> + 'static,
    ) -> Self {
        Self::of_parts(name, None, Part::Load(Box::new(load)))
    }

    /// One whose load puts a server to work.
    pub(crate) fn served(
        name: impl Into<String>,
        server: impl Fn() -> Result<()> + 'static,
        load: impl Fn(&Task) -> Result<f64> + 'static,
    ) -> Self {
        let server = Part::Serve(Box::new(server));
        Self::of_parts(name, Some(server), Part::Load(Box::new(load)))
    }

    pub(crate) fn of_parts(name: impl Into<String>, server: Option<Part>, load: Part) -> Self {
        Self {
            name: name.into(),
            is_limit: false,
            bars: Vec::new(),
            server,
            load,
        }
    }

    pub(crate) fn limit(mut self) -> Self {
        self.is_limit = true;
        self
    }

    pub(crate) fn bar(mut self, bar: Bar) -> Self {
        self.bars.push(bar);
        self
    }
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CallsPerSecond => "calls/s",
            Self::MegabytesPerSecond => "MB/s",
            Self::GigabytesPerSecond => "GB/s",
            Self::KibibytesEach => "KiB each",
        }
    }

    pub(crate) fn more_is_better(self) -> bool {
        self != Self::KibibytesEach
    }

    /// The figure of something done this many times a second, with so many bytes each time.
    pub(crate) fn of_rate(self, rate: f64, bytes: usize) -> f64 {
        match self {
            Self::MegabytesPerSecond => rate * bytes as f64 / 1e6,
            Self::GigabytesPerSecond => rate * bytes as f64 / 1e9,
            Self::CallsPerSecond | Self::KibibytesEach => rate,
        }
    }
}

/// How much work a run is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// What the report is about.
    Full,
    /// Just enough to see that everything works.
    Smoke,
}

impl Scale {
    /// A size, or a small one where nothing is measured.
    pub(crate) fn of(self, full: usize, smoke: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Smoke => smoke,
        }
    }
}

/// How often and how long each contestant runs.
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) time: Duration,
    pub(crate) scale: Scale,
}
