use farcall_core::service;

struct Counter(i64);

#[service]
impl Counter {
    pub fn increment(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }

    pub async fn reset(self: &mut Self) {
        self.0 = 0;
    }
}

fn main() {}
