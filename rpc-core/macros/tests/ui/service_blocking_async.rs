use farcall_core::service;

struct Disk;

#[service]
impl Disk {
    #[service(blocking)]
    pub async fn read(&self) -> Vec<u8> {
        Vec::new()
    }
}

fn main() {}
