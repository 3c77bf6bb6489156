//! The streams of a session: items that one side sends at the pace of the other.
//!
//! The receiver grants credit, and more of it as its program takes items. The producer sends while
//! it has credit: the last item may cost more than is left, and none follows until more credit is
//! granted. The producer owes the difference: if it did not, the two sides would disagree about the
//! credit that is left whenever more of it is on its way at that time.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::task::{Context, Poll, Waker};

use farcall_core::Fault;
use farcall_core::protocol::{NoRoom, Payload};

use super::deferred::{DeferredDrop, replace_waker};
use super::outbox::Outbox;
use super::settings::Settings;
use super::tables::{Map, in_order};
use crate::rpc::error::{Disconnected, StreamError, Violation, overloaded};
use crate::rpc::message::{Message, SessionLimits, fits};

/// Fault message of a stream that fails because its session has too many unread items.
const TOO_MUCH_UNREAD: &str = "too many items on the streams of this connection are unread";

/// All streams of a session. The tables are allocated on first use: most sessions have no streams.
#[derive(Default)]
pub(super) struct Streams(Option<Box<StreamTables>>);

#[derive(Default)]
struct StreamTables {
    producers: Map<u64, Producer>,
    last_id: u64,
    /// Producers that wait for room in the outbox.
    blocked: Vec<u64>,
    consumers: Map<StreamKey, Consumer>,
    /// Number of these that have not ended. They count against the limit, as they do at the peer.
    receiving: usize,
    /// Number of new sessions that the peer began after the first.
    restarts: u64,
    /// Cost of the items that were received and not taken.
    unread_cost: u64,
}

/// Key of a stream that the peer sends. In a new session, its ids start again, but streams of the
/// former one may have unread items.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rpc) struct StreamKey {
    restarts: u64,
    id: u64,
}

/// A stream that the local side sends.
struct Producer {
    /// Negative if the last item cost more than was left.
    credit: i64,
    waker: Option<Waker>,
    /// `true` if the stream is in the list of those that wait for room in the outbox.
    is_blocked: bool,
}

/// A stream that the local side receives.
#[derive(Default)]
struct Consumer {
    /// Items that were received and not taken, with the [cost](crate::rpc::message::cost) of each
    /// message.
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

impl DeferredDrop for Consumer {}

impl Consumer {
    /// Stops the stream: the local side has no room for its items.
    fn fail(&mut self, message: &str) {
        self.is_stopped = true;
        self.end = Some(Err(StreamError::Fault(overloaded(message))));
    }

    /// Returns the cost of all that was received and not taken.
    fn unread_cost(&self) -> u64 {
        self.items.iter().map(|(_, cost)| cost).sum::<u64>() + self.end_cost
    }
}

impl StreamTables {
    /// Returns the key of the stream to which the peer gave this id in the current session.
    const fn key(&self, id: u64) -> StreamKey {
        let restarts = self.restarts;
        StreamKey { restarts, id }
    }
}

/// Returns the number, or the largest one that has a sign. The peer chooses its credit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Readiness of a producer to send an item.
pub(super) enum SendReadiness {
    Ready,
    Blocked,
    Closed,
}

impl Streams {
    fn tables(&mut self) -> &mut StreamTables {
        self.0.get_or_insert_default()
    }

    fn producer(&mut self, id: u64) -> Option<&mut Producer> {
        self.0.as_mut()?.producers.get_mut(&id)
    }

    /// Returns the number of streams that the local side sends.
    pub(super) fn outgoing(&self) -> usize {
        self.0.as_ref().map_or(0, |tables| tables.producers.len())
    }

    /// Returns the number of open streams, in both directions.
    pub(super) fn len(&self) -> usize {
        let receiving = self.0.as_ref().map_or(0, |tables| tables.receiving);
        self.outgoing() + receiving
    }

    /// Returns `true` if no more items will be sent or received.
    pub(super) fn is_idle(&self) -> bool {
        self.len() == 0
    }

    /// Begins with the ids of a new session of the peer. All streams have ended.
    pub(super) fn restart(&mut self) {
        if let Some(tables) = &mut self.0 {
            tables.restarts += 1;
        }
    }

    /// Returns the cost of the items that were received and not taken.
    pub(super) fn unread_cost(&self) -> u64 {
        self.0.as_ref().map_or(0, |tables| tables.unread_cost)
    }

    /// Opens a stream that the local side sends, and returns its id.
    pub(super) fn open_outgoing(&mut self, credit: u64) -> u64 {
        let tables = self.tables();
        tables.last_id += 1;
        let producer = Producer {
            credit: signed(credit),
            waker: None,
            is_blocked: false,
        };
        tables.producers.insert(tables.last_id, producer);
        tables.last_id
    }

    /// Checks whether an item can be sent now. Otherwise the task is woken when it can.
    pub(super) fn poll_ready(
        &mut self,
        id: u64,
        cx: &Context<'_>,
        outbox: &mut Outbox,
    ) -> SendReadiness {
        let tables = self.tables();
        let Some(producer) = tables.producers.get_mut(&id) else {
            return SendReadiness::Closed;
        };
        // Every change of the stream or its source wakes this task.
        outbox.drop(replace_waker(&mut producer.waker, cx.waker()));
        if producer.credit <= 0 {
            return SendReadiness::Blocked;
        }
        if !outbox.has_room() {
            if !std::mem::replace(&mut producer.is_blocked, true) {
                tables.blocked.push(id);
            }
            return SendReadiness::Blocked;
        }
        SendReadiness::Ready
    }

    /// Returns `true` if the stream is one that the local side sends.
    pub(super) fn is_sending(&mut self, id: u64) -> bool {
        self.producer(id).is_some()
    }

    /// Takes the cost of an item that was sent from the credit of its stream.
    pub(super) fn on_sent(&mut self, id: u64, cost: u64) {
        if let Some(producer) = self.producer(id) {
            producer.credit = producer.credit.saturating_sub(signed(cost));
        }
    }

    /// Closes a stream that the local side sends. Returns `false` if it was closed before.
    pub(super) fn close_outgoing(&mut self, id: u64) -> bool {
        let tables = self.0.as_mut();
        tables.is_some_and(|tables| tables.producers.remove(&id).is_some())
    }

    /// Adds credit to a stream that the local side sends.
    pub(super) fn on_credit(&mut self, id: u64, bytes: u64, outbox: &mut Outbox) {
        if let Some(producer) = self.producer(id) {
            producer.credit = producer.credit.saturating_add(signed(bytes));
            outbox.wake(producer.waker.take());
        }
    }

    /// Closes a stream that the peer no longer reads.
    pub(super) fn on_stop(&mut self, id: u64, outbox: &mut Outbox) {
        if let Some(tables) = &mut self.0
            && let Some(producer) = tables.producers.remove(&id)
        {
            outbox.wake(producer.waker);
        }
    }

    /// Returns `true` if streams wait for room in the outbox.
    pub(super) fn has_blocked(&self) -> bool {
        let tables = self.0.as_ref();
        tables.is_some_and(|tables| !tables.blocked.is_empty())
    }

    /// Wakes the streams that wait for room in the outbox.
    pub(super) fn wake_blocked(&mut self, outbox: &mut Outbox) {
        let Some(tables) = &mut self.0 else {
            return;
        };
        for id in tables.blocked.drain(..) {
            if let Some(producer) = tables.producers.get_mut(&id) {
                producer.is_blocked = false;
                outbox.wake(producer.waker.take());
            }
        }
    }

    /// Opens a stream that the peer sends. If nobody will read it, only checks that the peer may
    /// open it.
    pub(super) fn open_incoming(
        &mut self,
        id: u64,
        limits: &SessionLimits,
        is_read: bool,
    ) -> Result<StreamKey, Violation> {
        let tables = self.tables();
        if tables.receiving as u64 >= limits.max_streams {
            return Err(Violation::TooManyStreams);
        }
        let key = tables.key(id);
        // The existing stream stays: its items must not be dropped while the session is locked.
        let Entry::Vacant(entry) = tables.consumers.entry(key) else {
            return Err(Violation::ReopenedStream(id));
        };
        if is_read {
            entry.insert(Consumer {
                granted: limits.window,
                ..Consumer::default()
            });
            tables.receiving += 1;
        }
        Ok(key)
    }

    /// Handles an item from the peer. `reserve` reserves room for its cost in the budget.
    pub(super) fn on_item(
        &mut self,
        id: u64,
        (item, cost): (Payload, u64),
        settings: &Settings,
        reserve: impl FnOnce() -> Result<(), NoRoom>,
        outbox: &mut Outbox,
    ) -> Result<(), Violation> {
        let tables = self.tables();
        let key = tables.key(id);
        let consumer = tables.consumers.get_mut(&key);
        let Some(consumer) = consumer.filter(|consumer| !consumer.is_stopped) else {
            // The stream was stopped while the item was in flight.
            outbox.drop(item);
            return Ok(());
        };
        if consumer.granted == 0 || consumer.end.is_some() {
            outbox.drop(item);
            return Err(Violation::UngrantedItem(id));
        }
        outbox.wake(consumer.waker.take());
        // The last item may cost more than the credit left, but the total over all streams is
        // limited.
        let max_unread = if cost > consumer.granted {
            settings.max_backlog
        } else {
            settings.max_unread()
        };
        if !fits(tables.unread_cost, cost, max_unread) {
            consumer.fail(TOO_MUCH_UNREAD);
        } else if reserve().is_err() {
            consumer.fail("the memory budget has no room for the items of the stream");
        } else {
            consumer.granted = consumer.granted.saturating_sub(cost);
            consumer.items.push_back((item, cost));
            tables.unread_cost += cost;
            return Ok(());
        }
        tables.receiving -= 1;
        outbox.drop(item);
        outbox.push(&Message::Stop(id));
        Ok(())
    }

    /// Handles the end of a stream that the peer sends.
    pub(super) fn on_end(
        &mut self,
        id: u64,
        (fault, cost): (Option<Fault>, u64),
        max_unread: u64,
        outbox: &mut Outbox,
    ) {
        let tables = self.tables();
        let key = tables.key(id);
        let consumer = tables.consumers.get_mut(&key);
        let Some(consumer) = consumer.filter(|consumer| consumer.end.is_none()) else {
            return;
        };
        tables.receiving -= 1;
        consumer.end = Some(match fault {
            None => Ok(()),
            // The end of a stream needs no credit, but its fault may be long.
            Some(fault) if fits(tables.unread_cost, cost, max_unread) => {
                consumer.end_cost = cost;
                tables.unread_cost += cost;
                Err(StreamError::Fault(fault))
            }
            Some(_) => Err(StreamError::Fault(overloaded(TOO_MUCH_UNREAD))),
        });
        outbox.wake(consumer.waker.take());
    }

    /// Returns the next item of a stream that the peer sends, `None` at the end, and grants more
    /// credit once half of the window is taken.
    pub(super) fn poll_item(
        &mut self,
        key: StreamKey,
        cx: &Context<'_>,
        window: u64,
        outbox: &mut Outbox,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        let tables = self.tables();
        let Some(consumer) = tables.consumers.get_mut(&key) else {
            return Poll::Ready(None);
        };
        if let Some((item, cost)) = consumer.items.pop_front() {
            consumer.taken += cost;
            tables.unread_cost -= cost;
            if consumer.taken >= window / 2 && consumer.end.is_none() {
                let bytes = std::mem::take(&mut consumer.taken);
                consumer.granted = consumer.granted.saturating_add(bytes);
                let stream = key.id;
                outbox.push(&Message::Credit { stream, bytes });
            }
            return Poll::Ready(Some(Ok(item)));
        }
        let Some(end) = consumer.end.take() else {
            outbox.drop(replace_waker(&mut consumer.waker, cx.waker()));
            return Poll::Pending;
        };
        tables.unread_cost -= consumer.end_cost;
        outbox.drop(tables.consumers.remove(&key));
        Poll::Ready(end.err().map(Err))
    }

    /// Stops a stream that the local side no longer reads.
    pub(super) fn close_incoming(&mut self, key: StreamKey, outbox: &mut Outbox) {
        let tables = self.tables();
        if let Some(consumer) = tables.consumers.remove(&key) {
            tables.unread_cost -= consumer.unread_cost();
            if consumer.end.is_none() {
                tables.receiving -= 1;
                outbox.push(&Message::Stop(key.id));
            }
            outbox.drop(consumer);
        }
    }

    /// Ends all streams when the connection is lost.
    pub(super) fn fail_all(&mut self, reason: &Disconnected, outbox: &mut Outbox) {
        let Some(tables) = &mut self.0 else {
            return;
        };
        tables.blocked.clear();
        for producer in in_order(tables.producers.drain()) {
            outbox.wake(producer.waker);
        }
        tables.receiving = 0;
        for consumer in in_order(&mut tables.consumers) {
            if consumer.end.is_none() {
                consumer.end = Some(Err(StreamError::Disconnected(reason.clone())));
            }
            outbox.wake(consumer.waker.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The receiver has granted 50 when an item of 100 arrives that was sent with a credit of 10.
    /// So it has granted nothing more, and the producer must not send because of these 50.
    #[test]
    fn an_item_over_the_credit_is_owed_also_if_more_credit_is_on_its_way() {
        let (mut streams, mut outbox) = (Streams::default(), Outbox::new());
        let cx = Context::from_waker(Waker::noop());
        let id = streams.open_outgoing(10);
        streams.on_sent(id, 100);
        streams.on_credit(id, 50, &mut outbox);
        let ready = streams.poll_ready(id, &cx, &mut outbox);
        assert!(matches!(ready, SendReadiness::Blocked));
        streams.on_credit(id, 41, &mut outbox);
        let ready = streams.poll_ready(id, &cx, &mut outbox);
        assert!(matches!(ready, SendReadiness::Ready));
        streams.on_credit(id, u64::MAX, &mut outbox);
        let ready = streams.poll_ready(id, &cx, &mut outbox);
        assert!(matches!(ready, SendReadiness::Ready));
    }
}
