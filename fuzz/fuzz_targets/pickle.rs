//! The machine that unpickles: it calls nothing, takes memory in proportion, and what it reads is written as
//! the same. Whatever the type, no more is read than there may be values.
#![no_main]

use std::collections::BTreeMap;

use conn::codec::pickle::Value;
use conn::{Codec as _, Pickle};
use fuzz::memory::bounded;
use fuzz::record::Record;
use fuzz::tally::{Tally, limited};
use libfuzzer_sys::fuzz_target;
use serde::de::{DeserializeOwned, IgnoredAny};

/// The limit of values where types are read: few, so that whatever goes past it is seen.
const VALUES: usize = 1000;

/// What one of them may take in memory, with the list that it is in while that grows.
const VALUE: u64 = 512;

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
    typed::<Record>(pickle, message);
    typed::<rpc_core::Value>(pickle, message);
    typed::<Vec<serde_json::Value>>(pickle, message);
    typed::<Vec<Vec<Value>>>(pickle, message);
    typed::<Vec<(String, Vec<u8>)>>(pickle, message);
    typed::<Vec<Vec<Option<String>>>>(pickle, message);
    typed::<Vec<Vec<i64>>>(pickle, message);
    typed::<Vec<BTreeMap<String, Option<i128>>>>(pickle, message);
    counted::<IgnoredAny>(pickle, message);
    counted::<()>(pickle, message);
    counted::<Option<bool>>(pickle, message);
    counted::<u64>(pickle, message);
    counted::<String>(pickle, message);
    let _ = pickle.decode::<IgnoredAny>(message);
}

/// Reads a type, in memory for what the message has and for as many values as there may be.
fn typed<T: DeserializeOwned>(pickle: &Pickle, message: &[u8]) {
    let pickle = pickle.clone().max_values(VALUES);
    let base = (64 << 10) + VALUES as u64 * VALUE;
    let _ = bounded(message.len(), 1024, base, || pickle.decode::<T>(message));
}

/// Reads lists in a list, with no more elements than there may be values. Those that bytes are read as are limited
/// by the bytes.
fn counted<T: DeserializeOwned>(pickle: &Pickle, message: &[u8]) {
    let pickle = pickle.clone().max_values(VALUES);
    let most = message.len() + VALUES * 8;
    let _ = limited(most, || pickle.decode::<Vec<Vec<Tally<T>>>>(message));
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
