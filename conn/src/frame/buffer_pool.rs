//! Pool of one read buffer and one write buffer per thread. Idle connections, of which there may be
//! ten thousand, hold no buffer: one is taken when bytes are read or written, and released
//! afterwards. Both happen while a task runs, so one buffer of each kind per thread is enough.

use std::cell::Cell;
use std::thread::LocalKey;

/// Maximum size of a pooled buffer, in bytes.
const MAX_POOLED: usize = 64 * 1024;

thread_local! {
    /// Initialised throughout, for reads.
    static READ_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Empty, to append to.
    static WRITE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes a buffer of at least `length` bytes with arbitrary content.
pub(super) fn take_read_buffer(length: usize) -> Vec<u8> {
    let buffer = take(&READ_BUFFER);
    if buffer.len() >= length {
        buffer
    } else {
        vec![0; length]
    }
}

/// Takes an empty buffer.
pub(super) fn take_write_buffer() -> Vec<u8> {
    take(&WRITE_BUFFER)
}

/// Releases a buffer of [`take_read_buffer`].
pub(super) fn release_read_buffer(buffer: Vec<u8>) {
    release(&READ_BUFFER, buffer);
}

/// Releases a buffer of [`take_write_buffer`].
pub(super) fn release_write_buffer(mut buffer: Vec<u8>) {
    buffer.clear();
    release(&WRITE_BUFFER, buffer);
}

// Thread-local values are not available while a thread exits; buffers are not pooled then.

fn take(pool: &'static LocalKey<Cell<Vec<u8>>>) -> Vec<u8> {
    pool.try_with(Cell::take).unwrap_or_default()
}

fn release(pool: &'static LocalKey<Cell<Vec<u8>>>, buffer: Vec<u8>) {
    if (1..=MAX_POOLED).contains(&buffer.capacity()) {
        drop(pool.try_with(|pooled| pooled.replace(buffer)));
    }
}
