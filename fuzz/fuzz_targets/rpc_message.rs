//! Messages of sessions: any bytes decode to a message or an error, and a decoded message encodes
//! to the same bytes.
#![no_main]

use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    bounded(bytes.len(), 128, 16 << 10, || {
        farcall::rpc::fuzzing::message(bytes)
    });
});
