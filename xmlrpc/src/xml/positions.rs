//! Conversion of byte offsets in a message to positions.

use std::cell::Cell;

use farcall_core::Position;
use farcall_core::protocol::Payload;

const START: (usize, Position) = (0, Position { line: 1, column: 1 });

/// Converts offsets in a message to positions. Each position is counted from the previous one.
///
/// A message can have many errors: types can swallow them, and a multicall has one for each entry
/// that fails. Counting each position from the start of a long message would take quadratic time.
pub(crate) struct Positions<'a> {
    message: &'a [u8],
    /// Start of counting for an offset before `last`.
    base: (usize, Position),
    /// The offset and position that were converted last.
    last: Cell<(usize, Position)>,
}

impl<'a> Positions<'a> {
    /// Creates the converter for a whole message.
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self::based(message, START)
    }

    /// Creates the converter for the message of a payload, for offsets from the start of the
    /// payload on.
    pub(crate) fn of_payload(payload: &'a Payload) -> Self {
        let start = payload.start();
        let base = start.map_or(START, |start| (payload.range().start, start));
        Self::based(payload.message(), base)
    }

    const fn based(message: &'a [u8], base: (usize, Position)) -> Self {
        Self {
            message,
            base,
            last: Cell::new(base),
        }
    }

    /// Returns the position of an offset.
    pub(crate) fn of(&self, offset: usize) -> Position {
        let offset = offset.min(self.message.len());
        let mut known = [self.last.get(), self.base].into_iter();
        let (from, position) = known.find(|(from, _)| *from <= offset).unwrap_or(START);
        let position = position_after(position, &self.message[from..offset]);
        self.last.set((offset, position));
        position
    }
}

/// Returns the position after `bytes`, which start at `position`.
pub(crate) fn position_after(position: Position, bytes: &[u8]) -> Position {
    #[cfg(test)]
    work::add(bytes.len());
    position.after(bytes)
}

/// Number of bytes that this thread has scanned for positions.
#[cfg(test)]
pub(crate) mod work {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn add(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    /// Returns the number of bytes scanned since the last call, and resets it.
    pub(crate) fn take() -> usize {
        BYTES.take()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn positions_are_those_of_the_whole_message_wherever_counting_starts() {
        let message = Bytes::from("aé\n<b>\n\n🦀x\nend".as_bytes());
        let end = message.len();
        let offsets = (0..=end).chain((0..=end).rev()).chain([3, 9, 2, 99]);
        for base in 0..=end {
            let start = Position::of(&message, base);
            let part = Payload::part_at(message.clone(), base..end, start);
            let positions = Positions::of_payload(&part);
            for offset in offsets.clone() {
                assert_eq!(positions.of(offset), Position::of(&message, offset));
            }
        }
    }
}
