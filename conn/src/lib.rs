//! Authenticated connections that pass values: between Rust programs, and with CPython's
//! `multiprocessing.connection`.

pub mod codec;

pub use rpc_core;
