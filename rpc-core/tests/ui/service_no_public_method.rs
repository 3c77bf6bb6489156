use rpc_core::service;

struct Counter;

#[service]
impl Counter {
    pub fn new() -> Self {
        Self
    }

    fn value(&self) -> i64 {
        0
    }

    pub(crate) fn reset(&self) {}
}

struct Skipped;

#[service]
impl Skipped {
    #[service(skip)]
    pub fn value(&self) -> i64 {
        0
    }
}

struct Empty;

#[service]
impl Empty {}

fn offer<T: rpc_core::Instance>(_: T) {}

fn main() {
    offer(Counter::new());
}
