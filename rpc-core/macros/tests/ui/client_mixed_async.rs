use farcall_core::{client, CallError};

#[client]
trait Api {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;

    fn subtract(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

fn main() {}
