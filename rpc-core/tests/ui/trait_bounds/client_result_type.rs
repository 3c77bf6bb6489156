use rpc_core::{CallError, client};

struct Opaque;

#[client]
trait Api {
    async fn plain(&self) -> i64;

    async fn unreadable(&self) -> Result<Opaque, CallError>;

    async fn other_error(&self) -> Result<i64, Opaque>;
}

fn main() {}
