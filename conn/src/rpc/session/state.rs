//! The state of a session, behind its lock.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use rpc_core::Registry;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::account::Holding;
use super::call_table::Numbered;
use super::incoming::Answering;
use super::outgoing::Pending;
use super::references::Passed;
use super::write_half::Sink;
use super::{Map, ROOM};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{Limits, Message};

pub(super) struct State {
    pub(super) phase: Phase,
    /// What this end offers.
    pub(super) root: Registry<Encoding>,
    /// The limits of the other end.
    pub(super) peer: Limits,
    /// What is to be written next, and how many bytes ever were to be.
    pub(super) outbox: Encoder,
    pub(super) pushed: u64,
    /// How many of them were written to the connection.
    pub(super) written: Arc<AtomicU64>,
    /// Cancelled when the session is over for good; there when somebody waits for that.
    pub(super) ended: Option<CancellationToken>,
    /// Wakes the driver, where it has nothing to do.
    pub(super) driver: Option<Waker>,
    /// The sending half of the connection.
    pub(super) sink: Weak<Sink>,

    pub(super) calls: Numbered<Pending>,
    /// Calls that are to be sent as soon as they may, the oldest first.
    pub(super) waiting: VecDeque<u64>,
    /// How many ticks there were, and when the last was.
    pub(super) ticks: u32,
    pub(super) ticked: Option<Instant>,
    /// Calls that the other end has to answer.
    pub(super) in_flight: usize,
    /// Whether there was more than one since there was none, and whether there was not, before that.
    pub(super) had_company: bool,
    pub(super) is_lone: bool,

    pub(super) answers: Map<u64, Answering>,
    /// Calls of the other end that have begun just now, and are not among the answers (yet).
    pub(super) beginning: usize,
    /// What all calls cost that are among the answers and not answered yet.
    pub(super) running: u64,
    /// The room for all that, where it is more than is free.
    pub(super) holding: Option<Box<Holding>>,
    /// The newest call of the other end.
    pub(super) last_answer: u64,
    /// Whether the connection resumed the session.
    pub(super) is_resumed: bool,

    /// Objects and streams, once there are any: most sessions never have one.
    pub(super) passed: Option<Box<Passed>>,
}

/// Where a session is in its life.
#[derive(Debug)]
pub(super) enum Phase {
    /// There is a connection.
    Up,
    /// There is a connection, and no new calls are made on it. `ours` tells which end wants that.
    Leaving { ours: bool, reason: String },
    /// There is no connection, but there may be another.
    Down(Disconnected),
    /// It is over.
    Ended(Disconnected),
}

impl State {
    /// That of a session that has had no connection.
    pub(super) fn new(root: Registry<Encoding>) -> Self {
        Self {
            phase: Phase::Down(Disconnected::Closed),
            root,
            peer: Limits::default(),
            outbox: Encoder::new(),
            pushed: 0,
            written: Arc::default(),
            ended: None,
            driver: None,
            sink: Weak::new(),
            calls: Numbered::new(),
            waiting: VecDeque::new(),
            ticks: 0,
            ticked: None,
            in_flight: 0,
            had_company: false,
            is_lone: true,
            answers: Map::default(),
            beginning: 0,
            running: 0,
            holding: None,
            last_answer: 0,
            is_resumed: false,
            passed: None,
        }
    }

    /// Objects and streams, of which there are to be some.
    pub(super) fn passed(&mut self) -> &mut Passed {
        self.passed.get_or_insert_default()
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
        self.passed
            .as_ref()
            .is_some_and(|passed| !passed.releases.is_empty())
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

    pub(super) fn has_room(&self) -> bool {
        self.backlog() < ROOM
    }

    /// How much waits to be written or told, in bytes.
    pub(super) fn debt(&self) -> u64 {
        let releases = self
            .passed
            .as_ref()
            .map_or(0, |passed| passed.releases.len());
        self.backlog() + 17 * releases as u64
    }

    /// Whether messages can be sent.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Up | Phase::Leaving { .. })
    }

    /// Why no more calls can be made.
    pub(super) fn reason(&self) -> Disconnected {
        match &self.phase {
            Phase::Up => Disconnected::Closed,
            Phase::Leaving { ours: true, .. } => Disconnected::Closed,
            Phase::Leaving { reason, .. } => Disconnected::Left(reason.clone()),
            Phase::Down(reason) | Phase::Ended(reason) => reason.clone(),
        }
    }
}
