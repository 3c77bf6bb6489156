//! Streams: items that one end sends as the other takes them.
//!
//! The receiver grants a cost, and more as its program takes items. The producer sends while it has any left: the
//! last item may cost more, nothing follows it until more is granted.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use rpc_core::budget::NoRoom;
use rpc_core::payload::Attachment;
use rpc_core::{Fault, Payload};

use super::outgoing::check;
use super::{Effects, Lifeline, Session, State, in_order, overloaded};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, StreamError};
use crate::rpc::message::{self, Message, Reference, cost, fits};

/// Why a stream fails whose items nobody takes.
const TOO_MUCH_UNREAD: &str = "too much of the streams of this connection waits to be read";

/// So many items are sent in a row before other tasks have their turn.
const BURST: usize = 32;

/// Where the items of a stream come from, already encoded.
pub(in crate::rpc) trait Source: Send {
    /// The next item; nothing at the end.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>>;
}

/// A stream beside the bytes of a payload.
pub(in crate::rpc) struct Attached(Mutex<Option<Box<dyn Source>>>);

impl Attached {
    pub(in crate::rpc) fn new(source: Box<dyn Source>) -> Self {
        Self(Mutex::new(Some(source)))
    }

    /// The source, which can be had once.
    pub(in crate::rpc) fn take(&self) -> Option<Box<dyn Source>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whether this is a stream.
pub(super) fn is_stream(attachment: &Attachment) -> bool {
    attachment.is::<Attached>() || attachment.is::<Incoming>()
}

/// The items of the stream that this is, if it is one; no source if it was had before.
pub(super) fn source(attachment: &Attachment) -> Option<Option<Box<dyn Source>>> {
    if let Some(stream) = attachment.downcast_ref::<Attached>() {
        return Some(stream.take());
    }
    let incoming = Arc::clone(attachment).downcast::<Incoming>().ok()?;
    Some(incoming.take().then(|| incoming.relay()))
}

/// Passes the items of one session on to another.
struct Relay(Arc<Incoming>);

impl Source for Relay {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>> {
        if encoding != self.0.encoding() {
            let fault = Fault::internal("the two connections speak different encodings");
            return Poll::Ready(Some(Err(fault)));
        }
        self.0
            .poll_next(cx)
            .map(|item| item.map(|item| item.map_err(Fault::from)))
    }
}

/// The sending end of a stream.
pub(super) struct Producer {
    credit: u64,
    waker: Option<Waker>,
    /// Whether it is among those that wait until less is to be written.
    wants_room: bool,
}

/// The receiving end of a stream.
#[derive(Default)]
pub(super) struct Consumer {
    /// Those that came, and what the message of each [costs](message::cost).
    items: VecDeque<(Payload, u64)>,
    /// What the other end may still send.
    granted: u64,
    /// What was taken since more was granted.
    taken: u64,
    /// Whether this end wants no more of it.
    is_stopped: bool,
    end: Option<Result<(), StreamError>>,
    /// What the message with the end costs, while that waits.
    end_cost: u64,
    waker: Option<Waker>,
}

impl Consumer {
    /// Whether the other end will send no more.
    pub(super) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// What all costs that waits to be taken.
    fn unread(&self) -> u64 {
        self.items.iter().map(|(_, cost)| cost).sum::<u64>() + self.end_cost
    }
}

impl Session {
    pub(super) fn export_stream(
        &self,
        state: &mut State,
        effects: &mut Effects,
        source: Box<dyn Source>,
    ) -> Reference {
        let producer = Producer {
            credit: state.peer.window,
            waker: None,
            wants_room: false,
        };
        let passed = state.passed();
        passed.last_stream += 1;
        let id = passed.last_stream;
        passed.producers.insert(id, producer);
        if let Some(session) = self.this.upgrade() {
            effects.more().pumps.push(Pump {
                session,
                id,
                source,
            });
        }
        Reference::Stream(id)
    }

    pub(super) fn import_stream(
        &self,
        state: &mut State,
        id: u64,
        lifeline: Option<&Arc<Lifeline>>,
    ) -> Result<Attachment, Disconnected> {
        let limits = &self.settings.limits;
        let consumers = &mut state.passed().consumers;
        if consumers.len() as u64 >= limits.max_streams {
            let message = "more streams were opened than this side takes".to_owned();
            return Err(Disconnected::Protocol(message));
        }
        // The one that is there stays: what it holds must not be dropped while the state is locked.
        let Entry::Vacant(entry) = consumers.entry(id) else {
            let message = format!("stream {id} was opened twice");
            return Err(Disconnected::Protocol(message));
        };
        let Some(session) = lifeline else {
            state.push(&Message::Stop(id));
            return Ok(Arc::new(super::Missing));
        };
        entry.insert(Consumer {
            granted: limits.window,
            ..Consumer::default()
        });
        Ok(Arc::new(Incoming {
            session: Arc::clone(session),
            id,
            taken: AtomicBool::new(false),
        }))
    }

    /// Takes an item from the other end.
    pub(super) fn item(
        &self,
        state: &mut State,
        effects: &mut Effects,
        id: u64,
        item: Payload,
        cost: u64,
    ) -> Result<(), Disconnected> {
        let passed = state.passed();
        let Some(consumer) = passed.consumers.get_mut(&id) else {
            // It was stopped, and the item was under way.
            effects.drop(item);
            return Ok(());
        };
        if consumer.is_stopped {
            effects.drop(item);
            return Ok(());
        }
        if consumer.granted == 0 || consumer.end.is_some() {
            effects.drop(item);
            let message = format!("an item of stream {id} that was not granted");
            return Err(Disconnected::Protocol(message));
        }
        effects.wake(consumer.waker.take());
        // A last item may cost more than is granted; but not in very many streams that nobody reads.
        if cost > consumer.granted && !fits(passed.unread, cost, self.settings.max_backlog) {
            let fault = overloaded(TOO_MUCH_UNREAD);
            consumer.is_stopped = true;
            consumer.end = Some(Err(StreamError::Fault(fault)));
            effects.drop(item);
            state.push(&Message::Stop(id));
            return Ok(());
        }
        if self.reserve(state, cost).is_err() {
            let passed = state.passed();
            if let Some(consumer) = passed.consumers.get_mut(&id) {
                consumer.is_stopped = true;
                let fault = overloaded("there is no room for the items of the stream");
                consumer.end = Some(Err(StreamError::Fault(fault)));
            }
            effects.drop(item);
            state.push(&Message::Stop(id));
            return Ok(());
        }
        let passed = state.passed();
        let Some(consumer) = passed.consumers.get_mut(&id) else {
            return Ok(());
        };
        consumer.granted = consumer.granted.saturating_sub(cost);
        consumer.items.push_back((item, cost));
        passed.unread += cost;
        Ok(())
    }

    /// Takes note of the end of a stream from the other end.
    pub(super) fn stream_ended(&self, id: u64, fault: Option<Fault>, cost: u64) {
        self.change(|state, effects| {
            let passed = state.passed();
            let Some(consumer) = passed.consumers.get_mut(&id) else {
                return;
            };
            if consumer.end.is_some() {
                return;
            }
            // No credit is needed for an end, but a fault may be long.
            let fault = fault.map(|fault| {
                if !fits(passed.unread, cost, self.settings.max_backlog) {
                    return overloaded(TOO_MUCH_UNREAD);
                }
                consumer.end_cost = cost;
                passed.unread += cost;
                fault
            });
            consumer.end = Some(fault.map_or(Ok(()), |fault| Err(StreamError::Fault(fault))));
            effects.wake(consumer.waker.take());
        });
    }

    /// Takes note that more may be sent.
    pub(super) fn credited(&self, id: u64, bytes: u64) {
        self.change(|state, effects| {
            if let Some(producer) = state.passed().producers.get_mut(&id) {
                producer.credit = producer.credit.saturating_add(bytes);
                effects.wake(producer.waker.take());
            }
        });
    }

    /// Takes note that no more is wanted.
    pub(super) fn stopped(&self, id: u64) {
        self.change(|state, effects| {
            if let Some(producer) = state.passed().producers.remove(&id) {
                effects.wake(producer.waker);
            }
        });
    }
}

impl State {
    /// Wakes those that wait until less is to be written.
    pub(super) fn tell_room(&mut self, effects: &mut Effects) {
        let has_room = self.has_room();
        let Some(passed) = self.passed.as_deref_mut().filter(|_| has_room) else {
            return;
        };
        for id in passed.want_room.drain(..) {
            if let Some(producer) = passed.producers.get_mut(&id) {
                producer.wants_room = false;
                effects.wake(producer.waker.take());
            }
        }
    }

    /// Ends all streams, as the connection did.
    pub(super) fn fail_streams(&mut self, reason: &Disconnected, effects: &mut Effects) {
        let Some(passed) = &mut self.passed else {
            return;
        };
        passed.want_room.clear();
        for producer in in_order(passed.producers.drain()) {
            effects.wake(producer.waker);
        }
        for consumer in in_order(&mut passed.consumers) {
            if consumer.end.is_none() {
                consumer.end = Some(Err(StreamError::Disconnected(reason.clone())));
            }
            effects.wake(consumer.waker.take());
        }
    }
}

/// Sends the items of a stream, as far as they are granted.
pub(super) struct Pump {
    session: Arc<Session>,
    id: u64,
    source: Box<dyn Source>,
}

enum Turn {
    Ready,
    Wait,
    Over,
}

impl Pump {
    /// Whether an item may be sent now.
    fn turn(&self, cx: &Context<'_>) -> Turn {
        self.session.change(|state, _| {
            let has_room = state.has_room();
            let passed = state.passed();
            let Some(producer) = passed.producers.get_mut(&self.id) else {
                return Turn::Over;
            };
            // Whatever happens to the stream, or to its source, wakes this task.
            producer.waker = Some(cx.waker().clone());
            if producer.credit == 0 {
                return Turn::Wait;
            }
            if !has_room {
                if !std::mem::replace(&mut producer.wants_room, true) {
                    passed.want_room.push(self.id);
                }
                return Turn::Wait;
            }
            Turn::Ready
        })
    }

    fn send(&self, item: Payload) -> Result<(), Fault> {
        self.session.change(|state, effects| {
            if !state.passed().producers.contains_key(&self.id) {
                effects.drop(item);
                return Ok(());
            }
            let limit = state.peer.max_message.min(self.session.settings.max_reply);
            let checked = check(limit, item.as_slice().len(), item.attachments());
            let checked = checked.map_err(Fault::internal);
            let reserved = checked.and_then(|()| {
                let cost = cost(item.as_slice().len(), item.attachments().len());
                self.session.reserve(state, cost).map_err(NoRoom::of_reply)
            });
            let exported =
                reserved.and_then(|()| self.session.export(state, effects, item.attachments()));
            let result = exported.map(|references| {
                let length = state.push_with(|out| {
                    message::write_item(self.id, &references, out);
                    out.extend_from_slice(item.as_slice());
                });
                if let Some(producer) = state.passed().producers.get_mut(&self.id) {
                    let cost = cost(length, references.len());
                    producer.credit = producer.credit.saturating_sub(cost);
                }
            });
            effects.drop(item);
            result
        })
    }

    fn end(&self, fault: Option<&Fault>) {
        let with_causes = self.session.settings.sends_causes;
        self.session.change(|state, _| {
            if state.passed().producers.remove(&self.id).is_some() {
                state.push_with(|out| message::write_end(self.id, fault, with_causes, out));
            }
        });
    }
}

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BURST {
            match self.turn(cx) {
                Turn::Ready => {}
                Turn::Wait => return Poll::Pending,
                Turn::Over => return Poll::Ready(()),
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
            super::incoming::log(&fault, "a stream failed");
            self.end(Some(&self.session.told(fault)));
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A source that panics ends its stream like one that fails.
impl Drop for Pump {
    fn drop(&mut self) {
        self.end(Some(&Fault::internal("the stream was given up")));
    }
}

/// A stream that comes from the other end.
pub(in crate::rpc) struct Incoming {
    session: Arc<Lifeline>,
    id: u64,
    /// Whether somebody reads it: a stream can be received once.
    taken: AtomicBool,
}

impl Incoming {
    /// Whether this is the first to ask for it.
    pub(in crate::rpc) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Relaxed)
    }

    /// The same items, to be passed on as they are.
    pub(in crate::rpc) fn relay(self: Arc<Self>) -> Box<dyn Source> {
        Box::new(Relay(self))
    }

    /// The encoding of the items.
    pub(in crate::rpc) fn encoding(&self) -> Encoding {
        self.session.encoding
    }

    /// The next item; nothing at the end.
    pub(in crate::rpc) fn poll_next(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        self.session.change(|state, effects| {
            let connected = state.is_connected();
            let passed = state.passed();
            let Some(consumer) = passed.consumers.get_mut(&self.id) else {
                return Poll::Ready(None);
            };
            if let Some((item, cost)) = consumer.items.pop_front() {
                consumer.taken += cost;
                passed.unread -= cost;
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
                    passed.unread -= consumer.end_cost;
                    effects.drop(passed.consumers.remove(&self.id));
                    match end {
                        Ok(()) => Poll::Ready(None),
                        Err(error) => Poll::Ready(Some(Err(error))),
                    }
                }
            }
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.session.change(|state, effects| {
            let passed = state.passed();
            if let Some(consumer) = passed.consumers.remove(&self.id) {
                passed.unread -= consumer.unread();
                if consumer.end.is_none() && state.is_connected() {
                    state.push(&Message::Stop(self.id));
                }
                effects.drop(consumer);
            }
        });
    }
}
