use farcall_core::service;
use serde::Serialize;

#[derive(Serialize)]
struct MyError;

struct Counter;

#[service]
impl Counter {
    pub fn value(&self) -> Result<i64, MyError> {
        Err(MyError)
    }
}

fn main() {}
