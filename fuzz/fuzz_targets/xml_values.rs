//! Values as XML and back, typed and untyped: encoded values decode to the same values, and decoded
//! values can be encoded.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use farcall::protocol::{Format as _, Payload};
use farcall::xmlrpc::XmlRpc;
use farcall::{FormatErrorKind, Value, Variadic};
use fuzz::memory::bounded;
use fuzz::record::Record;
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
enum Input {
    Values(Vec<Value>),
    Record(Box<Record>),
    Document(Vec<u8>),
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.int_in_range(0..=2)? {
            0 => {
                let value = |_| fuzz::value::value(u, 5);
                Self::Values((0..3).map(value).collect::<Result<_, _>>()?)
            }
            1 => Self::Record(u.arbitrary()?),
            _ => Self::Document(u.arbitrary()?),
        })
    }
}

fn values(format: XmlRpc, values: Vec<Value>) {
    let mut params = Vec::new();
    let values = Variadic(values);
    format
        .encode_args(&values, &mut params)
        .expect("XML can represent the values");
    let back: Variadic<Value> = format
        .decode_args(&params.into())
        .expect("encoded values can be decoded");
    assert_eq!(back.0, values.0);
    for value in &values.0 {
        let mut reply = Vec::new();
        format
            .encode_reply(value, &mut reply)
            .expect("XML can represent the value");
        assert!(farcall::xmlrpc::fuzzing::is_reply(reply.clone().into()));
        let back: Value = format
            .decode_reply(&reply.into())
            .expect("an encoded value can be decoded");
        assert_eq!(back, *value);
    }
}

fn record(format: XmlRpc, record: &Record) {
    let mut reply = Vec::new();
    if let Err(error) = format.encode_reply(record, &mut reply) {
        let kinds = [
            FormatErrorKind::Limit,
            FormatErrorKind::Character,
            FormatErrorKind::Unrepresentable,
        ];
        assert!(kinds.contains(&error.kind()), "{error}");
        assert!(reply.is_empty(), "a failed encoding left output");
        return;
    }
    let back: Record = format
        .decode_reply(&reply.into())
        .expect("an encoded record can be decoded");
    assert_eq!(back, *record);
}

fn document(format: XmlRpc, document: Vec<u8>) {
    let length = document.len();
    let payload = Payload::from(document);
    let Ok(value) = bounded(length, 128, 64 << 10, || {
        format.decode_reply::<Value>(&payload)
    }) else {
        return;
    };
    let mut reply = Vec::new();
    format
        .encode_reply(&value, &mut reply)
        .expect("a decoded value can be encoded");
    let again: Value = format
        .decode_reply(&reply.into())
        .expect("an encoded value can be decoded");
    // Compared as text, since NaN is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("{value:?}"));
}

fuzz_target!(|input: Input| {
    let format = XmlRpc::default().full_dates(true).non_finite(true);
    match input {
        Input::Values(list) => values(format, list),
        Input::Record(inner) => record(format, &inner),
        Input::Document(bytes) => document(format, bytes),
    }
});
