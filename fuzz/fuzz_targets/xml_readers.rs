//! The reader against quick-xml alone: the same results and the same errors, at the same positions.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    farcall::xmlrpc::fuzzing::read_by_both(document, 64, 1_000_000);
    // Low limits, derived from the document so that they need no part of the input.
    let sum: usize = document.iter().map(|&byte| usize::from(byte)).sum();
    farcall::xmlrpc::fuzzing::read_by_both(document, sum % 6, sum % 12);
});
