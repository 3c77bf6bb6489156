//! Settings of sessions.

use std::time::Duration;

use farcall_core::protocol::time::LONGEST;

use super::message::SessionLimits;
use super::options::options;
use super::session::Settings;
use crate::connection::MAX_MESSAGE;

options! {
    /// Local settings of a session, of a client or a server. Each side respects the limits that its
    /// peer declares in the greeting.
    ///
    /// Counts and sizes above 4,294,967,295 mean that number: the greeting carries no larger ones.
    #[must_use = "options do nothing until they are given to a server or a client"]
    pub struct SessionOptions {
        /// Maximum number of concurrent calls of the peer. Its further calls wait at the peer, in
        /// order.
        ///
        /// Default: 16,384.
        max_calls_per_session: usize = 16_384;

        /// Maximum number of streams received from the peer at once. Also limits the streams sent
        /// to the peer, even if it would accept more. Streams that the peer has ended do not count.
        /// The unread items of all streams together are limited to this number of
        /// [windows](Self::window) and one [`max_backlog`](Self::max_backlog).
        ///
        /// Default: 1024.
        max_streams: usize = 1024;

        /// Maximum number of objects of the peer that the local side refers to at once. Also limits
        /// the local objects that the peer may refer to, even if it would accept more.
        ///
        /// Default: 100,000. A local object with two methods takes about 1 KiB.
        max_objects: usize = 100_000;

        /// Window of each received stream, in bytes: how much the peer may send before the program
        /// takes items. Each item counts the length of its message, 128 bytes, and 256 bytes for
        /// each object and stream in it.
        ///
        /// Default: 256 KiB. A stream transfers at most one window per round trip, so a larger one
        /// is faster over networks with high bandwidth and latency.
        window: usize = 256 * 1024;

        /// Maximum backlog of each of three kinds, in bytes. Calls and items count as in a
        /// [window](Self::window), and one that waits alone may be longer.
        ///
        /// - Replies that the peer has not read. Beyond the limit its calls are refused as
        ///   [`Overloaded`](farcall_core::FaultKind::Overloaded).
        /// - Calls of the peer that wait for promises.
        /// - Unread items of its streams, beyond the windows of these. A stream fails whose item
        ///   exceeds the limit.
        ///
        /// Default: 16 MiB.
        max_backlog: usize = 16 * 1024 * 1024;

        /// Maximum length of a result or stream item that the local side sends, in bytes, even if
        /// the peer would read more. A longer one becomes a fault.
        ///
        /// Default: 64 MiB, the maximum that a peer reads by default.
        max_reply: usize = MAX_MESSAGE;

        /// Time without a message from the peer after which a ping is sent. The connection is
        /// closed if nothing arrives for the same time again, or if the peer reads nothing for
        /// twice this time. Both may take up to a quarter of the time longer, because the clock is
        /// not read for each message.
        ///
        /// Default: 30 seconds.
        keepalive: Duration = Duration::from_secs(30);

        /// Default timeout of calls that the local side makes, including calls on objects and calls
        /// from a server to its client. Applies to calls without a
        /// [deadline](farcall_core::Context::with_deadline) of their own. A call that takes longer
        /// is cancelled and fails as
        /// [`DeadlineExceeded`](farcall_core::FaultKind::DeadlineExceeded), or as not sent if the
        /// peer did not take it in time. With `None` a call waits until it is cancelled or the
        /// connection closes, even for a peer that answers nothing but pings.
        ///
        /// - A call with a deadline of its own, such as one set by
        ///   [`Caller::within`](farcall_core::Caller::within), has that deadline, whether it is
        ///   earlier or later. `with_deadline(None)` disables the timeout for one call.
        /// - A call made by a handler has the deadline of the call that the handler runs for, or
        ///   this timeout if that is sooner.
        /// - A call that is only relayed to an object of another process has the deadline of its
        ///   caller.
        /// - Items of a stream have no timeout: the time between two of them is not limited.
        ///
        /// Default: 60 seconds, as over XML-RPC. The clock is not read for each call, so a call may
        /// take longer by half of the [keepalive](Self::keepalive), unless the timeout is shorter
        /// than that.
        timeout: Option<Duration> = Some(Duration::from_secs(60));

        /// If `true`, faults carry their causes to the peer. For peers that may see internals of
        /// the program.
        ///
        /// Default: `false`. Causes are logged locally.
        send_causes: bool = false;
    }
}

impl SessionOptions {
    /// Converts to the settings of a session, without a lease, and without a limit of calls over
    /// all connections.
    pub(super) fn settings(&self, max_message: usize) -> Settings {
        Settings {
            limits: SessionLimits {
                max_message: max_message as u64,
                max_calls: clamped(self.max_calls_per_session.max(1)),
                max_streams: clamped(self.max_streams),
                max_objects: clamped(self.max_objects),
                window: clamped(self.window.max(1)),
            },
            max_backlog: clamped(self.max_backlog),
            max_reply: self.max_reply as u64,
            budget: None,
            keepalive: self.keepalive.clamp(Duration::from_millis(1), LONGEST),
            timeout: self.timeout.map(|time| time.min(LONGEST)),
            lease: Duration::ZERO,
            reconnects: false,
            sends_causes: self.send_causes,
            calls: None,
            layers: None,
        }
    }
}

/// Limits a number to 32 bits, so that limits can be added and multiplied, and fit the greeting of
/// any peer.
fn clamped(number: usize) -> u64 {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_limited_to_32_bits() {
        let largest = u64::from(u32::MAX);
        assert_eq!(clamped(usize::MAX), largest);
        assert_eq!(clamped(16_384), 16_384);
        let options = SessionOptions::default()
            .max_objects(usize::MAX)
            .window(0)
            .max_calls_per_session(0);
        let limits = options.settings(MAX_MESSAGE).limits;
        assert_eq!(limits.max_objects, largest);
        assert_eq!((limits.window, limits.max_calls), (1, 1));
    }
}
