//! One direction of a connection.

use std::collections::VecDeque;
use std::time::Instant;

use super::run::Run;

/// Bytes that a wire holds before it takes no more.
const CAPACITY: usize = 48 << 10;

/// Bytes on their way, and how they end.
#[derive(Default)]
pub(super) struct Wire {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    length: usize,
    last_arrival: Option<Instant>,
    end: Option<WireEnd>,
}

/// The end behind the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireEnd {
    /// The sender has closed its side.
    Closed,
    /// The connection was cut.
    Cut,
}

/// The next bytes, or the end.
pub(super) enum Arrival {
    Nothing,
    Bytes(Vec<u8>),
    End(WireEnd),
}

impl Wire {
    /// Sends a part of the bytes, and returns its length. A cut wire takes bytes that never arrive.
    pub(super) fn send(&mut self, bytes: &[u8], run: &Run) -> usize {
        let length = bytes.len().min(CAPACITY.saturating_sub(self.length));
        if length == 0 {
            return 0;
        }
        let length = run.part(length);
        if self.end.is_none() {
            let delay = [0, run.below(3_000), run.below(200_000)][run.below(3) as usize];
            let sent = run.now() + std::time::Duration::from_micros(delay);
            let arrival = self.last_arrival.map_or(sent, |last| last.max(sent));
            self.last_arrival = Some(arrival);
            self.pieces.push_back((arrival, bytes[..length].to_vec()));
            self.length += length;
        }
        length
    }

    /// Receives a part of what has arrived.
    pub(super) fn receive(&mut self, run: &Run) -> Arrival {
        let now = run.now();
        let mut bytes = Vec::new();
        let has_arrived = |piece: &&(Instant, Vec<u8>)| piece.0 <= now;
        let arrived = self.pieces.iter().take_while(has_arrived).count();
        for (_, piece) in self.pieces.drain(..arrived) {
            bytes.extend(piece);
        }
        if bytes.is_empty() {
            let is_over = self.pieces.is_empty();
            let end = self.end.filter(|_| is_over);
            return end.map_or(Arrival::Nothing, Arrival::End);
        }
        let rest = bytes.split_off(run.part(bytes.len()));
        if !rest.is_empty() {
            self.pieces.push_front((now, rest));
        }
        self.length -= bytes.len();
        Arrival::Bytes(bytes)
    }

    /// Ends it behind the bytes that are on their way.
    pub(super) fn close(&mut self) {
        self.end.get_or_insert(WireEnd::Closed);
    }

    /// Cuts it: some of the bytes that are on their way do not arrive.
    pub(super) fn cut(&mut self, run: &Run) {
        self.pieces
            .truncate(run.below(self.pieces.len() as u64 + 1) as usize);
        self.length = self.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        self.end = Some(WireEnd::Cut);
    }

    /// Discards all bytes, as nobody receives them any more.
    pub(super) fn kill(&mut self) {
        self.pieces.clear();
        self.length = 0;
        self.end = Some(WireEnd::Cut);
    }
}
