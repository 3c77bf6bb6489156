//! The pickle machine: it calls nothing, uses memory in proportion to the message, and decoded
//! values encode to the same values. The limit of values holds for every type.
#![no_main]

use std::collections::BTreeMap;

use farcall::pickle;
use farcall::pickle::{
    Array, Complex, Date, DateTime, Decimal, Exception, Fraction, IpInterface, IpNetwork, Path,
    Pickle, Py, Range, Slice, Time, TimeDelta, Uuid, Value, Zone,
};
use fuzz::memory::bounded;
use fuzz::record::Record;
use fuzz::tally::{Tally, limited};
use libfuzzer_sys::fuzz_target;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// The limit of values for typed decoding: low, so that exceeding it is noticed.
const VALUES: usize = 1000;

/// Maximum bytes of memory of one value, including its share of a growing list.
const VALUE: u64 = 512;

/// An instance of one of several classes.
#[pickle]
#[derive(Serialize, Deserialize)]
enum Event {
    #[pickle(class = "app.Plain")]
    Plain { x: i32, y: Option<String> },
    #[pickle(class = "app.Slotted", form = "slots")]
    Slotted { x: i32 },
    #[pickle(class = "app.Pair")]
    Pair(i32, String),
    #[pickle(class = "ValueError", form = "call")]
    Failure(String),
    #[pickle(class = "app.Order", form = "content")]
    Order(Order),
}

#[pickle(class = "app.Order")]
#[derive(Serialize, Deserialize)]
struct Order {
    colour: Colour,
    #[serde(with = "farcall::pickle::numpy")]
    weights: Vec<f32>,
    #[serde(with = "farcall::pickle::array_array")]
    counts: Vec<u16>,
}

#[pickle(class = "app.Colour")]
#[derive(Serialize, Deserialize)]
enum Colour {
    Red = 1,
    Green = 2,
}

fn written(pickle: &Pickle, value: &Value) -> Vec<u8> {
    let mut message = Vec::new();
    let written = pickle.encode(value, &mut message);
    written.expect("a decoded value can be encoded");
    message
}

fn passed(pickle: &Pickle, value: &Value) -> Value {
    let read = pickle.decode(&written(pickle, value));
    read.expect("an encoded value can be decoded")
}

fn check(pickle: &Pickle, message: &[u8]) {
    // An opcode of one byte may create a value, which takes up to this much memory.
    let value: Result<Value, _> = bounded(message.len(), 1024, 1 << 20, || pickle.decode(message));
    if let Ok(value) = value {
        let again = passed(pickle, &value);
        assert_eq!(again.to_string(), value.to_string());
        // A round trip removes sharing of values that have only one reference.
        assert_eq!(
            written(pickle, &passed(pickle, &again)),
            written(pickle, &again)
        );
    }
    typed::<Record>(pickle, message);
    typed::<farcall::Value>(pickle, message);
    typed::<Vec<serde_json::Value>>(pickle, message);
    typed::<Vec<Vec<Value>>>(pickle, message);
    typed::<Vec<(String, Vec<u8>)>>(pickle, message);
    typed::<Vec<Vec<Option<String>>>>(pickle, message);
    typed::<Vec<Vec<i64>>>(pickle, message);
    typed::<Vec<BTreeMap<String, Option<i128>>>>(pickle, message);
    typed::<Vec<Vec<f64>>>(pickle, message);
    typed::<farcall::DateTime>(pickle, message);
    kept::<Event>(pickle, message);
    kept::<Array<f64>>(pickle, message);
    kept::<Array<u16>>(pickle, message);
    kept::<Array<bool>>(pickle, message);
    kept::<Array<[f32; 2]>>(pickle, message);
    kept::<(Date, Time)>(pickle, message);
    kept::<DateTime>(pickle, message);
    kept::<Vec<DateTime>>(pickle, message);
    kept::<(TimeDelta, Zone)>(pickle, message);
    kept::<Vec<Decimal>>(pickle, message);
    kept::<Vec<Fraction>>(pickle, message);
    kept::<Vec<Uuid>>(pickle, message);
    kept::<Vec<Path>>(pickle, message);
    kept::<Py<Vec<std::net::IpAddr>>>(pickle, message);
    kept::<(IpNetwork, IpInterface)>(pickle, message);
    kept::<(Complex, Range, Slice)>(pickle, message);
    kept::<Vec<Exception>>(pickle, message);
    counted::<IgnoredAny>(pickle, message);
    counted::<()>(pickle, message);
    counted::<Option<bool>>(pickle, message);
    counted::<u64>(pickle, message);
    counted::<String>(pickle, message);
    let _ = pickle.decode::<IgnoredAny>(message);
}

/// Decodes a type, with memory for the message and for the maximum number of values.
fn typed<T: DeserializeOwned>(pickle: &Pickle, message: &[u8]) {
    let pickle = pickle.clone().max_values(VALUES);
    let base = (64 << 10) + VALUES as u64 * VALUE;
    let _ = bounded(message.len(), 1024, base, || pickle.decode::<T>(message));
}

/// Decodes a type that is written as what it was read from, and checks that it is read again.
fn kept<T: DeserializeOwned + Serialize>(pickle: &Pickle, message: &[u8]) {
    typed::<T>(pickle, message);
    let Ok(value) = pickle.decode::<T>(message) else {
        return;
    };
    let again = pickle
        .to_vec(&value)
        .expect("a decoded value can be encoded");
    let value: T = pickle
        .decode(&again)
        .expect("an encoded value can be decoded");
    assert_eq!(pickle.to_vec(&value).unwrap(), again);
}

/// Decodes nested lists, and checks the number of elements against the limit of values. The
/// elements of a bytes object are limited by its length instead.
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
