//! Arguments and results of calls over connections, in both encodings: any bytes decode to values
//! or an error, and encoded values decode to the same values.
#![no_main]

use arbitrary::Arbitrary;
use farcall::protocol::{Format as _, Payload};
use farcall::rpc::{Encoding, Remote, Stream};
use farcall::{FormatErrorKind, Value, Variadic};
use fuzz::memory::bounded;
use fuzz::record::Record;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

#[derive(Arbitrary, Debug)]
enum Input {
    Values(Box<Record>, i64, String),
    Bytes(Vec<u8>),
}

fn round_trip(encoding: Encoding, args: &(&Record, i64, &str)) {
    let payload = encoding.params(args).expect("the arguments can be encoded");
    match encoding.decode_args::<(Record, i64, String)>(&payload) {
        Ok(back) => assert_eq!((&back.0, back.1, &*back.2), *args),
        Err(error) => assert_eq!(error.kind(), FormatErrorKind::Limit, "{error}"),
    }
    let reply = encoding.reply(args.0).expect("the result can be encoded");
    match encoding.decode_reply::<Record>(&reply) {
        Ok(back) => assert_eq!(back, *args.0),
        Err(error) => assert_eq!(error.kind(), FormatErrorKind::Limit, "{error}"),
    }
}

fn read(encoding: Encoding, bytes: &[u8]) {
    let payload = Payload::from(bytes.to_vec());
    let _ = encoding.decode_args::<(Record, Vec<Record>)>(&payload);
    let _ = encoding.decode_args::<(u8, i64, Option<f64>)>(&payload);
    let _ = encoding.decode_args::<Variadic<IgnoredAny>>(&payload);
    let _ = encoding.decode_reply::<Vec<()>>(&payload);
    // The payload has no attachments, whatever the bytes refer to.
    assert!(encoding.decode_reply::<Remote>(&payload).is_err());
    assert!(encoding.decode_reply::<Stream<u8>>(&payload).is_err());
    // Not in bincode, where a `Value` can only be a scalar, and not an option.
    if encoding == Encoding::MessagePack
        && let Ok(values) = encoding.decode_args::<Variadic<Value>>(&payload)
    {
        let written = encoding
            .params(&values)
            .expect("decoded values can be encoded");
        let again: Variadic<Value> = encoding
            .decode_args(&written)
            .expect("encoded values can be decoded");
        let twice = encoding
            .params(&again)
            .expect("the values can be encoded again");
        assert_eq!(twice.as_slice(), written.as_slice());
    }
}

fuzz_target!(|input: Input| {
    for encoding in [Encoding::Bincode, Encoding::MessagePack] {
        match &input {
            Input::Values(record, number, text) => round_trip(encoding, &(record, *number, text)),
            Input::Bytes(bytes) => {
                bounded(bytes.len(), 512, 64 << 10, || read(encoding, bytes));
            }
        }
    }
});
