//! Settings of clients.

use std::time::Duration;

use farcall_conn::rpc::Encoding;

/// The settings of a [`Client`](super::Client), for every protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a client"]
pub struct ConnectOptions {
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) max_reply: usize,
    pub(super) encoding: Encoding,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Some(Duration::from_secs(60)),
            max_reply: 16 << 20,
            encoding: Encoding::MessagePack,
        }
    }
}

impl ConnectOptions {
    /// Maximum time for a connection, with its handshakes. Default: 5 s, which outlasts two lost
    /// packets. A host that is not reached in this time did not run the call.
    pub const fn connect_timeout(mut self, connect_timeout: Duration) -> Self {
        self.connect_timeout = connect_timeout;
        self
    }

    /// Maximum time of a call without a deadline of its own, with the time for the connection.
    /// Default: 60 s. `None` waits as long as the connection lasts.
    pub const fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Maximum size of a reply in bytes; over connections also of each item of a stream. Default:
    /// 16 MiB, so that no host can exhaust the memory of the local process.
    pub const fn max_reply(mut self, max_reply: usize) -> Self {
        self.max_reply = max_reply;
        self
    }

    /// Encoding of calls over connections. Default: MessagePack, in which structs may gain and lose
    /// fields, as they do while the hosts of a cluster are updated one after another.
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }
}
