//! A byte stream between two inboxes, without the inboxes: its messages and its state.
//!
//! Each message is a byte for its kind, a place in the stream (8 bytes, big-endian), and bytes. The
//! place of data is the sum of the costs before it, so that a lost message is a gap.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_nats::{Message, StatusCode, Subject};
use bytes::{BufMut as _, Bytes, BytesMut};

/// Cost that a sender may be ahead of the program that receives: NATS has no back-pressure from end
/// to end, and drops messages that nobody reads.
pub(super) const WINDOW: u64 = 256 * 1024;

/// Cost of a message beside its bytes.
const MESSAGE_COST: u64 = 64;

/// Kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum MessageKind {
    /// Opens a stream to the inbox that it is to be answered at.
    Open = 1,
    /// Accepts a stream, from the inbox that it is to be answered at.
    Accept = 2,
    Data = 3,
    /// The receiving program has taken everything up to the place.
    Taken = 4,
    /// No data follows.
    Finish = 5,
    /// The stream does not exist, or no more.
    Reset = 6,
}

/// Length of a message before its bytes.
pub(super) const HEAD: usize = 9;

/// Returns a message.
pub(super) fn message(kind: MessageKind, place: u64, data: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(HEAD + data.len());
    message.put_u8(kind as u8);
    message.put_u64(place);
    message.put_slice(data);
    message.freeze()
}

/// Returns the parts of a message.
pub(super) fn parse(message: &Bytes) -> Option<(MessageKind, u64, Bytes)> {
    let (head, _) = message.split_at_checked(HEAD)?;
    let kind = match head[0] {
        1 => MessageKind::Open,
        2 => MessageKind::Accept,
        3 => MessageKind::Data,
        4 => MessageKind::Taken,
        5 => MessageKind::Finish,
        6 => MessageKind::Reset,
        _ => return None,
    };
    let place = head[1..].iter();
    let place = place.fold(0, |place, byte| place << 8 | u64::from(*byte));
    Some((kind, place, message.slice(HEAD..)))
}

/// Returns the cost of data.
pub(super) const fn cost(data: &[u8]) -> u64 {
    MESSAGE_COST + data.len() as u64
}

/// Returns the longest data whose cost is at most `cost`.
pub(super) fn longest(cost: u64) -> usize {
    usize::try_from(cost.saturating_sub(MESSAGE_COST)).unwrap_or(usize::MAX)
}

/// State of a stream, which the messages for its inbox change.
#[derive(Default)]
pub(super) struct StreamState(Mutex<Ends>);

#[derive(Default)]
struct Ends {
    peer: Option<Subject>,
    received: VecDeque<Bytes>,
    /// Cost of all data that was received.
    place: u64,
    /// Cost of the data that the program has taken.
    taken: u64,
    /// Cost of the sent data that the peer's program has taken.
    taken_by_peer: u64,
    is_finished: bool,
    failure: Option<io::ErrorKind>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl StreamState {
    /// Creates the state of a stream from a peer.
    pub(super) fn accepted(peer: Subject) -> Self {
        Self(Mutex::new(Ends {
            peer: Some(peer),
            ..Ends::default()
        }))
    }

    /// Handles a message for the inbox.
    pub(super) fn on_message(&self, message: Message) {
        let mut ends = self.ends();
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            let failure = match ends.peer {
                None => io::ErrorKind::ConnectionRefused,
                Some(_) => io::ErrorKind::ConnectionReset,
            };
            return ends.fail(failure);
        }
        let Some((kind, place, data)) = parse(&message.payload) else {
            return ends.fail(io::ErrorKind::InvalidData);
        };
        match kind {
            MessageKind::Accept if ends.peer.is_none() && message.reply.is_some() => {
                ends.peer = message.reply;
            }
            // A message that was lost.
            MessageKind::Data | MessageKind::Finish if place != ends.place || ends.is_finished => {
                return ends.fail(io::ErrorKind::InvalidData);
            }
            // A peer that ignores the window. Data of no length would be read as the end.
            MessageKind::Data if data.is_empty() || !ends.has_room(&data) => {
                return ends.fail(io::ErrorKind::InvalidData);
            }
            MessageKind::Data => {
                ends.place += cost(&data);
                ends.received.push_back(data);
            }
            MessageKind::Finish => ends.is_finished = true,
            MessageKind::Taken => ends.taken_by_peer = ends.taken_by_peer.max(place),
            MessageKind::Reset => return ends.fail(io::ErrorKind::ConnectionReset),
            MessageKind::Open | MessageKind::Accept => {
                return ends.fail(io::ErrorKind::InvalidData);
            }
        }
        ends.wake();
    }

    /// Ends the stream. What was received before can still be read.
    pub(super) fn fail(&self, failure: io::ErrorKind) {
        self.ends().fail(failure);
    }

    /// The inbox of the peer, once it is known.
    pub(super) fn peer(&self) -> Option<Subject> {
        self.ends().peer.clone()
    }

    /// Completes with the inbox of the peer once it has accepted the stream.
    pub(super) fn poll_accepted(&self, cx: &mut Context<'_>) -> Poll<io::Result<Subject>> {
        let mut ends = self.ends();
        match (&ends.peer, ends.failure) {
            (Some(peer), _) => Poll::Ready(Ok(peer.clone())),
            (None, Some(failure)) => Poll::Ready(Err(failure.into())),
            (None, None) => {
                ends.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Completes with the next data, or with none at the end of the stream.
    pub(super) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut ends = self.ends();
        if let Some(data) = ends.received.pop_front() {
            ends.taken += cost(&data);
            return Poll::Ready(Ok(data));
        }
        match ends.failure {
            _ if ends.is_finished => Poll::Ready(Ok(Bytes::new())),
            Some(failure) => Poll::Ready(Err(failure.into())),
            None => {
                ends.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Cost of the data that the program has taken.
    pub(super) fn taken(&self) -> u64 {
        self.ends().taken
    }

    /// Completes with the cost that can be sent beyond `sent`, once that is at least `least`.
    pub(super) fn poll_room(
        &self,
        sent: u64,
        least: u64,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<u64>> {
        let mut ends = self.ends();
        if let Some(failure) = ends.failure {
            return Poll::Ready(Err(failure.into()));
        }
        // A peer cannot have taken more than was sent.
        let under_way = sent.saturating_sub(ends.taken_by_peer);
        let room = WINDOW.saturating_sub(under_way);
        if room < least.min(WINDOW) {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(room))
    }

    /// Returns `true` if the peer sends nothing more, and need not be told of the end.
    pub(super) fn is_over(&self) -> bool {
        let ends = self.ends();
        ends.is_finished || ends.failure.is_some()
    }

    /// Returns the state, also if a thread panicked while it had it: each change is whole.
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ends {
    /// Returns `true` if data is within the window.
    fn has_room(&self, data: &[u8]) -> bool {
        self.place + cost(data) <= self.taken + WINDOW
    }

    fn fail(&mut self, failure: io::ErrorKind) {
        self.failure.get_or_insert(failure);
        self.wake();
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(state: &StreamState, kind: MessageKind, place: u64, data: &[u8]) {
        state.on_message(Message {
            subject: "inbox".into(),
            reply: None,
            payload: message(kind, place, data),
            headers: None,
            status: None,
            description: None,
            length: 0,
        });
    }

    fn read(state: &StreamState) -> Poll<io::Result<Bytes>> {
        state.poll_receive(&mut Context::from_waker(Waker::noop()))
    }

    fn next(state: &StreamState) -> Result<Bytes, io::ErrorKind> {
        match read(state) {
            Poll::Ready(read) => read.map_err(|error| error.kind()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock),
        }
    }

    #[test]
    fn data_is_read_before_the_end() {
        let state = StreamState::accepted("peer".into());
        assert_eq!(next(&state), Err(io::ErrorKind::WouldBlock));
        receive(&state, MessageKind::Data, 0, b"ab");
        receive(&state, MessageKind::Data, 66, b"c");
        receive(&state, MessageKind::Finish, 131, b"");
        receive(&state, MessageKind::Reset, 0, b"");
        assert_eq!(next(&state).as_deref(), Ok(&b"ab"[..]));
        assert_eq!(next(&state).as_deref(), Ok(&b"c"[..]));
        assert_eq!(next(&state).as_deref(), Ok(&b""[..]));
        assert_eq!(state.taken(), 131);
    }

    #[test]
    fn a_gap_ends_the_stream() {
        let state = StreamState::accepted("peer".into());
        receive(&state, MessageKind::Data, 0, b"ab");
        receive(&state, MessageKind::Data, 132, b"c");
        assert_eq!(next(&state).as_deref(), Ok(&b"ab"[..]));
        assert_eq!(next(&state), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn a_peer_beyond_the_window_ends_the_stream() {
        let state = StreamState::accepted("peer".into());
        let data = vec![0; 64 * 1024 - 64];
        for place in 0..4 {
            receive(&state, MessageKind::Data, place * 64 * 1024, &data);
        }
        receive(&state, MessageKind::Data, WINDOW, b"x");
        let read: Vec<_> = (0..5).map(|_| next(&state)).collect();
        assert!(read[3].is_ok(), "{read:?}");
        assert_eq!(read[4], Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn data_of_no_length_ends_the_stream() {
        let state = StreamState::accepted("peer".into());
        receive(&state, MessageKind::Data, 0, b"ab");
        receive(&state, MessageKind::Data, 66, b"");
        assert_eq!(next(&state).as_deref(), Ok(&b"ab"[..]));
        assert_eq!(next(&state), Err(io::ErrorKind::InvalidData));
        // The end needs no room.
        let state = StreamState::accepted("peer".into());
        let data = vec![0; 64 * 1024 - 64];
        for place in 0..4 {
            receive(&state, MessageKind::Data, place * 64 * 1024, &data);
        }
        receive(&state, MessageKind::Finish, WINDOW, b"");
        let read: Vec<_> = (0..5)
            .map(|_| next(&state).map(|data| data.len()))
            .collect();
        assert_eq!(read[3..], [Ok(data.len()), Ok(0)]);
    }

    #[test]
    fn a_sender_waits_for_room_and_believes_no_more_than_it_sent() {
        let state = StreamState::accepted("peer".into());
        let room = |sent, least| {
            let room = state.poll_room(sent, least, &mut Context::from_waker(Waker::noop()));
            room.map(|room| room.unwrap())
        };
        assert_eq!(room(0, 1), Poll::Ready(WINDOW));
        assert_eq!(room(WINDOW, 1), Poll::Pending);
        receive(&state, MessageKind::Taken, 1000, b"");
        assert_eq!(room(WINDOW, 1000), Poll::Ready(1000));
        assert_eq!(room(WINDOW, 1001), Poll::Pending);
        receive(&state, MessageKind::Taken, u64::MAX, b"");
        assert_eq!(room(WINDOW, 1), Poll::Ready(WINDOW));
    }

    #[test]
    fn messages_survive_and_others_are_refused() {
        let bytes = message(MessageKind::Data, u64::MAX - 1, b"abc");
        let parsed = parse(&bytes).unwrap();
        assert_eq!(
            parsed,
            (MessageKind::Data, u64::MAX - 1, Bytes::from_static(b"abc"))
        );
        assert!(parse(&Bytes::from_static(b"\x03short")).is_none());
        assert!(parse(&Bytes::from_static(b"\x09........")).is_none());
    }
}
