//! Figures of this process about calls, connections and limits.
//!
//! [`Metrics::start`] begins to count calls, whatever their protocol. [`Metrics::text`] has all
//! figures in the text format of Prometheus:
//!
//! | figure | |
//! |---|---|
//! | `rpc_server_call_duration_seconds` | histogram of the calls of peers, by `rpc_system_name` (`xmlrpc`, `jsonrpc`, `farcall`), `rpc_method` and, if they failed, `error_type` |
//! | `rpc_client_call_duration_seconds` | the same of the calls that this process makes |
//! | `farcall_calls_in_flight` | calls of peers that wait for something now, by `rpc_system_name` |
//! | `farcall_connections` | open connections of all servers |
//! | `farcall_refused_total` | peers, requests and calls that were refused, by `reason` |
//! | `farcall_budget_held_bytes`, `farcall_budget_bytes` | bytes held for peers, and the most that can be, over all budgets |
//! | `farcall_tls_certificate_expiry_timestamp_seconds` | the end of the certificate that expires first |
//!
//! The names of the first two are those of the conventions of OpenTelemetry for RPC (1.45), as
//! their buckets are. `error_type` is the [name of the kind](crate::FaultKind::name) of a fault:
//! codes of faults may come from peers, and every one of them would be a series. For the same
//! reason, calls of all names that are not registered count as the method `_OTHER`. A client has
//! further types, for calls without a fault: `not_sent`, `connection` if that was lost, `encode`
//! and `reply`. A client counts at most 1000 names of methods; others are `_OTHER` as well.
//!
//! The time of a call of a peer is that of its method and of the layers around it, not of reading
//! its request; that of a call of this process ends with its reply. A call that was given up counts
//! as `cancelled`, or `deadline-exceeded`. A batch counts, and each of its calls. Calls that
//! complete without waiting are never seen in flight.
//!
//! ```
//! use farcall::metrics::Metrics;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = Metrics::start();
//! let server = farcall::xmlrpc::Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! let listening = server.bind("127.0.0.1:0").await?;
//! let client = farcall::xmlrpc::Client::new(&listening.url())?;
//! # tokio::spawn(listening.serve());
//! client.call::<i64>("add", (3, 5)).await?;
//!
//! let count = r#"call_duration_seconds_count{rpc_system_name="xmlrpc",rpc_method="add"} 1"#;
//! assert!(metrics.text().contains(count));
//! # Ok(())
//! # }
//! ```
//!
//! # Costs
//!
//! A call reads the clock twice, and adds to two counters that its thread shares with few others.
//! A call of a client finds its counters by the name of the method.
//! Worker processes have figures of their own.

mod figure;
mod histogram;
mod series;
mod text;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

pub use self::figure::{Figure, Sample, Values};
pub use self::histogram::Distribution;
pub(crate) use self::series::{InFlight, Series, Slot, client_series};

/// `true` if calls are counted.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// The time since which calls are counted.
static STARTED: OnceLock<SystemTime> = OnceLock::new();

/// The figures of this process. There is one set of them: this is a handle.
#[derive(Clone, Copy, Debug)]
pub struct Metrics(());

impl Metrics {
    /// Begins to count calls, unless that was begun before. Connections and refusals, which are
    /// rare, are always counted.
    #[must_use]
    pub fn start() -> Self {
        STARTED.get_or_init(SystemTime::now);
        IS_ON.store(true, Ordering::Relaxed);
        Self(())
    }

    /// Returns the time since which calls are counted.
    #[must_use]
    pub fn started(&self) -> SystemTime {
        *STARTED.get_or_init(SystemTime::now)
    }

    /// Returns all figures in the text format of Prometheus (version 0.0.4, the content type
    /// `text/plain; version=0.0.4`).
    #[must_use]
    pub fn text(&self) -> String {
        text::write(&self.figures())
    }

    /// Returns all figures, for other formats.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        figure::all()
    }
}

#[inline]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}
