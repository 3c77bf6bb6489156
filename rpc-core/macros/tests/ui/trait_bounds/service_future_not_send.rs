use std::rc::Rc;

use farcall_core::service;

struct Counter;

#[service]
impl Counter {
    pub async fn value(&self) -> i64 {
        let count = Rc::new(1);
        std::future::ready(()).await;
        *count
    }
}

fn main() {}
