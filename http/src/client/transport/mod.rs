//! The transports of the async and the blocking client.

mod blocking;
mod tokio;

use std::path::PathBuf;

pub use self::blocking::{BlockingConnector, BlockingStream};
pub use self::tokio::{TokioConnector, TokioStream};

/// The address that a client connects to.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A name or an IP address, IPv6 without brackets, and a port.
    Tcp(String, u16),
    /// A socket file.
    Unix(PathBuf),
}
