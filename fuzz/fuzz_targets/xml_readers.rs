//! The reader against quick-xml alone: the same results and the same errors, at the same positions.
#![no_main]

#[path = "../../xmlrpc/tests/two_readers/mod.rs"]
mod two_readers;

use farcall::xmlrpc::fuzzing as subject;
use libfuzzer_sys::fuzz_target;
use two_readers::compare;

fuzz_target!(|document: &[u8]| {
    // Low limits and the start of a part, derived from the document so that they need no part of
    // the input.
    let sum: usize = document.iter().map(|&byte| usize::from(byte)).sum();
    let part = sum % (document.len() + 1);
    compare(document, part, (64, 1_000_000));
    compare(document, part, (sum % 6, sum % 12));
});
