//! The settings of a server.

use std::time::Duration;

use crate::rpc::options::Options;

/// The settings of a [`Server`](crate::rpc::Server).
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a server"]
pub struct ServerOptions {
    pub(super) session: Options,
    pub(super) lease: Duration,
    pub(super) max_connections: usize,
    pub(super) max_calls: usize,
    pub(super) drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            session: Options::default(),
            lease: Duration::ZERO,
            max_connections: 1024,
            max_calls: 16_384,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ServerOptions {
    /// The limits and habits of each session.
    pub fn session(mut self, options: Options) -> Self {
        self.session = options;
        self
    }

    /// How long the objects of a client are kept after its connection broke. A client that
    /// [reconnects](crate::rpc::Reconnect) within this time has them back.
    ///
    /// Default: zero. Objects go at once when the connection does.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.lease = time;
        self
    }

    /// How many connections may be open at once, and how many sessions may outlive theirs. Further clients are
    /// turned away with a message that says so.
    ///
    /// Default: 1024.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many calls run at once, over all connections. Those beyond are refused at once as
    /// [`Overloaded`](rpc_core::FaultKind::Overloaded). Calls that are answered without waiting for anything always find
    /// room, and a few that come at the same moment may be more than this.
    ///
    /// Default: 16,384, what a [single connection](Options::max_calls) may have.
    pub const fn max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// How long a graceful stop waits for calls under way before it aborts them.
    ///
    /// Default: 30 seconds.
    pub const fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }
}
