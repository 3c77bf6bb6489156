use farcall_core::service;

struct Counter;

#[service(prefix = "a", prefix = "b")]
impl Counter {
    #[service(skip, blocking)]
    fn skip_blocking(&self) {}

    #[service(name = "name", skip)]
    pub fn name_skip(&self) {}

    #[service(name = "name", nested)]
    pub fn name_nested(&self) -> Self {
        Self
    }

    #[service(name = "")]
    pub fn empty(&self) {}

    #[service(name = "new")]
    fn new() -> Self {
        Self
    }
}

fn main() {}
