//! The machine that unpickles: it calls nothing, takes memory in proportion, and what it reads is written as
//! the same.
#![no_main]

use conn::codec::pickle::Value;
use conn::{Codec as _, Pickle};
use fuzz::memory::bounded;
use fuzz::record::Record;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fn written(pickle: &Pickle, value: &Value) -> Vec<u8> {
    let mut message = Vec::new();
    let written = pickle.encode(value, &mut message);
    written.expect("what was read can be written");
    message
}

fn passed(pickle: &Pickle, value: &Value) -> Value {
    let read = pickle.decode(&written(pickle, value));
    read.expect("what was written can be read")
}

fn check(pickle: &Pickle, message: &[u8]) {
    // What a value takes in memory, for an opcode of one byte.
    let value: Result<Value, _> = bounded(message.len(), 1024, 1 << 20, || pickle.decode(message));
    if let Ok(value) = value {
        let again = passed(pickle, &value);
        assert_eq!(again.to_string(), value.to_string());
        // What was shared with nobody is so no longer when it was passed once.
        assert_eq!(
            written(pickle, &passed(pickle, &again)),
            written(pickle, &again)
        );
    }
    let _ = pickle.decode::<Record>(message);
    let _ = pickle.decode::<Vec<(String, Vec<u8>)>>(message);
    let _ = pickle.decode::<rpc_core::Value>(message);
    let _ = pickle.decode::<IgnoredAny>(message);
}

fuzz_target!(|message: &[u8]| {
    check(&Pickle::default(), message);
    check(
        &Pickle::default().max_depth(255),
        &[b"\x80\x04", message, b"."].concat(),
    );
    let mapped = Pickle::default()
        .class("app.Record", "Record")
        .max_values(100);
    let _ = mapped.decode::<Record>(message);
});
