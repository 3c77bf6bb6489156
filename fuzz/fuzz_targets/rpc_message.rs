//! Messages of sessions: any bytes are a message or an error, and what is read is written as the same.
#![no_main]

use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    bounded(bytes.len(), 128, 16 << 10, || {
        conn::rpc::fuzzing::message(bytes)
    });
});
