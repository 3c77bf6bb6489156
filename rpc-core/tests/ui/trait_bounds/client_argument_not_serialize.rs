use rpc_core::{CallError, client};

struct Opaque;

#[client]
trait Api {
    async fn take(&self, number: i64, opaque: &Opaque) -> Result<i64, CallError>;
}

fn main() {}
