use rpc_core::service;

struct Counter(i64);

#[service]
impl Counter {
    fn increment(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }

    async fn reset(self: &mut Self) {
        self.0 = 0;
    }
}

fn main() {}
