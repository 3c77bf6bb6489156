//! Authenticated connections that pass values: between Rust programs, and with CPython's
//! `multiprocessing.connection`.

pub mod address;
pub mod auth;
#[cfg(unix)]
pub mod blocking;
mod client;
pub mod codec;
mod connection;
#[cfg(unix)]
mod descriptor;
mod error;
pub mod frame;
mod listener;
mod pipe;
mod setup;
mod wait;

pub use client::{Client, ClientBuilder, ConnectError};
pub use codec::{Bincode, Codec, Json, MessagePack, Pickle, Postcard};
pub use connection::{Connection, Receiver, Sender};
#[cfg(unix)]
pub use descriptor::{Acknowledge, DescriptorError};
pub use error::{RecvError, SendError};
pub use listener::{BindError, Listener, ListenerBuilder};
pub use pipe::{pipe, simplex};
pub use rpc_core;
pub use wait::{Wait, wait};
