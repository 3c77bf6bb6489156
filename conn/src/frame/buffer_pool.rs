//! Buffers that nobody uses at the moment. Ten thousand connections that wait for something to come need
//! none: one is taken when bytes come or go, and given back when they are through. As that happens while a
//! task runs, each thread gets along with one of a kind.

use std::cell::Cell;
use std::thread::LocalKey;

/// Up to what size a buffer is kept.
const MAX_POOLED: usize = 64 * 1024;

thread_local! {
    /// Initialised throughout, to be read into.
    static READ_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// With nothing in it, to be appended to.
    static WRITE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer of at least `length` bytes, whatever they are.
pub(super) fn take_read_buffer(length: usize) -> Vec<u8> {
    let buffer = take(&READ_BUFFER);
    match buffer.len() >= length {
        true => buffer,
        false => vec![0; length],
    }
}

/// A buffer without bytes.
pub(super) fn take_write_buffer() -> Vec<u8> {
    take(&WRITE_BUFFER)
}

/// Takes back a buffer that was read into.
pub(super) fn release_read_buffer(buffer: Vec<u8>) {
    release(&READ_BUFFER, buffer);
}

/// Takes back a buffer that was written to.
pub(super) fn release_write_buffer(mut buffer: Vec<u8>) {
    buffer.clear();
    release(&WRITE_BUFFER, buffer);
}

// Where the thread is about to end there is nobody to keep anything for.

fn take(pool: &'static LocalKey<Cell<Vec<u8>>>) -> Vec<u8> {
    pool.try_with(Cell::take).unwrap_or_default()
}

fn release(pool: &'static LocalKey<Cell<Vec<u8>>>, buffer: Vec<u8>) {
    if (1..=MAX_POOLED).contains(&buffer.capacity()) {
        drop(pool.try_with(|pooled| pooled.replace(buffer)));
    }
}
