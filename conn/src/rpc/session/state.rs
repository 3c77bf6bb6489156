//! The state of a session, behind its lock.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use rpc_core::Registry;
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
    /// What this end offers.
    pub(super) root: Registry<Encoding>,
    /// The limits of the other end.
    pub(super) peer_limits: SessionLimits,
    /// What is to be written next, and how many bytes ever were to be.
    pub(super) outbox: Encoder,
    pub(super) pushed: u64,
    /// How many of them were written to the connection.
    pub(super) written: Arc<AtomicU64>,
    /// Cancelled when the session is over for good; there when somebody waits for that.
    pub(super) ended: Option<CancellationToken>,
    /// Wakes the driver, where it has nothing to do.
    pub(super) driver_waker: Option<Waker>,
    /// The sending half of the connection.
    pub(super) write_half: Weak<SharedWriteHalf>,

    pub(super) outgoing: CallTable<OutgoingCall>,
    /// Calls that are to be sent as soon as they may, the oldest first.
    pub(super) queued: VecDeque<u64>,
    /// How many ticks there were, and when the last was.
    pub(super) ticks: u32,
    pub(super) ticked_at: Option<Instant>,
    /// Calls that the other end has to answer.
    pub(super) in_flight: usize,
    /// Whether there was more than one since there was none, and whether there was not, before that.
    pub(super) calls_overlapped: bool,
    pub(super) is_sequential: bool,

    pub(super) incoming: Map<u64, IncomingCall>,
    /// Calls of the other end that have begun just now, and are not among the answers (yet).
    pub(super) starting: usize,
    /// What all calls cost that are among the answers and not answered yet.
    pub(super) incoming_cost: u64,
    /// The room for all that, where it is more than is free.
    pub(super) account: Option<Box<SessionAccount>>,
    /// The newest call of the other end.
    pub(super) last_incoming: u64,
    /// Whether the connection resumed the session.
    pub(super) is_resumed: bool,

    /// Objects and streams, once there are any: most sessions never have one.
    pub(super) tables: Option<Box<AttachmentTables>>,
}

/// Where a session is in its life.
#[derive(Debug)]
pub(super) enum Phase {
    /// There is a connection.
    Up,
    /// There is a connection, and no new calls are made on it. `ours` tells which end wants that.
    Leaving { local: bool, reason: String },
    /// There is no connection, but there may be another.
    Down(Disconnected),
    /// It is over.
    Ended(Disconnected),
}

impl SessionState {
    /// That of a session that has had no connection.
    pub(super) fn new(root: Registry<Encoding>) -> Self {
        Self {
            phase: Phase::Down(Disconnected::Closed),
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
            calls_overlapped: false,
            is_sequential: true,
            incoming: Map::default(),
            starting: 0,
            incoming_cost: 0,
            account: None,
            last_incoming: 0,
            is_resumed: false,
            tables: None,
        }
    }

    /// Objects and streams, of which there are to be some.
    pub(super) fn tables(&mut self) -> &mut AttachmentTables {
        self.tables.get_or_insert_default()
    }

    /// Appends a message.
    pub(super) fn push(&mut self, message: &Message<'_>) {
        self.push_with(|out| message.write(out));
    }

    /// Appends the message that `write` appends, and returns how many bytes that is.
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

    /// Whether the other end is to be told of references that went.
    pub(super) fn has_releases(&self) -> bool {
        self.tables
            .as_ref()
            .is_some_and(|tables| !tables.releases.is_empty())
    }

    pub(super) fn has_output(&self) -> bool {
        !self.outbox.unwritten().is_empty() || self.has_releases()
    }

    /// How many bytes of this connection the other end may know of.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How many bytes wait to be written.
    pub(super) fn backlog(&self) -> u64 {
        self.pushed.saturating_sub(self.written())
    }

    pub(super) fn has_outbox_room(&self) -> bool {
        self.backlog() < OUTBOX_LIMIT
    }

    /// How much waits to be written or told, in bytes.
    pub(super) fn unsent_bytes(&self) -> u64 {
        let releases = self
            .tables
            .as_ref()
            .map_or(0, |tables| tables.releases.len());
        self.backlog() + 17 * releases as u64
    }

    /// Whether messages can be sent.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Up | Phase::Leaving { .. })
    }

    /// Why no more calls can be made.
    pub(super) fn disconnect_reason(&self) -> Disconnected {
        match &self.phase {
            Phase::Up => Disconnected::Closed,
            Phase::Leaving { local: true, .. } => Disconnected::Closed,
            Phase::Leaving { reason, .. } => Disconnected::Left(reason.clone()),
            Phase::Down(reason) | Phase::Ended(reason) => reason.clone(),
        }
    }
}
