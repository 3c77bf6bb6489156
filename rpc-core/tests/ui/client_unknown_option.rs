use rpc_core::{CallError, client};

#[client(namespace = "api")]
trait Api {
    #[client(rename = "plus")]
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

fn main() {}
