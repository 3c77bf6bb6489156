//! What a remote call is.

pub mod transport;
