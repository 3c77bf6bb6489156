//! Benchmarks of decoding and encoding documents, compared to the underlying libraries on the bare
//! bytes: `cargo bench -p benches --bench documents`.

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, reason = "a program")]

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use divan::Bencher;
use divan::counter::BytesCount;
use farcall::protocol::{Format, Payload};
use farcall::xmlrpc::XmlRpc;
use farcall::{DateTime, Value};
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

fn main() {
    divan::main();
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: i32,
    name: String,
    balance: f64,
    active: bool,
    joined: DateTime,
    scores: Vec<i32>,
}

fn records(count: usize) -> Vec<Record> {
    let record = |i: usize| Record {
        id: i as i32 * 7919,
        name: match i % 4 {
            0 => format!("Ada & Charles <{i}>"),
            1 => format!("Zoë Ångström {i}"),
            _ => format!("Grace Hopper, number {i}"),
        },
        balance: i as f64 * 1234.567 / 7.0,
        active: i.is_multiple_of(3),
        joined: DateTime::new(1970 + (i % 60) as u16, 7, 17, 14, 8, 55).unwrap(),
        scores: vec![i as i32, 10, 200],
    };
    (0..count).map(record).collect()
}

fn reply<T: Serialize>(value: &T) -> Payload {
    let mut out = Vec::new();
    XmlRpc::default().encode_reply(value, &mut out).unwrap();
    out.into()
}

fn scan(document: &[u8]) -> usize {
    let mut reader = quick_xml::Reader::from_reader(document);
    let mut events = 0;
    while reader.read_event().unwrap() != Event::Eof {
        events += 1;
    }
    events
}

fn format() -> XmlRpc {
    XmlRpc::default().max_values(usize::MAX)
}

/// Structs with six fields each.
mod structs {
    use super::*;

    const COUNTS: &[usize] = &[2, 200, 10_000, 180_000];

    fn bench<T>(bencher: Bencher<'_, '_>, count: usize, read: impl Fn(&Payload) -> T + Sync) {
        let document = reply(&records(count));
        bencher
            .counter(BytesCount::from(document.as_slice().len()))
            .bench(|| read(black_box(&document)));
    }

    #[divan::bench(args = COUNTS)]
    fn quick_xml_scan(bencher: Bencher<'_, '_>, count: usize) {
        bench(bencher, count, |document| scan(document.as_slice()));
    }

    #[divan::bench(args = COUNTS)]
    fn decode_typed(bencher: Bencher<'_, '_>, count: usize) {
        bench(bencher, count, |document| {
            format().decode_reply::<Vec<Record>>(document).unwrap()
        });
    }

    #[divan::bench(args = COUNTS)]
    fn decode_value(bencher: Bencher<'_, '_>, count: usize) {
        bench(bencher, count, |document| {
            format().decode_reply::<Value>(document).unwrap()
        });
    }

    #[divan::bench(args = COUNTS)]
    fn encode_typed(bencher: Bencher<'_, '_>, count: usize) {
        let records = records(count);
        let mut out = Vec::with_capacity(reply(&records).as_slice().len());
        bencher
            .counter(BytesCount::from(out.capacity()))
            .bench_local(|| {
                out.clear();
                format().encode_reply(black_box(&records), &mut out)
            });
    }

    #[divan::bench(args = COUNTS)]
    fn encode_value(bencher: Bencher<'_, '_>, count: usize) {
        let value = farcall::to_value(&records(count)).unwrap();
        let mut out = Vec::with_capacity(reply(&value).as_slice().len());
        bencher
            .counter(BytesCount::from(out.capacity()))
            .bench_local(|| {
                out.clear();
                format().encode_reply(black_box(&value), &mut out)
            });
    }
}

/// One value of 1 MiB.
mod bytes {
    use super::*;

    fn data() -> Vec<u8> {
        (0..1_u32 << 20)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect()
    }

    /// In lines of 76 characters, as many peers write base64.
    fn lines(data: &[u8]) -> Payload {
        let mut document = b"<methodResponse><params><param><value><base64>\n".to_vec();
        for line in STANDARD.encode(data).as_bytes().chunks(76) {
            document.extend_from_slice(line);
            document.push(b'\n');
        }
        document
            .extend_from_slice(b"</base64></value></param></params></methodResponse>".as_slice());
        document.into()
    }

    #[divan::bench]
    fn base64_decode(bencher: Bencher<'_, '_>) {
        let text = STANDARD.encode(data());
        bencher
            .counter(BytesCount::of_many::<u8>(data().len()))
            .bench(|| STANDARD.decode(black_box(&text)));
    }

    #[divan::bench]
    fn base64_encode(bencher: Bencher<'_, '_>) {
        let data = data();
        bencher
            .counter(BytesCount::of_many::<u8>(data.len()))
            .bench(|| STANDARD.encode(black_box(&data)));
    }

    #[divan::bench(args = ["one line", "many lines"])]
    fn decode(bencher: Bencher<'_, '_>, form: &str) {
        let data = data();
        let document = match form {
            "many lines" => lines(&data),
            _ => reply(&data),
        };
        bencher
            .counter(BytesCount::of_many::<u8>(data.len()))
            .bench(|| {
                XmlRpc::default()
                    .decode_reply::<Vec<u8>>(black_box(&document))
                    .unwrap()
            });
    }

    #[divan::bench]
    fn encode(bencher: Bencher<'_, '_>) {
        let value = Value::Bytes(data());
        bencher
            .counter(BytesCount::of_many::<u8>(1 << 20))
            .bench(|| reply(black_box(&value)));
    }

    /// As a sequence of numbers in serde's data model.
    #[divan::bench]
    fn encode_numbers(bencher: Bencher<'_, '_>) {
        let data = data();
        bencher
            .counter(BytesCount::of_many::<u8>(1 << 20))
            .bench(|| reply(black_box(&data)));
    }
}

/// `add(3, 5)`.
mod call {
    use super::*;

    #[divan::bench]
    fn decode_params(bencher: Bencher<'_, '_>) {
        let mut params = Vec::new();
        XmlRpc::default().encode_args(&(3, 5), &mut params).unwrap();
        let params = Payload::from(params);
        bencher.bench(|| {
            XmlRpc::default()
                .decode_args::<(i64, i64)>(black_box(&params))
                .unwrap()
        });
    }

    #[divan::bench]
    fn encode_reply(bencher: Bencher<'_, '_>) {
        let mut out = Vec::with_capacity(256);
        bencher.bench_local(|| {
            out.clear();
            XmlRpc::default().encode_reply(black_box(&8), &mut out)
        });
    }

    #[divan::bench]
    fn decode_reply(bencher: Bencher<'_, '_>) {
        let document = reply(&8);
        bencher.bench(|| {
            XmlRpc::default()
                .decode_reply::<i64>(black_box(&document))
                .unwrap()
        });
    }
}
