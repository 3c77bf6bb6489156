use rpc_core::service;

struct Database;

#[service]
impl Database {
    #[service(nested)]
    fn table(&self, name: String) -> Self {
        let _ = name;
        Self
    }

    #[service(nested = "later")]
    async fn later(&self) -> Self {
        Self
    }
}

fn main() {}
