//! The settings of sessions.

use std::time::Duration;

use super::message::SessionLimits;
use super::session::Settings;
use crate::connection::MAX_MESSAGE;

/// The longest time that makes a difference.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// How one end of a session behaves, on clients and servers alike. Each end keeps to the limits of the
/// other, which it learns when the session opens.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a server or a client"]
pub struct Options {
    max_calls: u32,
    max_streams: u32,
    max_objects: u32,
    window: u32,
    max_backlog: u32,
    max_reply: usize,
    keepalive: Duration,
    timeout: Option<Duration>,
    sends_causes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_calls: 16_384,
            max_streams: 1024,
            max_objects: 100_000,
            window: 256 * 1024,
            max_backlog: 16 * 1024 * 1024,
            max_reply: MAX_MESSAGE,
            keepalive: Duration::from_secs(30),
            timeout: Some(Duration::from_secs(60)),
            sends_causes: false,
        }
    }
}

impl Options {
    /// How many calls of the other end are answered at once. Its further calls wait at its side, in order.
    ///
    /// Default: 16,384.
    pub const fn max_calls(mut self, calls: u32) -> Self {
        self.max_calls = calls;
        self
    }

    /// How many streams of the other end are received at once, and how many are sent to it at most, whatever
    /// it is ready to receive.
    ///
    /// Default: 1024.
    pub const fn max_streams(mut self, streams: u32) -> Self {
        self.max_streams = streams;
        self
    }

    /// How many objects of the other end this one refers to at once, and how many of this end the other may
    /// refer to, whatever it is ready to.
    ///
    /// Default: 100,000. An object of this end with two methods takes about a KiB.
    pub const fn max_objects(mut self, objects: u32) -> Self {
        self.max_objects = objects;
        self
    }

    /// How much of a stream the other end may send before the program takes some, in bytes. Each item counts with its
    /// message, 128 bytes more, and 256 for each object and stream in it.
    ///
    /// Default: 256 KiB. Over a network that is fast and far away, more is faster: a stream brings no more
    /// than this in a round trip.
    pub const fn window(mut self, bytes: u32) -> Self {
        self.window = bytes;
        self
    }

    /// How many bytes of answers may wait for a peer that does not read them. Beyond that its calls are
    /// refused as [`Overloaded`](rpc_core::FaultKind::Overloaded). As many bytes of its calls may wait for
    /// what other calls promised; and as many bytes of its streams to be read, beyond what their [windows](Self::window)
    /// are for: a stream fails whose item is too much. Calls and items count as in a window, and one that waits alone
    /// may be longer.
    ///
    /// Default: 16 MiB.
    pub const fn max_backlog(mut self, bytes: u32) -> Self {
        self.max_backlog = bytes;
        self
    }

    /// How many bytes a result, or an item of a stream, may have that this end sends, whatever the other end is ready to
    /// read. A longer one becomes a fault.
    ///
    /// Default: 64 MiB, what the other end reads by default.
    pub const fn max_reply(mut self, bytes: usize) -> Self {
        self.max_reply = bytes;
        self
    }

    /// How long nothing may come from the other end before it is asked for a sign of life. After as long
    /// again the connection is given up; so it is when a peer reads nothing for twice this time. Both may
    /// take a quarter of the time longer: no clock is read for each message.
    ///
    /// Default: 30 seconds.
    pub const fn keepalive(mut self, time: Duration) -> Self {
        self.keepalive = time;
        self
    }

    /// How long a call of this end may take, on a client or back from a server, on objects too, where no deadline
    /// was [chosen](rpc_core::Context::with_deadline) for it. After that it fails as
    /// [`DeadlineExceeded`](rpc_core::FaultKind::DeadlineExceeded), or as not sent where the other end did not take it,
    /// and is cancelled there. `None` is for ever, until the call is given up or the connection ends: a peer may answer
    /// pings and nothing else.
    ///
    /// A call with a deadline of its own, as [`Caller::within`](rpc_core::Caller::within) gives, has that, be it sooner or
    /// later; `with_deadline(None)` is for ever for one call. A call that a handler makes has the deadline of the call that
    /// is being answered, or this time if that is sooner. A call that this end only passes on, to an object that lives
    /// elsewhere, takes as long as its caller chose. Items of a stream may be this far apart or further: there is no limit
    /// to the silence of a source.
    ///
    /// Default: 60 seconds, as over XML-RPC. No clock is read for each call: it may take half of the
    /// [keepalive](Self::keepalive) longer, unless the time is shorter than that.
    pub const fn timeout(mut self, time: Option<Duration>) -> Self {
        self.timeout = time;
        self
    }

    /// Whether faults tell the other end their causes, where there are any: for peers that are trusted with
    /// the insides of this program.
    ///
    /// Default: false. They are logged here.
    pub const fn send_causes(mut self, sends: bool) -> Self {
        self.sends_causes = sends;
        self
    }

    /// The same for a session, without a lease or a limit of calls over all connections.
    pub(super) fn settings(&self, max_message: usize) -> Settings {
        Settings {
            limits: SessionLimits {
                max_message: max_message as u64,
                max_calls: self.max_calls.max(1).into(),
                max_streams: self.max_streams.into(),
                max_objects: self.max_objects.into(),
                window: self.window.max(1).into(),
            },
            max_backlog: self.max_backlog.into(),
            max_reply: self.max_reply as u64,
            budget: None,
            // Times that can be added up; beyond a century is as good as never.
            keepalive: self.keepalive.clamp(Duration::from_millis(1), CENTURY),
            timeout: self.timeout.map(|time| time.min(CENTURY)),
            lease: Duration::ZERO,
            sends_causes: self.sends_causes,
            calls: None,
        }
    }
}
