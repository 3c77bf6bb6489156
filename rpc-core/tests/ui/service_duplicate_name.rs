use rpc_core::service;

struct Counter;

#[service(rename_all = "camelCase")]
impl Counter {
    fn get_value(&self) -> i64 {
        0
    }

    #[service(name = "getValue")]
    fn value(&self) -> i64 {
        0
    }
}

fn main() {}
