//! Servers and clients over sockets and other byte streams.

mod client;
mod client_options;
mod connector;
mod server;
mod url;

#[cfg(feature = "jsonrpc-client")]
pub use self::client::SocketBatch;
pub use self::client::SocketClient;
pub use self::client_options::SocketClientOptions;
pub use self::server::{BoundSocketServer, SocketBindError, SocketServer, SocketServerOptions};
pub use self::url::InvalidSocketUrl;
