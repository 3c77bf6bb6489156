use farcall_core::service;

struct Opaque;

struct Factory;

#[service]
impl Factory {
    pub fn now(&self) -> Opaque {
        Opaque
    }

    pub async fn later(&self) -> Opaque {
        Opaque
    }

    #[service(blocking)]
    pub fn blocking(&self) -> Opaque {
        Opaque
    }
}

fn main() {}
