//! How much may be made of a pickle: what its machine builds, and what is read of that once more.
//!
//! A pickle can refer to the same value very often, with two bytes each time. So each is counted wherever it is
//! made or read, and so is what there is to be done for it.

use std::cell::Cell;

/// So many bytes of texts that are gone through again count as a value.
const BYTES: usize = 64;

/// So many numbers that bytes are read as again count as a value.
const NUMBERS: usize = 8;

/// What is left of the limit of values.
#[derive(Debug)]
pub(super) struct ValueCounter {
    max_values: usize,
    values: Cell<usize>,
    /// How many bytes can be gone through for nothing: as many as the message has.
    bytes: Cell<usize>,
    /// How many numbers can be made of bytes for nothing.
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

    /// Counts values. Says whether there may be that many; if not, there may be none from then on.
    #[must_use]
    pub(super) fn add_values(&self, count: usize) -> bool {
        let left = self.values.get().checked_sub(count);
        self.values.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Counts bytes that are gone through, or copied.
    #[must_use]
    pub(super) fn add_bytes(&self, count: usize) -> bool {
        self.add_values(beyond(&self.bytes, count) / BYTES)
    }

    /// Counts numbers that bytes are read as.
    #[must_use]
    pub(super) fn add_numbers(&self, count: usize) -> bool {
        self.add_values(beyond(&self.numbers, count) / NUMBERS)
    }
}

/// How many there are beyond those that are free.
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
        assert!(counter.add_bytes(63), "the value that has them counts");
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
