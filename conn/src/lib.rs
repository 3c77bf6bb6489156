//! Authenticated connections that pass values: between Rust programs, and with CPython's
//! `multiprocessing.connection`.

pub mod auth;
pub mod codec;
pub mod frame;

pub use rpc_core;
