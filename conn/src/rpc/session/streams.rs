//! Streams: items that one side sends at the pace of the other.
//!
//! The receiver grants credit, and more of it as its program takes items. The producer sends while
//! it has credit: the last item may cost more than is left, and none follows until more credit is
//! granted.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use farcall_core::Fault;
use farcall_core::protocol::Attachment;
use farcall_core::protocol::NoRoom;
use farcall_core::protocol::Payload;

use super::outgoing::check_length;
use super::{Deferred, Session, SessionHandle, SessionState, in_order, overloaded};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, StreamError, Violation};
use crate::rpc::message::{self, Message, Reference, cost, fits};

/// Fault message of a stream that fails because its session has too many unread items.
const TOO_MUCH_UNREAD: &str = "too many items on the streams of this connection are unread";

/// Maximum items sent per poll, before other tasks run.
const ITEMS_PER_POLL: usize = 32;

/// A source of encoded items.
pub(in crate::rpc) trait ItemSource: Send {
    /// Returns the next item; `None` at the end.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>>;
}

/// The attachment of a stream that the local side will send.
pub(in crate::rpc) struct OutgoingStream(Mutex<Option<Box<dyn ItemSource>>>);

impl OutgoingStream {
    pub(in crate::rpc) fn new(source: Box<dyn ItemSource>) -> Self {
        Self(Mutex::new(Some(source)))
    }

    /// Takes the source. Returns `None` if it was taken before.
    pub(in crate::rpc) fn take(&self) -> Option<Box<dyn ItemSource>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Returns `true` if the attachment is a stream.
pub(super) fn is_stream(attachment: &Attachment) -> bool {
    attachment.is::<OutgoingStream>() || attachment.is::<IncomingStream>()
}

/// Takes the source of a stream. Returns `None` if the attachment is not a stream, and `Some(None)`
/// if its source was taken before.
pub(super) fn source(attachment: &Attachment) -> Option<Option<Box<dyn ItemSource>>> {
    if let Some(stream) = attachment.downcast_ref::<OutgoingStream>() {
        return Some(stream.take());
    }
    let incoming = Arc::clone(attachment).downcast::<IncomingStream>().ok()?;
    Some(incoming.take().then(|| incoming.relay()))
}

/// Forwards the items of one session to another.
struct RelaySource(Arc<IncomingStream>);

impl ItemSource for RelaySource {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>> {
        if encoding != self.0.encoding() {
            let fault = Fault::internal("the two connections use different encodings");
            return Poll::Ready(Some(Err(fault)));
        }
        self.0
            .poll_next(cx)
            .map(|item| item.map(|item| item.map_err(Fault::from)))
    }
}

/// The state of a stream that the local side sends.
pub(super) struct Producer {
    credit: u64,
    waker: Option<Waker>,
    /// `true` if the stream is in the list of those that wait for room in the outbox.
    is_blocked: bool,
}

/// The state of a stream that the local side receives.
#[derive(Default)]
pub(super) struct Consumer {
    /// Items that were received and not taken, with the [cost](message::cost) of each message.
    items: VecDeque<(Payload, u64)>,
    /// Credit that the peer has not used.
    granted: u64,
    /// Cost of the items taken since credit was last granted.
    taken: u64,
    /// `true` if the local side wants no more items.
    is_stopped: bool,
    end: Option<Result<(), StreamError>>,
    /// Cost of the message that ended the stream, until the program takes the end.
    end_cost: u64,
    waker: Option<Waker>,
}

impl Consumer {
    /// Returns `true` if the peer sends no more items.
    pub(super) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Returns the cost of all that was received and not taken.
    fn unread_cost(&self) -> u64 {
        self.items.iter().map(|(_, cost)| cost).sum::<u64>() + self.end_cost
    }
}

impl Session {
    pub(super) fn export_stream(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        source: Box<dyn ItemSource>,
    ) -> Reference {
        let producer = Producer {
            credit: state.peer_limits.window,
            waker: None,
            is_blocked: false,
        };
        let tables = state.tables();
        tables.last_stream += 1;
        let id = tables.last_stream;
        tables.producers.insert(id, producer);
        if let Some(session) = self.this.upgrade() {
            deferred.rare().producer_tasks.push(ProducerTask {
                session,
                id,
                source,
            });
        }
        Reference::Stream(id)
    }

    pub(super) fn import_stream(
        &self,
        state: &mut SessionState,
        id: u64,
        session: Option<&Arc<SessionHandle>>,
    ) -> Result<Attachment, Violation> {
        let limits = &self.settings.limits;
        let consumers = &mut state.tables().consumers;
        if consumers.len() as u64 >= limits.max_streams {
            return Err(Violation::TooManyStreams);
        }
        // The existing stream stays: its items must not be dropped while the session is locked.
        let Entry::Vacant(entry) = consumers.entry(id) else {
            return Err(Violation::ReopenedStream(id));
        };
        let Some(session) = session else {
            state.push(&Message::Stop(id));
            return Ok(Arc::new(super::MissingAttachment));
        };
        entry.insert(Consumer {
            granted: limits.window,
            ..Consumer::default()
        });
        Ok(Arc::new(IncomingStream {
            session: Arc::clone(session),
            id,
            taken: AtomicBool::new(false),
        }))
    }

    /// Handles an item from the peer.
    pub(super) fn on_item(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        id: u64,
        item: Payload,
        cost: u64,
    ) -> Result<(), Violation> {
        let tables = state.tables();
        let Some(consumer) = tables.consumers.get_mut(&id) else {
            // The stream was stopped while the item was in flight.
            deferred.drop(item);
            return Ok(());
        };
        if consumer.is_stopped {
            deferred.drop(item);
            return Ok(());
        }
        if consumer.granted == 0 || consumer.end.is_some() {
            deferred.drop(item);
            return Err(Violation::UngrantedItem(id));
        }
        deferred.wake(consumer.waker.take());
        // The last item may cost more than the credit left, but the total over all streams is
        // limited.
        if cost > consumer.granted && !fits(tables.unread_cost, cost, self.settings.max_backlog) {
            let fault = overloaded(TOO_MUCH_UNREAD);
            consumer.is_stopped = true;
            consumer.end = Some(Err(StreamError::Fault(fault)));
            deferred.drop(item);
            state.push(&Message::Stop(id));
            return Ok(());
        }
        if self.reserve(state, cost).is_err() {
            let tables = state.tables();
            if let Some(consumer) = tables.consumers.get_mut(&id) {
                consumer.is_stopped = true;
                let fault = overloaded("the memory budget has no room for the items of the stream");
                consumer.end = Some(Err(StreamError::Fault(fault)));
            }
            deferred.drop(item);
            state.push(&Message::Stop(id));
            return Ok(());
        }
        let tables = state.tables();
        let Some(consumer) = tables.consumers.get_mut(&id) else {
            return Ok(());
        };
        consumer.granted = consumer.granted.saturating_sub(cost);
        consumer.items.push_back((item, cost));
        tables.unread_cost += cost;
        Ok(())
    }

    /// Handles the end of a stream that the peer sends.
    pub(super) fn on_stream_end(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        id: u64,
        fault: Option<Fault>,
        cost: u64,
    ) {
        let tables = state.tables();
        let Some(consumer) = tables.consumers.get_mut(&id) else {
            return;
        };
        if consumer.end.is_some() {
            return;
        }
        // The end of a stream needs no credit, but its fault may be long.
        let fault = fault.map(|fault| {
            if !fits(tables.unread_cost, cost, self.settings.max_backlog) {
                return overloaded(TOO_MUCH_UNREAD);
            }
            consumer.end_cost = cost;
            tables.unread_cost += cost;
            fault
        });
        consumer.end = Some(fault.map_or(Ok(()), |fault| Err(StreamError::Fault(fault))));
        deferred.wake(consumer.waker.take());
    }
}

impl SessionState {
    /// Adds credit to a stream that the local side sends.
    pub(super) fn on_credit(&mut self, deferred: &mut Deferred, id: u64, bytes: u64) {
        if let Some(producer) = self.tables().producers.get_mut(&id) {
            producer.credit = producer.credit.saturating_add(bytes);
            deferred.wake(producer.waker.take());
        }
    }

    /// Closes a stream that the peer no longer reads.
    pub(super) fn on_stop(&mut self, deferred: &mut Deferred, id: u64) {
        if let Some(producer) = self.tables().producers.remove(&id) {
            deferred.wake(producer.waker);
        }
    }

    /// Wakes the streams that wait for room in the outbox.
    pub(super) fn wake_blocked_producers(&mut self, deferred: &mut Deferred) {
        let has_outbox_room = self.has_outbox_room();
        let Some(tables) = self.tables.as_deref_mut().filter(|_| has_outbox_room) else {
            return;
        };
        for id in tables.blocked_producers.drain(..) {
            if let Some(producer) = tables.producers.get_mut(&id) {
                producer.is_blocked = false;
                deferred.wake(producer.waker.take());
            }
        }
    }

    /// Ends all streams when the connection is lost.
    pub(super) fn fail_streams(&mut self, reason: &Disconnected, deferred: &mut Deferred) {
        let Some(tables) = &mut self.tables else {
            return;
        };
        tables.blocked_producers.clear();
        for producer in in_order(tables.producers.drain()) {
            deferred.wake(producer.waker);
        }
        for consumer in in_order(&mut tables.consumers) {
            if consumer.end.is_none() {
                consumer.end = Some(Err(StreamError::Disconnected(reason.clone())));
            }
            deferred.wake(consumer.waker.take());
        }
    }
}

/// The task that sends the items of one stream, as far as its credit allows.
pub(super) struct ProducerTask {
    session: Arc<Session>,
    id: u64,
    source: Box<dyn ItemSource>,
}

/// Result of [`ProducerTask::poll_ready`].
enum SendReadiness {
    Ready,
    Blocked,
    Closed,
}

impl ProducerTask {
    /// Checks whether an item can be sent now. Otherwise the task is woken when it can.
    fn poll_ready(&self, cx: &Context<'_>) -> SendReadiness {
        self.session.update(|state, _| {
            let has_outbox_room = state.has_outbox_room();
            let tables = state.tables();
            let Some(producer) = tables.producers.get_mut(&self.id) else {
                return SendReadiness::Closed;
            };
            // Every change of the stream or its source wakes this task.
            producer.waker = Some(cx.waker().clone());
            if producer.credit == 0 {
                return SendReadiness::Blocked;
            }
            if !has_outbox_room {
                if !std::mem::replace(&mut producer.is_blocked, true) {
                    tables.blocked_producers.push(self.id);
                }
                return SendReadiness::Blocked;
            }
            SendReadiness::Ready
        })
    }

    fn send(&self, item: Payload) -> Result<(), Fault> {
        self.session.update(|state, deferred| {
            if !state.tables().producers.contains_key(&self.id) {
                deferred.drop(item);
                return Ok(());
            }
            let limit = state
                .peer_limits
                .max_message
                .min(self.session.settings.max_reply);
            let checked = check_length(limit, item.as_slice().len(), item.attachments());
            let checked = checked.map_err(Fault::internal);
            let reserved = checked.and_then(|()| {
                let cost = cost(item.as_slice().len(), item.attachments().len());
                self.session.reserve(state, cost).map_err(NoRoom::of_reply)
            });
            let exported =
                reserved.and_then(|()| self.session.export(state, deferred, item.attachments()));
            let result = exported.map(|references| {
                let length = state.push_with(|out| {
                    message::write_item(self.id, &references, out);
                    out.extend_from_slice(item.as_slice());
                });
                if let Some(producer) = state.tables().producers.get_mut(&self.id) {
                    let cost = cost(length, references.len());
                    producer.credit = producer.credit.saturating_sub(cost);
                }
            });
            deferred.drop(item);
            result
        })
    }

    fn end(&self, fault: Option<&Fault>) {
        let with_causes = self.session.settings.sends_causes;
        self.session.update(|state, _| {
            if state.tables().producers.remove(&self.id).is_some() {
                state.push_with(|out| message::write_end(self.id, fault, with_causes, out));
            }
        });
    }
}

impl Future for ProducerTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ITEMS_PER_POLL {
            match self.poll_ready(cx) {
                SendReadiness::Ready => {}
                SendReadiness::Blocked => return Poll::Pending,
                SendReadiness::Closed => return Poll::Ready(()),
            }
            let encoding = self.session.encoding;
            let fault = match self.source.poll_next(cx, encoding) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.end(None);
                    return Poll::Ready(());
                }
                Poll::Ready(Some(item)) => match item.and_then(|item| self.send(item)) {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
            };
            super::incoming::log_fault(&fault, "a stream failed");
            self.end(Some(&self.session.fault_for_peer(fault)));
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Ends the stream with a fault if its source panics.
impl Drop for ProducerTask {
    fn drop(&mut self) {
        self.end(Some(&Fault::internal("the stream was aborted")));
    }
}

/// The attachment of a stream that the peer sends.
pub(in crate::rpc) struct IncomingStream {
    session: Arc<SessionHandle>,
    id: u64,
    /// `true` once a reader has it: a stream can be received only once.
    taken: AtomicBool,
}

impl IncomingStream {
    /// Returns `true` for the first caller.
    pub(in crate::rpc) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Relaxed)
    }

    /// Returns a source that forwards the encoded items.
    pub(in crate::rpc) fn relay(self: Arc<Self>) -> Box<dyn ItemSource> {
        Box::new(RelaySource(self))
    }

    /// Returns the encoding of the items.
    pub(in crate::rpc) fn encoding(&self) -> Encoding {
        self.session.encoding
    }

    /// Returns the next item; `None` at the end.
    pub(in crate::rpc) fn poll_next(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        self.session.update(|state, deferred| {
            let connected = state.is_connected();
            let tables = state.tables();
            let Some(consumer) = tables.consumers.get_mut(&self.id) else {
                return Poll::Ready(None);
            };
            if let Some((item, cost)) = consumer.items.pop_front() {
                consumer.taken += cost;
                tables.unread_cost -= cost;
                if consumer.taken >= self.session.settings.limits.window / 2
                    && consumer.end.is_none()
                    && connected
                {
                    let bytes = std::mem::take(&mut consumer.taken);
                    consumer.granted = consumer.granted.saturating_add(bytes);
                    let stream = self.id;
                    state.push(&Message::Credit { stream, bytes });
                }
                return Poll::Ready(Some(Ok(item)));
            }
            match consumer.end.take() {
                None => {
                    consumer.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
                Some(end) => {
                    tables.unread_cost -= consumer.end_cost;
                    deferred.drop(tables.consumers.remove(&self.id));
                    match end {
                        Ok(()) => Poll::Ready(None),
                        Err(error) => Poll::Ready(Some(Err(error))),
                    }
                }
            }
        })
    }
}

impl Drop for IncomingStream {
    fn drop(&mut self) {
        self.session.update(|state, deferred| {
            let tables = state.tables();
            if let Some(consumer) = tables.consumers.remove(&self.id) {
                tables.unread_cost -= consumer.unread_cost();
                if consumer.end.is_none() && state.is_connected() {
                    state.push(&Message::Stop(self.id));
                }
                deferred.drop(consumer);
            }
        });
    }
}
