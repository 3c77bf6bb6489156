//! Buffers that nobody uses at the moment. Ten thousand connections that wait for something to come need
//! none: one is taken when bytes come or go, and given back when they are through.

use std::cell::RefCell;

/// How many of a kind each thread keeps, and up to what size.
const MOST: usize = 16;
const LARGEST: usize = 64 * 1024;

thread_local! {
    /// Initialised throughout, to be read into.
    static FULL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// With nothing in them, to be appended to.
    static EMPTY: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of at least `length` bytes, whatever they are.
pub(super) fn full(length: usize) -> Vec<u8> {
    let spare = FULL.with_borrow_mut(Vec::pop);
    match spare {
        Some(spare) if spare.len() >= length => spare,
        _ => vec![0; length],
    }
}

/// A buffer without bytes.
pub(super) fn empty() -> Vec<u8> {
    EMPTY.with_borrow_mut(Vec::pop).unwrap_or_default()
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

fn keep(spares: &'static std::thread::LocalKey<RefCell<Vec<Vec<u8>>>>, buffer: Vec<u8>) {
    if (1..=LARGEST).contains(&buffer.capacity()) {
        // Where the thread is about to end there is nobody to keep it for.
        let _ = spares.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < MOST {
                spares.push(buffer);
            }
        });
    }
}
