//! Benchmarks of the parts of connections, mostly without sockets:
//! `cargo bench -p benches --bench connections`.
#![allow(clippy::unwrap_used, reason = "benchmarks")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use farcall::Json;
use farcall::conn::auth::{AuthKey, Authentication, Channel, Handshake, Role};
use farcall::conn::frame::{Decoder, Encoder};
use farcall::conn::{Bincode, Codec, MessagePack, Postcard};
use farcall::conn::{Connection, pipe};
use farcall::pickle::Pickle;
use tokio::runtime::Builder;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [16, 1024, 64 * 1024];

#[divan::bench(args = SIZES)]
fn frame_encode(bencher: Bencher<'_, '_>, size: usize) {
    let message = vec![1; size];
    let mut encoder = Encoder::new();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        encoder.push(black_box(&message));
        encoder.wrote(encoder.unwritten().len());
    });
}

#[divan::bench(args = SIZES)]
fn frame_decode(bencher: Bencher<'_, '_>, size: usize) {
    let mut encoder = Encoder::new();
    encoder.push(&vec![1; size]);
    let frame = encoder.unwritten();
    let mut decoder = Decoder::new();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        decoder.feed(black_box(frame));
        decoder.message(size).unwrap().map(<[u8]>::len)
    });
}

/// Both sides of a handshake.
#[divan::bench]
fn handshake() {
    let authentication = Authentication::new(AuthKey::new("a secret").unwrap());
    let side = |role| Handshake::new(role, authentication.clone(), Channel::Memory).unwrap();
    let (mut listener, mut client) = (side(Role::Listener), side(Role::Client));
    while !(listener.is_complete() && client.is_complete()) {
        while let Some(message) = listener.outgoing() {
            client.incoming(&message).unwrap();
        }
        while let Some(message) = client.outgoing() {
            listener.incoming(&message).unwrap();
        }
    }
}

/// A value with several fields.
type Row = (i64, f64, String, Vec<i32>);

fn rows() -> Vec<Row> {
    let row = |id: i32| {
        (
            id.into(),
            f64::from(id) * 1.25,
            format!("row {id}"),
            vec![id; 4],
        )
    };
    (0..1000).map(row).collect()
}

#[divan::bench(types = [Bincode, Pickle, Json, MessagePack, Postcard])]
fn encode_1000_rows<C: Codec>(bencher: Bencher<'_, '_>) {
    let (codec, rows) = (C::default(), rows());
    bencher
        .counter(ItemsCount::new(rows.len()))
        .bench_local(|| {
            let mut message = Vec::new();
            codec.encode(black_box(&rows), &mut message).unwrap();
            message
        });
}

#[divan::bench(types = [Bincode, Pickle, Json, MessagePack, Postcard])]
fn decode_1000_rows<C: Codec>(bencher: Bencher<'_, '_>) {
    let (codec, mut message) = (C::default(), Vec::new());
    codec.encode(&rows(), &mut message).unwrap();
    bencher
        .counter(ItemsCount::new(1000_usize))
        .bench_local(|| codec.decode::<Vec<Row>>(black_box(&message)).unwrap());
}

/// Sends two numbers and receives their sum.
type SumClient = Connection<(i64, i64), i64, Bincode>;

/// The round trip of a value through a pipe: codec, frames and sockets.
#[divan::bench]
fn bincode_round_trip(bencher: Bencher<'_, '_>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (client, server) = runtime.block_on(async { pipe().unwrap() });
    let (mut client, mut server): (SumClient, _) = (client, server);
    bencher.bench_local(|| {
        runtime.block_on(async {
            client.send(black_box(&(3, 5))).await.unwrap();
            let (a, b) = server.recv().await.unwrap();
            server.send(&(a + b)).await.unwrap();
            client.recv().await.unwrap()
        })
    });
}
