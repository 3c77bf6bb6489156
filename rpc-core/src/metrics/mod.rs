//! Figures of this process about calls, connections and limits, in the text format of Prometheus.
//!
//! [`Metrics::start`] begins to count the calls that peers make, whatever their protocol.
//! [`Metrics::text`] has all figures:
//!
//! | figure | |
//! |---|---|
//! | `rpc_server_call_duration_seconds` | histogram of the calls, by `rpc_system_name` (`xmlrpc`, `jsonrpc`, `farcall`), `rpc_method` and, if they failed, `error_type` |
//! | `farcall_calls_in_flight` | calls that wait for something now, by `rpc_system_name` |
//! | `farcall_connections` | open connections of all servers |
//! | `farcall_refused_total` | peers, requests and calls that were refused, by `reason` |
//! | `farcall_budget_held_bytes`, `farcall_budget_bytes` | bytes held for peers, and the most that can be, over all budgets |
//! | `farcall_tls_certificate_expiry_timestamp_seconds` | the end of the certificate that expires first |
//!
//! The names of the first are those of the conventions of OpenTelemetry for RPC (1.45), as its
//! buckets are. `error_type` is the [name of the kind](crate::FaultKind::name) of a fault: codes of
//! faults may come from peers, and every one of them would be a series. For the same reason, calls
//! of all names that are not registered count as the method `_OTHER`.
//!
//! The time of a call is that of its method and of the layers around it, not of reading its
//! request. A call that was given up counts as `cancelled`, or `deadline-exceeded`. A batch counts,
//! and each of its calls. Calls that complete without waiting are never seen in flight.
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
//! Worker processes have figures of their own.

mod histogram;
mod series;
mod text;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::series::{InFlight, Series, Slot};

/// `true` if calls are counted.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// The figures of this process. There is one set of them: this is a handle.
#[derive(Clone, Copy, Debug)]
pub struct Metrics(());

impl Metrics {
    /// Begins to count calls, unless that was begun before. Connections and refusals, which are
    /// rare, are always counted.
    #[must_use]
    pub fn start() -> Self {
        IS_ON.store(true, Ordering::Relaxed);
        Self(())
    }

    /// Returns all figures in the text format of Prometheus (version 0.0.4, the content type
    /// `text/plain; version=0.0.4`).
    #[must_use]
    pub fn text(&self) -> String {
        text::write()
    }
}

#[inline]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}
