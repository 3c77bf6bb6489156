//! The `#[service]` and `#[client]` attributes of rpc-core.
