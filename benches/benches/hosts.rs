//! Benchmarks of host sets with 10,000 names: `cargo bench -p benches --bench hosts`.

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, reason = "a program")]

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use farcall::cluster::HostSet;

/// Hosts of a set.
const HOSTS: u64 = 10_000;

/// Shapes of names, from those that fold into one term to those that do not fold.
const SHAPES: [&str; 5] = [
    "regular",
    "grid",
    "two random numbers",
    "equal numbers",
    "hexadecimal",
];

fn main() {
    divan::main();
}

/// A random number that is the same in each run.
fn random(seed: u64) -> u64 {
    (seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
        >> 30
}

fn name(shape: &str, n: u64) -> String {
    match shape {
        "regular" => format!("node{n}"),
        "grid" => format!("a-{}-b-{}-c", n / 100, n % 100),
        "two random numbers" => format!("a-{}-b-{}-c", random(n) % 1000, random(n + 7) % 1000),
        "equal numbers" => format!("a-{n}-b-{n}-c"),
        _ => format!("{:x}-{:x}", random(n), random(n + 3)),
    }
}

fn hosts(shape: &str) -> HostSet {
    (0..HOSTS).map(|n| name(shape, n)).collect()
}

/// The text of a set: its names, folded.
#[divan::bench(args = SHAPES)]
fn fold(bencher: Bencher<'_, '_>, shape: &str) {
    let hosts = hosts(shape);
    bencher
        .counter(ItemsCount::new(hosts.len()))
        .bench(|| black_box(&hosts).to_string());
}

/// Comparison for folding: the names sorted, and written one after the other.
#[divan::bench(args = SHAPES)]
fn sort(bencher: Bencher<'_, '_>, shape: &str) {
    let hosts = hosts(shape);
    bencher.counter(ItemsCount::new(hosts.len())).bench(|| {
        let mut names: Vec<&str> = black_box(&hosts).iter().collect();
        names.sort_unstable();
        names.join(",")
    });
}

#[divan::bench(args = SHAPES)]
fn parse(bencher: Bencher<'_, '_>, shape: &str) {
    let text = hosts(shape).to_string();
    bencher
        .counter(ItemsCount::new(HOSTS))
        .bench(|| HostSet::parse(black_box(&text)).unwrap());
}
