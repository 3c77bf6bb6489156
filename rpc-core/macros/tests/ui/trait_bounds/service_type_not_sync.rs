use std::cell::Cell;

use farcall_core::service;

struct Counter(Cell<i64>);

#[service]
impl Counter {
    pub fn value(&self) -> i64 {
        self.0.get()
    }
}

fn main() {}
