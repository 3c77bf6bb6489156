//! The transports of the async and the blocking client.

mod blocking;
mod tokio;

use std::path::PathBuf;

pub(crate) use self::blocking::BlockingConnector;
pub(super) use self::tokio::TokioConnector;

/// The address that a client connects to.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// A name or an IP address, IPv6 without brackets, and a port.
    Tcp(String, u16),
    /// A socket file.
    Unix(PathBuf),
}
