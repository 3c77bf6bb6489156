//! Counter of values, for the limit `max_values`. The machine that builds the nodes uses one, and
//! the decoder that reads the nodes another.
//!
//! A pickle can refer to the same value very often, with two bytes each time. So every value is
//! counted wherever it is built or read, and so is the work that it causes.

use std::cell::Cell;

/// Bytes of texts that count as one value, when they are scanned or copied again.
const BYTES_PER_VALUE: usize = 64;

/// Numbers that count as one value, when bytes are read as numbers again.
const NUMBERS_PER_VALUE: usize = 8;

/// Counts down the values left of the limit.
#[derive(Debug)]
pub(super) struct ValueCounter {
    max_values: usize,
    values: Cell<usize>,
    /// Bytes that may still be scanned without being counted. It starts at the length of the
    /// message.
    bytes: Cell<usize>,
    /// Numbers that may still be read from bytes without being counted. It starts at the length of
    /// the message.
    numbers: Cell<usize>,
}

impl ValueCounter {
    pub(super) const fn new(max_values: usize, message: &[u8]) -> Self {
        Self {
            max_values,
            values: Cell::new(max_values),
            bytes: Cell::new(message.len()),
            numbers: Cell::new(message.len()),
        }
    }

    pub(super) const fn max_values(&self) -> usize {
        self.max_values
    }

    /// Counts values. Returns `false` if they exceed the limit; then no more values are allowed.
    #[must_use]
    pub(super) fn add_values(&self, count: usize) -> bool {
        let left = self.values.get().checked_sub(count);
        self.values.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Counts bytes that are scanned or copied. Returns `false` if they exceed the limit.
    #[must_use]
    pub(super) fn add_bytes(&self, count: usize) -> bool {
        self.add_values(beyond(&self.bytes, count) / BYTES_PER_VALUE)
    }

    /// Counts numbers that are read from bytes. Returns `false` if they exceed the limit.
    #[must_use]
    pub(super) fn add_numbers(&self, count: usize) -> bool {
        self.add_values(beyond(&self.numbers, count) / NUMBERS_PER_VALUE)
    }
}

/// Returns the part of `count` that exceeds `free`, and reduces `free` by the rest.
fn beyond(free: &Cell<usize>, count: usize) -> usize {
    let left = free.get();
    free.set(left.saturating_sub(count));
    count.saturating_sub(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_up_to_the_message_length_are_free() {
        let counter = ValueCounter::new(10, &[0; 100]);
        assert!(counter.add_bytes(60) && counter.add_bytes(40) && counter.add_numbers(100));
        assert!(counter.add_bytes(63), "fewer than 64 bytes do not count");
        assert!(counter.add_values(4));
        assert!(counter.add_bytes(2 * 64) && counter.add_numbers(4 * 8));
        assert!(!counter.add_numbers(8));
    }

    #[test]
    fn an_exceeded_limit_stays_exceeded() {
        let counter = ValueCounter::new(10, &[]);
        assert!(counter.add_values(5));
        assert!(!counter.add_values(6));
        assert!(!counter.add_values(1));
    }
}
