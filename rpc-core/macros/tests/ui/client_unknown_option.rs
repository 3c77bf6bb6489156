use farcall_core::{client, CallError};

#[client(namespace = "api")]
trait Api {
    #[client(rename = "plus")]
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

fn main() {}
