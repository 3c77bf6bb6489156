use farcall_core::{client, CallError};

#[client]
trait Api {
    async fn echo<T>(&self, value: T) -> Result<T, CallError>;

    async fn show(&self, value: impl ToString) -> Result<String, CallError>;
}

fn main() {}
