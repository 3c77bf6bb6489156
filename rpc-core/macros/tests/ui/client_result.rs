use farcall_core::client;

#[client]
trait Api {
    async fn nothing(&self);

    fn future(&self) -> impl Future<Output = i64>;
}

fn main() {}
