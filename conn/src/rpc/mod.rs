//! Calls, streams and objects over connections.

mod attachment;
mod client;
mod encoding;
mod error;
mod greeting;
mod message;
mod object;
mod options;
mod pipeline;
mod reconnect;
mod remote;
mod server;
mod session;
mod stream;
mod varint;

pub use client::{Client, ClientBuilder, ConnectError};
pub use encoding::Encoding;
pub use error::{Disconnected, PromiseFailed, StreamError};
pub use greeting::GreetingError;
pub use options::Options;
pub use pipeline::Pipelined;
pub use reconnect::Reconnect;
pub use remote::Remote;
pub use server::{Server, ServerOptions};
pub use session::Load;
pub use stream::{Stream, StreamClosed, StreamSender};
