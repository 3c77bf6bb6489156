use rpc_core::{Format, Registry};

struct Counter;

fn offer<F: Format>(registry: &Registry<F>) {
    let _ = registry.register_instance(Counter);
}

fn main() {}
