use farcall_core::service;

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

fn offer<T: farcall_core::Instance>(_: T) {}

fn main() {
    offer(Counter::new());
}
