use farcall_core::client;

struct Api;

#[client]
impl Api {
    async fn add(&self) {}
}

fn main() {}
