use farcall_core::service;

struct Counter;

#[service]
impl Default for Counter {
    fn default() -> Self {
        Self
    }
}

fn main() {}
