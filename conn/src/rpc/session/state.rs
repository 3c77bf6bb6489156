//! The state of a session, which its lock guards.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use farcall_core::Registry;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::account::SessionAccount;
use super::call_table::CallTable;
use super::incoming::IncomingCall;
use super::outgoing::OutgoingCall;
use super::references::AttachmentTables;
use super::write_half::SharedWriteHalf;
use super::{Map, OUTBOX_LIMIT};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{Message, SessionLimits};

pub(super) struct SessionState {
    pub(super) phase: Phase,
    /// Methods that the local side offers to every peer.
    pub(super) root: Registry<Encoding>,
    /// Limits that the peer declared, and that the local side respects.
    pub(super) peer_limits: SessionLimits,
    /// Encoded messages that wait to be written.
    pub(super) outbox: Encoder,
    /// Bytes pushed to the outbox since the connection was made.
    pub(super) pushed: u64,
    /// Bytes of these that were written to the connection.
    pub(super) written: Arc<AtomicU64>,
    /// Cancelled when the session ends for good. Created when something waits for that.
    pub(super) ended: Option<CancellationToken>,
    /// Wakes the driver while it is idle.
    pub(super) driver_waker: Option<Waker>,
    /// Write half of the connection.
    pub(super) write_half: Weak<SharedWriteHalf>,

    pub(super) outgoing: CallTable<OutgoingCall>,
    /// Outgoing calls that are not sent yet, the oldest first.
    pub(super) queued: VecDeque<u64>,
    /// Number of ticks so far.
    pub(super) ticks: u32,
    /// Time of the last tick.
    pub(super) ticked_at: Option<Instant>,
    /// Outgoing calls that were sent and are not answered.
    pub(super) in_flight: usize,
    /// The pattern of the calls since `in_flight` was last 0.
    pub(super) call_pattern: CallPattern,
    /// The pattern of the calls in the busy period before that.
    pub(super) previous_call_pattern: CallPattern,

    pub(super) incoming: Map<u64, IncomingCall>,
    /// Incoming calls that were admitted in the current batch and are not in `incoming` (yet).
    pub(super) starting: usize,
    /// Cost of all calls in `incoming` that are not completed.
    pub(super) incoming_cost: u64,
    /// Account in the budget of the listener, if the session holds more than the free bytes.
    pub(super) account: Option<Box<SessionAccount>>,
    /// Id of the newest call of the peer.
    pub(super) last_incoming: u64,
    /// `true` if the current connection resumed the session.
    pub(super) is_resumed: bool,

    /// Tables of objects and streams, allocated on first use: most sessions have neither.
    pub(super) tables: Option<Box<AttachmentTables>>,
}

/// The pattern of the outgoing calls of a busy period, in which at least one is always in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CallPattern {
    /// One call after another.
    Sequential,
    /// Several calls were in flight at once.
    Overlapping,
}

/// Phase of a session.
#[derive(Debug)]
pub(super) enum Phase {
    /// Connected.
    Connected,
    /// Connected, and no new calls are made. `local` is `true` if the local side closes the
    /// session.
    Closing { local: bool, reason: String },
    /// Not connected. Another connection may follow.
    Disconnected(Disconnected),
    /// Ended for good.
    Ended(Disconnected),
}

impl SessionState {
    /// Creates the state of a session that has had no connection.
    pub(super) fn new(root: Registry<Encoding>) -> Self {
        Self {
            phase: Phase::Disconnected(Disconnected::Closed),
            root,
            peer_limits: SessionLimits::default(),
            outbox: Encoder::new(),
            pushed: 0,
            written: Arc::default(),
            ended: None,
            driver_waker: None,
            write_half: Weak::new(),
            outgoing: CallTable::new(),
            queued: VecDeque::new(),
            ticks: 0,
            ticked_at: None,
            in_flight: 0,
            call_pattern: CallPattern::Sequential,
            previous_call_pattern: CallPattern::Sequential,
            incoming: Map::default(),
            starting: 0,
            incoming_cost: 0,
            account: None,
            last_incoming: 0,
            is_resumed: false,
            tables: None,
        }
    }

    /// Returns the tables of objects and streams, and allocates them on first use.
    pub(super) fn tables(&mut self) -> &mut AttachmentTables {
        self.tables.get_or_insert_default()
    }

    /// Appends a message to the outbox.
    pub(super) fn push(&mut self, message: &Message<'_>) {
        self.push_with(|out| message.write(out));
    }

    /// Appends the message that `write` writes to the outbox, and returns its length.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.outbox.unwritten().len();
        let mut length = 0;
        let pushed: Result<(), Infallible> = self.outbox.push_with(|out| {
            let begin = out.len();
            write(out);
            length = out.len() - begin;
            Ok(())
        });
        let Ok(()) = pushed;
        self.pushed += (self.outbox.unwritten().len() - before) as u64;
        length
    }

    /// Returns `true` if references wait to be released at the peer.
    pub(super) fn has_releases(&self) -> bool {
        self.tables
            .as_ref()
            .is_some_and(|tables| !tables.releases.is_empty())
    }

    pub(super) fn has_output(&self) -> bool {
        !self.outbox.unwritten().is_empty() || self.has_releases()
    }

    /// Returns the number of bytes written to this connection: the bytes that may have reached the
    /// peer.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes that wait to be written.
    pub(super) fn backlog(&self) -> u64 {
        self.pushed.saturating_sub(self.written())
    }

    pub(super) fn has_outbox_room(&self) -> bool {
        self.backlog() < OUTBOX_LIMIT
    }

    /// Returns the number of bytes to be written, including the releases that are not encoded yet.
    pub(super) fn unsent_bytes(&self) -> u64 {
        let releases = self
            .tables
            .as_ref()
            .map_or(0, |tables| tables.releases.len());
        self.backlog() + 17 * releases as u64
    }

    /// Returns `true` if messages can be sent.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected | Phase::Closing { .. })
    }

    /// Returns the reason why no more calls can be made.
    pub(super) fn disconnect_reason(&self) -> Disconnected {
        match &self.phase {
            Phase::Connected => Disconnected::Closed,
            Phase::Closing { local: true, .. } => Disconnected::Closed,
            Phase::Closing { reason, .. } => Disconnected::Left(reason.clone()),
            Phase::Disconnected(reason) | Phase::Ended(reason) => reason.clone(),
        }
    }
}
