//! Settings of the local side of a session.

use std::time::Duration;

use farcall_core::protocol::{CallLimit, CallPermit, Layers};
use farcall_core::{Budget, Fault};

use crate::rpc::encoding::Encoding;
use crate::rpc::message::{MAX_CAUSES, SessionLimits};

/// Settings of the local side of a session.
#[derive(Clone, Debug)]
pub(in crate::rpc) struct Settings {
    pub(in crate::rpc) limits: SessionLimits,
    /// Maximum bytes of replies in the outbox. Above it, further calls are refused.
    pub(in crate::rpc) max_backlog: u64,
    /// Silence after which a ping is sent. After the same time of silence again, the connection is
    /// closed.
    pub(in crate::rpc) keepalive: Duration,
    /// Default timeout of outgoing calls, for calls without a deadline of their own.
    pub(in crate::rpc) timeout: Option<Duration>,
    /// Maximum bytes of a result or an item that the local side sends.
    pub(in crate::rpc) max_reply: u64,
    /// Budget for the memory held on behalf of the peer, if the listener has one.
    pub(in crate::rpc) budget: Option<Budget>,
    /// Time for which the session outlives its connection.
    pub(in crate::rpc) lease: Duration,
    /// `true` if the local side makes a new connection when one breaks.
    pub(in crate::rpc) reconnects: bool,
    /// `true` if faults are sent with their causes.
    pub(in crate::rpc) sends_causes: bool,
    /// Limit of the calls that run over all connections of the server, if there is one.
    pub(in crate::rpc) calls: Option<CallLimit>,
    /// Layers around calls of the peer on objects. The registry has its own.
    pub(in crate::rpc) layers: Option<Layers<Encoding>>,
}

impl Settings {
    /// Returns the maximum cost of the unread items of a session that were sent within the credit
    /// of their streams. Streams that have ended do not count against the limit of streams, so the
    /// credit of each does not limit the total.
    pub(super) const fn max_unread(&self) -> u64 {
        let windows = self.limits.window.saturating_mul(self.limits.max_streams);
        self.max_backlog.saturating_add(windows)
    }

    /// Counts a call in the limit over all connections, if there is one.
    pub(super) fn permit(&self) -> Option<CallPermit> {
        self.calls.as_ref().map(CallLimit::begin)
    }

    /// Returns the fault as it is sent to the peer. Formatting the causes runs code of the program,
    /// so it is done here, where no lock is held and no message is half written.
    pub(super) fn fault_for_peer(&self, fault: Fault) -> Fault {
        if !self.sends_causes {
            return fault;
        }
        let causes: Vec<String> = fault.causes().take(MAX_CAUSES).collect();
        fault.with_remote_causes(causes)
    }
}
