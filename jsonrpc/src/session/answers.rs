//! The answers that wait to be written.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{OUTBOX, Outgoing, Session};

/// Answers that wait before they are written, so that one write has those to several messages that
/// have arrived together.
const MAX: usize = 8;

/// The answers that wait to be written. The driver of a session, in whose task all calls of the
/// peer run, queues and writes them: no waker is told.
#[derive(Default)]
pub(super) struct Answers(Mutex<VecDeque<Outgoing>>);

impl Answers {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Outgoing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an answer, or returns it if there is no room.
    fn push(&self, answer: Outgoing) -> Result<(), Outgoing> {
        let mut queue = self.queue();
        if queue.len() >= MAX {
            return Err(answer);
        }
        queue.push_back(answer);
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<Outgoing> {
        self.queue().pop_front()
    }

    fn is_full(&self) -> bool {
        self.queue().len() >= MAX
    }
}

impl Session {
    /// Queues an answer to the peer, behind what waits. Returns `false` if the session has ended.
    pub(super) async fn answer(&self, outgoing: Outgoing) -> bool {
        let outbox = &self.0.outbox;
        // A handler may have sent something before its answer, which is in the outbox.
        let has_precedence = outbox.is_closed() || self.has_outgoing();
        let queued = if has_precedence {
            Err(outgoing)
        } else {
            self.0.answers.push(outgoing)
        };
        match queued {
            Ok(()) => true,
            Err(outgoing) => outbox.send(outgoing).await.is_ok(),
        }
    }

    /// Returns `true` if something waits to be written that no further answer joins.
    pub(super) fn must_write(&self) -> bool {
        self.has_outgoing() || self.0.answers.is_full()
    }

    fn has_outgoing(&self) -> bool {
        self.0.outbox.capacity() < OUTBOX
    }
}
