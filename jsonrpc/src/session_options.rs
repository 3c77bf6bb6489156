//! Options of a session.

use std::time::Duration;

/// Sets the fields of options by value.
macro_rules! setters {
    ($($(#[$meta:meta])* $field:ident: $type:ty,)*) => {$(
        $(#[$meta])*
        pub const fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )*};
}

pub(crate) use setters;

/// Limits of the sessions of a server: connections that carry many messages, by
/// [framing](crate::Framing) or WebSocket. The defaults are safe for a server that untrusted peers
/// can reach.
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until they are given to a service"]
pub struct SessionOptions {
    pub(crate) max_message: usize,
    pub(crate) max_reply: usize,
    pub(crate) max_concurrent: usize,
    pub(crate) max_subscriptions: usize,
    pub(crate) message_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) write_timeout: Duration,
    pub(crate) completion_timeout: Option<Duration>,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) call_timeout: Option<Duration>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            max_message: 16 << 20,
            max_reply: 32 << 20,
            max_concurrent: 64,
            max_subscriptions: 64,
            message_timeout: Duration::from_secs(60),
            idle_timeout: Some(Duration::from_secs(600)),
            write_timeout: Duration::from_secs(60),
            completion_timeout: Some(Duration::from_secs(10)),
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(30),
            call_timeout: None,
        }
    }
}

impl SessionOptions {
    setters! {
        /// Maximum bytes of a message of the peer. Default: 16 MiB, as for a body of HTTP. A larger
        /// one is answered with an error, and the connection closed, since where the next one
        /// begins is not known.
        max_message: usize,

        /// Maximum bytes of an answer, of a batch with all its results. Default: 32 MiB, as for a
        /// reply of HTTP. The caller gets an error that names the limit.
        max_reply: usize,

        /// Maximum messages whose calls run at once in one session. Default: 64. One further
        /// message is read, and those behind it are not until one is answered and the peer has
        /// taken the answer: it waits, as anyone does who writes to a full socket.
        max_concurrent: usize,

        /// Maximum subscriptions of one session. Default: 64. A further one is refused.
        max_subscriptions: usize,

        /// Maximum time from the first to the last byte of a message. Default: 60 s, enough for
        /// 16 MiB over 3 Mbit/s. The connection is closed then.
        message_timeout: Duration,

        /// Maximum time without a message, a running call or a subscription. Default: 10 minutes,
        /// so that forgotten connections do not use up the limit of connections. A WebSocket does
        /// not need it: its peer answers pings. `None`: no limit.
        idle_timeout: Option<Duration>,

        /// Time in which a peer must take 64 KiB of an answer, or a fifth of it if that is more.
        /// Default: 60 s. Otherwise the connection is closed. Over WebSocket, that of the server of
        /// HTTP applies.
        write_timeout: Duration,

        /// Maximum time for which calls go on when nothing more can come from the peer: it has
        /// closed its direction of a byte stream, or has sent what is no message. Those that run
        /// then are cancelled, and the connection is closed. Default: 10 s, for peers that close
        /// their direction behind a request and wait for the answer: whether a peer does, or has
        /// gone, cannot be told. When the peer of a WebSocket closes it, its calls are cancelled at
        /// once. `None`: no limit.
        completion_timeout: Option<Duration>,

        /// Time between two pings of a WebSocket. Default: 30 s, less than the time for which
        /// proxies keep a silent connection.
        ping_interval: Duration,

        /// Maximum time after a ping until anything arrives. Default: 30 s. The WebSocket is closed
        /// then.
        ping_timeout: Duration,

        /// Timeout of the calls of a message. Default: `None`, because only the application knows a
        /// suitable value. Subscriptions have no timeout.
        call_timeout: Option<Duration>,
    }
}
