//! What a remote call is.

pub mod serve;
pub mod transport;
