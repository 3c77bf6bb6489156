//! Buffers that nobody uses at the moment. Ten thousand connections that wait for something to come need
//! none: one is taken when bytes come or go, and given back when they are through. As that happens while a
//! task runs, each thread gets along with one of a kind.

use std::cell::Cell;
use std::thread::LocalKey;

/// Up to what size a buffer is kept.
const LARGEST: usize = 64 * 1024;

thread_local! {
    /// Initialised throughout, to be read into.
    static FULL: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// With nothing in it, to be appended to.
    static EMPTY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer of at least `length` bytes, whatever they are.
pub(super) fn full(length: usize) -> Vec<u8> {
    let spare = take(&FULL);
    match spare.len() >= length {
        true => spare,
        false => vec![0; length],
    }
}

/// A buffer without bytes.
pub(super) fn empty() -> Vec<u8> {
    take(&EMPTY)
}

/// Takes back a buffer that was read into.
pub(super) fn keep_full(buffer: Vec<u8>) {
    keep(&FULL, buffer);
}

/// Takes back a buffer that was written to.
pub(super) fn keep_empty(mut buffer: Vec<u8>) {
    buffer.clear();
    keep(&EMPTY, buffer);
}

// Where the thread is about to end there is nobody to keep anything for.

fn take(spare: &'static LocalKey<Cell<Vec<u8>>>) -> Vec<u8> {
    spare.try_with(Cell::take).unwrap_or_default()
}

fn keep(spare: &'static LocalKey<Cell<Vec<u8>>>, buffer: Vec<u8>) {
    if (1..=LARGEST).contains(&buffer.capacity()) {
        drop(spare.try_with(|spare| spare.replace(buffer)));
    }
}
