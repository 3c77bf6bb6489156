use farcall_core::Registry;
use farcall_core::protocol::Format;

struct Counter;

fn offer<F: Format>(registry: &Registry<F>) {
    let _ = registry.register_instance(Counter);
}

fn main() {}
