//! XML-RPC documents: `cargo bench -p benches --bench documents`.
#![allow(clippy::unwrap_used, reason = "benchmarks")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use rpc_core::{DateTime, Format as _, Payload, Value};
use serde::{Deserialize, Serialize};
use xmlrpc::XmlRpc;

fn main() {
    divan::main();
}

#[derive(Serialize, Deserialize)]
struct Item {
    id: i32,
    price: f64,
    name: String,
    active: bool,
    created: DateTime,
    tags: Vec<i32>,
}

const COUNTS: [usize; 3] = [1, 100, 10_000];

fn items(count: usize) -> Vec<Item> {
    let item = |id: usize| Item {
        id: id as i32,
        price: id as f64 * 1.25,
        name: format!("an article of the catalogue, number {id}"),
        active: true,
        created: DateTime::new(2026, 11, 21, 12, 30, 0).unwrap(),
        tags: vec![id as i32; 3],
    };
    (0..count).map(item).collect()
}

fn document(count: usize) -> Payload {
    let mut document = Vec::new();
    XmlRpc::default()
        .encode_reply(&items(count), &mut document)
        .unwrap();
    Payload::from(document)
}

#[divan::bench(args = COUNTS)]
fn decode_typed(bencher: Bencher<'_, '_>, count: usize) {
    let document = document(count);
    let bencher = bencher.counter(BytesCount::of_slice(document.as_slice()));
    bencher.bench(|| XmlRpc::default().decode_reply::<Vec<Item>>(black_box(&document)));
}

#[divan::bench(args = COUNTS)]
fn decode_value(bencher: Bencher<'_, '_>, count: usize) {
    let document = document(count);
    let bencher = bencher.counter(BytesCount::of_slice(document.as_slice()));
    bencher.bench(|| XmlRpc::default().decode_reply::<Value>(black_box(&document)));
}

#[divan::bench(args = COUNTS)]
fn encode(bencher: Bencher<'_, '_>, count: usize) {
    let items = items(count);
    let bencher = bencher.counter(BytesCount::of_slice(document(count).as_slice()));
    bencher.bench(|| {
        let mut document = Vec::new();
        XmlRpc::default()
            .encode_reply(black_box(&items), &mut document)
            .unwrap();
        document
    });
}

#[divan::bench]
fn encode_arguments_of_add(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let mut params = Vec::new();
        XmlRpc::default()
            .encode_args(black_box(&(3, 5)), &mut params)
            .unwrap();
        params
    });
}

#[divan::bench]
fn decode_arguments_of_add(bencher: Bencher<'_, '_>) {
    let mut params = Vec::new();
    XmlRpc::default().encode_args(&(3, 5), &mut params).unwrap();
    let params = Payload::from(params);
    bencher.bench(|| XmlRpc::default().decode_args::<(i64, i64)>(black_box(&params)));
}
