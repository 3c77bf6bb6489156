use farcall_core::service;

struct Echo;

#[service]
impl Echo {
    pub fn echo<T>(&self, value: T) -> T {
        value
    }

    pub fn lengths<'a, const N: usize>(&self, values: [u8; N]) -> usize {
        values.len()
    }
}

fn main() {}
