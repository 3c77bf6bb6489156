//! Messages of all codecs: any bytes decode to a value or an error, with memory in proportion to
//! their length, and encoded values decode to the same values.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use farcall::Json;
use farcall::conn::{Bincode, Codec, MessagePack, Postcard};
use farcall::pickle::Pickle;
use fuzz::memory::bounded;
use fuzz::record::Record;
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Record(Box<Record>),
    Bytes(&'a [u8]),
}

/// A value of any depth.
#[derive(Serialize, Deserialize, Debug)]
struct Nested(Option<Box<Self>>, Vec<Self>);

fn encoded<C: Codec>(value: &impl Serialize) -> Vec<u8> {
    let mut message = Vec::new();
    let written = C::default().encode(value, &mut message);
    written.expect("the value can be encoded");
    message
}

fn round_trip<C: Codec>(record: &Record) {
    let message = encoded::<C>(record);
    match C::default().decode::<Record>(&message) {
        Ok(back) => assert_eq!(back, *record, "{}", C::NAME),
        // Deeper than the decoder allows.
        Err(error) => assert_eq!(error.kind(), farcall::FormatErrorKind::Limit, "{error}"),
    }
}

/// Checks that a value which can be decoded can be encoded, and decodes to the same value again.
fn read<C: Codec, T: Serialize + DeserializeOwned>(message: &[u8]) {
    let value = bounded(message.len(), 512, 64 << 10, || {
        C::default().decode::<T>(message)
    });
    if let Ok(value) = value {
        let written = encoded::<C>(&value);
        let again: T = C::default()
            .decode(&written)
            .expect("an encoded value can be decoded");
        assert_eq!(encoded::<C>(&again), written, "{}", C::NAME);
    }
}

fn check<C: Codec>(input: &Input<'_>) {
    match input {
        Input::Record(record) => round_trip::<C>(record),
        Input::Bytes(message) => {
            read::<C, Record>(message);
            read::<C, Nested>(message);
            read::<C, Vec<()>>(message);
            read::<C, BTreeMap<String, (char, i128)>>(message);
            read::<C, (f32, String, Option<u16>)>(message);
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    check::<Bincode>(&input);
    check::<Json>(&input);
    check::<MessagePack>(&input);
    check::<Pickle>(&input);
    check::<Postcard>(&input);
    if let Input::Bytes(message) = input {
        read::<MessagePack, farcall::Value>(message);
        read::<Json, serde_json::Value>(message);
        read::<Bincode, farcall::pickle::Value>(message);
        read::<MessagePack, farcall::pickle::Value>(message);
    }
});
