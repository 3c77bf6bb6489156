use farcall_core::{client, CallError};

struct Opaque;

#[client]
trait Api {
    async fn plain(&self) -> i64;

    async fn unreadable(&self) -> Result<Opaque, CallError>;

    async fn other_error(&self) -> Result<i64, Opaque>;
}

fn main() {}
