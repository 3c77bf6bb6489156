//! Objects that Python shares through `multiprocessing.managers`.

mod wire;

pub use wire::{Exception, ProxyValue, Token, TokenAddress, WireError};
