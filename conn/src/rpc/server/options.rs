//! Settings of servers.

use std::time::Duration;

use crate::rpc::session_options::SessionOptions;

/// Settings of a [`Server`](crate::rpc::Server).
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a server"]
pub struct ServerOptions {
    pub(super) session: SessionOptions,
    pub(super) lease: Duration,
    pub(super) max_connections: usize,
    pub(super) max_calls: usize,
    pub(super) drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            session: SessionOptions::default(),
            lease: Duration::ZERO,
            max_connections: 1024,
            max_calls: 16_384,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ServerOptions {
    /// Limits and settings of each session.
    pub fn session(mut self, options: SessionOptions) -> Self {
        self.session = options;
        self
    }

    /// Time for which a session outlives its connection. A client that
    /// [reconnects](crate::rpc::Reconnect) within this time keeps its objects.
    ///
    /// Default: zero. Objects are released as soon as the connection closes.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.lease = time;
        self
    }

    /// Maximum number of open connections, and maximum number of sessions that outlive their
    /// connections. Further clients are rejected with the reason.
    ///
    /// Default: 1024.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Maximum number of concurrent calls over all connections. Calls beyond it are refused at once
    /// as [`Overloaded`](farcall_core::FaultKind::Overloaded). Calls that complete without waiting
    /// are always admitted. A few calls that arrive at the same moment may exceed the limit.
    ///
    /// Default: 16,384, the maximum of a [single
    /// connection](SessionOptions::max_calls_per_session).
    pub const fn max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// Maximum time that a graceful stop waits for calls in flight before it aborts them.
    ///
    /// Default: 30 seconds.
    pub const fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }
}
