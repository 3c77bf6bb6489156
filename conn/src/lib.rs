//! Authenticated connections that pass values: between Rust programs, and with CPython's
//! `multiprocessing.connection`.

pub mod auth;
pub mod codec;
mod connection;
#[cfg(unix)]
mod descriptor;
mod error;
pub mod frame;
mod pipe;
mod wait;

pub use codec::{Bincode, Codec, Json, MessagePack, Pickle, Postcard};
pub use connection::{Connection, Receiver, Sender};
#[cfg(unix)]
pub use descriptor::{Acknowledge, DescriptorError};
pub use error::{RecvError, SendError};
pub use pipe::{pipe, simplex};
pub use rpc_core;
pub use wait::{Wait, wait};
