use farcall_core::service;

struct Database;

#[service]
impl Database {
    #[service(nested)]
    pub fn table(&self, name: String) -> Self {
        let _ = name;
        Self
    }

    #[service(nested = "later")]
    pub async fn later(&self) -> Self {
        Self
    }
}

fn main() {}
