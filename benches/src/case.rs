//! Cases, their contestants, and the bars that Farcall must reach.

use std::time::Duration;

use anyhow::Result;

use crate::task::Task;

/// One row of the report: the same work, done by several contestants.
pub(crate) struct Case {
    /// The key of the case in the results, and the name of its chart.
    pub(crate) name: &'static str,
    /// A description of the work.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// The number of CPUs that both processes share.
    pub(crate) cpus: usize,
    /// `true` if the processes get a certificate, and use TLS.
    pub(crate) tls: bool,
    /// Maximum rounds, for figures that hardly vary or take long.
    pub(crate) max_rounds: u32,
    /// Bytes of one payload, if the peak memory is measured in payloads.
    pub(crate) payload: Option<u64>,
    /// The contestants, limits first.
    pub(crate) contestants: Vec<Contestant>,
}

/// The unit of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    CallsPerSecond,
    ConnectionsPerSecond,
    MegabytesPerSecond,
    GigabytesPerSecond,
    /// Server memory per connection. The only unit of which less is better.
    KibibytesEach,
}

/// A contestant of a case: an implementation, and the bars that it must reach.
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// `true` for the limit, to which all others are compared. With several, the best of each round
    /// counts.
    pub(crate) is_limit: bool,
    pub(crate) bars: Vec<Bar>,
    pub(crate) server: Option<Part>,
    pub(crate) load: Part,
}

/// A figure that a contestant must reach.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// At least this share of the limit.
    AtLeast(f64),
    /// At least this multiple of another contestant, measured in the same rounds.
    AtLeastOf(f64, &'static str),
    /// At least the share of `other` that `best` has of `best_other`, minus 3 %: the figure falls
    /// by no more than that of the other.
    FallsNoMoreThan {
        other: &'static str,
        best: &'static str,
        best_other: &'static str,
    },
    /// At most this figure.
    AtMost(f64),
    /// At most this number of payloads of memory at the peak, in either process.
    Peak(f64),
}

/// A server in this program.
pub(crate) type Serve = dyn Fn() -> Result<()>;

/// A load in this program.
pub(crate) type Load = dyn Fn(&Task) -> Result<f64>;

/// A process of a contestant.
pub(crate) enum Part {
    /// A server, which [announces](crate::messages::announce) its address and runs until it is
    /// killed.
    Serve(Box<Serve>),
    /// A load, which returns the figure.
    Load(Box<Load>),
    /// A program of CPython, a script for it, and its arguments: a server or a load.
    Python(&'static str, &'static str, Vec<String>),
    /// `wrk` with this number of connections, and this request.
    Wrk(usize, fn() -> Post),
}

/// A request of HTTP that is made repeatedly.
pub(crate) struct Post {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    /// Returns `true` if this is a right reply.
    pub(crate) is_right: fn(&str) -> bool,
}

impl Case {
    pub(crate) fn new(name: &'static str, title: impl Into<String>, unit: Unit) -> Self {
        Self {
            name,
            title: title.into(),
            unit,
            cpus: 1,
            tls: false,
            max_rounds: u32::MAX,
            payload: None,
            contestants: Vec::new(),
        }
    }

    pub(crate) fn cpus(mut self, cpus: usize) -> Self {
        self.cpus = cpus;
        self
    }

    pub(crate) fn over_tls(mut self) -> Self {
        self.tls = true;
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
    /// Creates a contestant without a server.
    pub(crate) fn alone(
        name: impl Into<String>,
        load: impl Fn(&Task) -> Result<f64> + 'static,
    ) -> Self {
        Self::of_parts(name, None, Part::Load(Box::new(load)))
    }

    /// Creates a contestant with a server and a load that uses it.
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
            Self::ConnectionsPerSecond => "connections/s",
            Self::MegabytesPerSecond => "MB/s",
            Self::GigabytesPerSecond => "GB/s",
            Self::KibibytesEach => "KiB each",
        }
    }

    pub(crate) fn more_is_better(self) -> bool {
        self != Self::KibibytesEach
    }

    /// Returns the figure for `rate` repetitions per second, of `bytes` bytes each.
    pub(crate) fn of_rate(self, rate: f64, bytes: usize) -> f64 {
        match self {
            Self::MegabytesPerSecond => rate * bytes as f64 / 1e6,
            Self::GigabytesPerSecond => rate * bytes as f64 / 1e9,
            Self::CallsPerSecond | Self::ConnectionsPerSecond | Self::KibibytesEach => rate,
        }
    }
}

/// The amount of work of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// The amount of the report.
    Full,
    /// Just enough to check that everything works.
    Smoke,
}

impl Scale {
    /// Returns the size for this scale.
    pub(crate) fn of(self, full: usize, smoke: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Smoke => smoke,
        }
    }
}

/// The number and duration of runs of each contestant.
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) time: Duration,
    pub(crate) scale: Scale,
}
