use farcall_core::{client, CallError};

#[client]
trait Api {
    const VERSION: u8;

    type Item;

    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

fn main() {}
