use farcall_core::service;

#[service(prefix = "counter")]
struct Counter {
    count: i64,
}

fn main() {}
