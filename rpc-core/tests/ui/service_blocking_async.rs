use rpc_core::service;

struct Disk;

#[service]
impl Disk {
    #[service(blocking)]
    async fn read(&self) -> Vec<u8> {
        Vec::new()
    }
}

fn main() {}
