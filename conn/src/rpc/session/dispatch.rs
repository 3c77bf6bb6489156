//! Dispatch of the messages that a driver receives: batches under the lock of the session, then
//! the calls that were admitted.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::task::Waker;

use farcall_core::protocol::{Origin, Payload};
use farcall_core::{Fault, Registry};

use super::clock::now;
use super::decoder_memory::DecoderMemory;
use super::deferred::Deferred;
use super::fault_log::log_fault;
use super::handle::Session;
use super::incoming::AdmittedCall;
use super::length::check_result_length;
use super::state::{Dispatched, OutputStatus, TOO_MANY_REPLIES};
use crate::connection::Reader;
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, overloaded};
use crate::rpc::message;

/// Maximum messages handled under one lock of the session.
const BATCH_SIZE: usize = 8;

/// Maximum bytes of a result that is encoded outside the session, to be copied under its lock.
const COPY_LIMIT: usize = 4096;

/// Handles the messages of one connection.
pub(super) struct Dispatcher {
    session: Arc<Session>,
    pub(super) origin: Arc<Origin>,
    /// Methods that the local side offers to every peer.
    root: Registry<Encoding>,
    /// Actions deferred while messages are handled.
    deferred: Deferred,
    /// Maximum bytes of a result.
    reply_limit: u64,
    /// Replies of calls that completed immediately. They are encoded outside the session lock.
    replies: Encoder,
    /// Bytes that waited to be written before these replies.
    backlog: u64,
    /// `true` unless too many replies wait until the peer reads them.
    pub(super) can_read: bool,
    /// `true` if there was no output when messages were last handled, and the session wakes the
    /// driver for more.
    is_quiescent: bool,
    /// Outgoing calls in flight when the session was last locked.
    pub(super) in_flight: usize,
}

/// Reason why a batch ended.
enum BatchEnd {
    /// The decoder has no complete message left.
    Drained,
    /// The peer cancels this call, which may have been admitted in the batch and not started.
    Cancel(u64),
    /// The batch has [`BATCH_SIZE`] messages.
    Full,
}

thread_local! {
    /// Calls admitted in a batch, which start after it. Kept per thread to reuse the allocation.
    static ADMITTED: Cell<Vec<AdmittedCall>> = const { Cell::new(Vec::new()) };
}

impl Dispatcher {
    pub(super) fn new(session: Arc<Session>, origin: Arc<Origin>, reply_limit: u64) -> Self {
        Self {
            origin,
            root: session.update(|state| state.root.clone()),
            session,
            deferred: Deferred::default(),
            reply_limit,
            replies: Encoder::new(),
            backlog: 0,
            can_read: true,
            is_quiescent: false,
            in_flight: 0,
        }
    }

    /// Forgets what is known of the output.
    pub(super) const fn begin(&mut self) {
        self.is_quiescent = false;
    }

    /// Returns `true` if there is no output, and the session wakes the driver for more.
    pub(super) fn has_no_output(&self) -> bool {
        self.is_quiescent && self.replies.is_empty()
    }

    /// Handles up to `max` messages that the decoder holds, and returns their number.
    pub(super) fn dispatch(
        &mut self,
        reader: &mut Reader,
        memory: &mut DecoderMemory,
        max: usize,
        waker: &Waker,
    ) -> Result<usize, Disconnected> {
        let mut handled = 0;
        loop {
            let is_complete = reader.decoder.is_complete(reader.max_message);
            let is_complete = is_complete.map_err(Disconnected::broken)?;
            if !is_complete || !self.can_read || handled >= max {
                return Ok(handled);
            }
            let mut admitted = ADMITTED.take();
            let end = self.dispatch_batch(reader, memory, &mut handled, &mut admitted, waker);
            // They run where they lie.
            for call in &mut admitted {
                self.run_call(call);
            }
            admitted.clear();
            ADMITTED.set(admitted);
            match end? {
                BatchEnd::Drained => return Ok(handled),
                BatchEnd::Cancel(id) => {
                    let deferred = &mut self.deferred;
                    self.session.update_with(deferred, |state| {
                        state.cancel_incoming(id);
                    });
                }
                BatchEnd::Full => {}
            }
        }
    }

    /// Handles messages under one lock of the session. Calls are admitted, and start after the
    /// batch.
    fn dispatch_batch(
        &mut self,
        reader: &mut Reader,
        memory: &mut DecoderMemory,
        handled: &mut usize,
        admitted: &mut Vec<AdmittedCall>,
        waker: &Waker,
    ) -> Result<BatchEnd, Disconnected> {
        let Self {
            session,
            origin,
            deferred,
            replies,
            backlog,
            can_read,
            is_quiescent,
            in_flight,
            ..
        } = self;
        let limit = reader.max_message;
        let decoder = &mut reader.decoder;
        let size = memory.count(decoder.size());
        *is_quiescent = false;
        session.update_with(deferred, |state| {
            state.end_batch(replies);
            state.account.set_partial_message(size);
            *backlog = state.outbox.backlog();
            *can_read = state.can_read();
            for _ in 0..BATCH_SIZE {
                let bytes = if decoder.is_large() {
                    decoder
                        .owned_message(limit)
                        .map(|bytes| bytes.map(Cow::Owned))
                } else {
                    decoder.message(limit).map(|bytes| bytes.map(Cow::Borrowed))
                };
                let Some(bytes) = bytes.map_err(Disconnected::broken)? else {
                    *is_quiescent = admitted.is_empty() && state.is_quiescent(waker);
                    *in_flight = state.outgoing.in_flight();
                    return Ok(BatchEnd::Drained);
                };
                *handled += 1;
                if let Dispatched::Cancel(id) = state.on_message(bytes, origin, now, admitted)? {
                    return Ok(BatchEnd::Cancel(id));
                }
            }
            Ok(BatchEnd::Full)
        })
    }

    /// Runs an admitted call.
    fn run_call(&mut self, call: &mut AdmittedCall) {
        let (id, one_way) = (call.head.id, call.head.one_way);
        let result = if self.exceeds_backlog() {
            self.session.reject(call, overloaded(TOO_MANY_REPLIES))
        } else {
            self.session.run(&self.root, call)
        };
        match result {
            Some(result) if one_way => {
                if let Err(fault) = &result {
                    log_fault(fault, "a call failed", Some(&self.origin.identity));
                }
                self.replies
                    .push_message(|out| message::write_return(id, &[], out));
            }
            Some(result) => self.send_reply(id, result),
            None => {}
        }
    }

    /// Sends the reply to a call. Most replies are encoded outside the session, which takes a batch
    /// of them at once.
    fn send_reply(&mut self, id: u64, result: Result<Payload, Fault>) {
        let result = result.and_then(|reply| {
            let bytes = reply.as_slice();
            if reply.attachments().is_empty() && bytes.len() <= COPY_LIMIT {
                check_result_length(self.reply_limit, bytes.len(), &[])?;
                self.replies.push_message(|out| {
                    message::write_return(id, &[], out);
                    out.extend_from_slice(bytes);
                });
                return Ok(());
            }
            self.is_quiescent = false;
            let (replies, backlog) = (&mut self.replies, &mut self.backlog);
            let deferred = &mut self.deferred;
            self.session.update_with(deferred, |state| {
                state.outbox.append(replies);
                let pushed = state.push_return(id, &reply);
                *backlog = state.outbox.backlog();
                pushed
            })
        });
        if let Err(fault) = result {
            log_fault(&fault, "a call failed", Some(&self.origin.identity));
            let settings = &self.session.settings;
            let fault = settings.fault_for_peer(fault);
            let with_causes = settings.sends_causes;
            self.replies
                .push_message(|out| message::write_fault(id, &fault, with_causes, out));
        }
    }

    /// Returns `true` if the peer reads so slowly that further calls are refused. The calls of a
    /// batch are admitted before the replies of the others exist, so the limit is checked again
    /// before each of them runs.
    fn exceeds_backlog(&self) -> bool {
        let backlog = self.backlog + self.replies.unwritten().len() as u64;
        backlog > self.session.settings.max_backlog
    }

    /// Moves the output to `writing`. The task is woken when there is more. Call
    /// [`run_deferred`](Self::run_deferred) when no lock is held.
    pub(super) fn take_output(&mut self, writing: &mut Encoder, waker: &Waker) -> OutputStatus {
        let replies = &mut self.replies;
        let deferred = &mut self.deferred;
        let status = self.session.update_locked(deferred, |state| {
            state.take_output(replies, writing, now, waker)
        });
        self.can_read = status.can_read;
        self.in_flight = status.in_flight;
        status
    }

    /// Carries out the actions that [`take_output`](Self::take_output) deferred.
    pub(super) fn run_deferred(&mut self) {
        self.session.run_deferred(&mut self.deferred);
    }
}
