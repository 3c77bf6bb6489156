use farcall_core::{client, CallError};

struct Opaque;

#[client]
trait Api {
    async fn take(&self, number: i64, opaque: &Opaque) -> Result<i64, CallError>;
}

fn main() {}
