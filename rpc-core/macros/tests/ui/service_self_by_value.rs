use std::sync::Arc;

use farcall_core::service;

struct Counter(i64);

#[service]
impl Counter {
    pub fn finish(self) -> i64 {
        self.0
    }

    pub fn share(self: Arc<Self>) -> i64 {
        self.0
    }
}

fn main() {}
