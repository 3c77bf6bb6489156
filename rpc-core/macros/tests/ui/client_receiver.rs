use farcall_core::{client, CallError};

#[client]
trait Api {
    async fn none(a: i64) -> Result<i64, CallError>;

    async fn exclusive(&mut self) -> Result<i64, CallError>;

    async fn by_value(self) -> Result<i64, CallError>;
}

fn main() {}
