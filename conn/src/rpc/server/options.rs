//! Settings of servers.

use std::time::Duration;

use crate::rpc::options::options;
use crate::rpc::session_options::SessionOptions;

options! {
    /// Settings of a [`Server`](crate::rpc::Server).
    #[must_use = "options do nothing until they are given to a server"]
    pub struct ServerOptions {
        /// Limits and settings of each session.
        session: SessionOptions = SessionOptions::default();

        /// Time for which a session outlives its connection. A client that
        /// [reconnects](crate::rpc::Reconnect) within this time keeps its objects, if it
        /// [is the same caller](farcall_core::Identity::is_same_caller).
        ///
        /// Default: zero. Objects are released as soon as the connection closes.
        lease: Duration = Duration::ZERO;

        /// Maximum number of open connections, and maximum number of sessions that outlive their
        /// connections. Further clients are rejected with the reason.
        ///
        /// Default: 1024.
        max_connections: usize = 1024;

        /// Maximum number of concurrent calls over all connections. Calls beyond it are refused at
        /// once as [`Overloaded`](farcall_core::FaultKind::Overloaded). Calls that complete without
        /// waiting are always admitted. A few calls that arrive at the same moment may exceed the
        /// limit.
        ///
        /// Default: 16,384, the maximum of a [single
        /// connection](SessionOptions::max_calls_per_session).
        max_calls: usize = 16_384;

        /// Maximum time that a graceful stop waits for calls in flight before it aborts them.
        ///
        /// Default: 30 seconds.
        drain_timeout: Duration = Duration::from_secs(30);
    }
}
