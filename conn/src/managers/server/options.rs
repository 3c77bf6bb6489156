//! Settings of servers.

use std::time::Duration;

/// Settings of a [`Server`](super::Server).
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a server"]
pub struct ManagerOptions {
    pub(super) max_connections: usize,
    pub(super) max_objects: usize,
    pub(super) max_value_bytes: usize,
    pub(super) max_values: usize,
    pub(super) max_waiting: usize,
    pub(super) write_timeout: Duration,
    pub(super) reference_grace: Option<Duration>,
    pub(super) linger: Duration,
    pub(super) shutdown: bool,
    pub(super) drain_timeout: Duration,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_objects: 100_000,
            max_value_bytes: 1 << 30,
            max_values: 1_000_000,
            max_waiting: 10_000,
            write_timeout: Duration::from_secs(60),
            reference_grace: Some(Duration::from_secs(600)),
            linger: Duration::from_secs(5),
            shutdown: false,
            drain_timeout: Duration::from_secs(1),
        }
    }
}

impl ManagerOptions {
    /// Maximum number of open connections. Python opens one for each thread that uses proxies, and
    /// one for a moment for each proxy that it makes or drops. Further clients wait in the backlog.
    ///
    /// Default: 1024, the number of open files that many systems allow a process.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Maximum number of objects. Beyond it, `create` fails with a `MemoryError`.
    ///
    /// Default: 100,000.
    pub const fn max_objects(mut self, objects: usize) -> Self {
        self.max_objects = objects;
        self
    }

    /// Maximum number of bytes of all values that objects hold, pickled, with 128 bytes for each
    /// argument and 64 or 128 for each element that a container gets out of one. Beyond it, calls
    /// with arguments fail with a `MemoryError`.
    ///
    /// Default: 1 GiB.
    pub const fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value_bytes = bytes;
        self
    }

    /// Maximum number of values in one request, each element, key and text counted.
    ///
    /// Default: 1,000,000, as in [`Pickle::max_values`](farcall_pickle::Pickle::max_values).
    pub const fn max_values(mut self, values: usize) -> Self {
        self.max_values = values;
        self
    }

    /// Maximum number of calls that wait at once, such as `get` of an empty queue. Beyond it, calls
    /// that would wait fail with a `RuntimeError`.
    ///
    /// Default: 10,000.
    pub const fn max_waiting(mut self, calls: usize) -> Self {
        self.max_waiting = calls;
        self
    }

    /// Time in which a client must read 64 KiB of a reply, or a fifth of the reply if that is more,
    /// or the rest of it. Otherwise its connection is closed, so that no client keeps a reply in
    /// memory indefinitely.
    ///
    /// Default: 60 seconds, as over HTTP.
    pub const fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// Time after which the references of clients that have gone are released; `None` keeps them
    /// for ever, as CPython does. A client has gone once all connections that used the object are
    /// closed, and no other is open from the machine that holds references to it (with a Unix
    /// socket: from that process). A client that only keeps a proxy, and calls nothing for so long,
    /// loses its object if no other program of its machine is connected.
    ///
    /// Default: 10 minutes.
    pub const fn reference_grace(mut self, time: Option<Duration>) -> Self {
        self.reference_grace = time;
        self
    }

    /// Time for which an object without references can still be reached: by a proxy that was sent,
    /// and whose receiver has not read it yet.
    ///
    /// Default: 5 seconds.
    pub const fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Lets clients stop the server, by the function `shutdown` of a manager.
    ///
    /// Default: `false`. Such a request fails.
    pub const fn shutdown(mut self, allowed: bool) -> Self {
        self.shutdown = allowed;
        self
    }

    /// Maximum time that a graceful stop waits for connections before it closes them. Clients keep
    /// theirs open for as long as they have proxies.
    ///
    /// Default: 1 second.
    pub const fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }
}
