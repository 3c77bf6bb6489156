use rpc_core::service;

struct Opaque;

struct Factory;

#[service]
impl Factory {
    fn now(&self) -> Opaque {
        Opaque
    }

    async fn later(&self) -> Opaque {
        Opaque
    }

    #[service(blocking)]
    fn blocking(&self) -> Opaque {
        Opaque
    }
}

fn main() {}
