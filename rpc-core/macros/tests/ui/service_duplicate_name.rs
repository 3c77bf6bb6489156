use farcall_core::service;

struct Counter;

#[service(rename_all = "camelCase")]
impl Counter {
    pub fn get_value(&self) -> i64 {
        0
    }

    #[service(name = "getValue")]
    pub fn value(&self) -> i64 {
        0
    }
}

fn main() {}
