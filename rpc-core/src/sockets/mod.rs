//! Plain sockets: a handler for each connection or datagram, as with Python's `socketserver`.
//!
//! A [`StreamServer`] runs a handler for each connection over TCP or a Unix socket, a
//! [`DatagramServer`] for each datagram over UDP. Handlers are async functions, or with `threads`
//! functions that block, each in a thread of its own. Both servers have limits, lists of
//! [`Networks`] whose peers they serve, a hook that sees each peer first, and a graceful stop.
//!
//! ```
//! use farcall::sockets::{Networks, StreamServer};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = StreamServer::new(|connection| async {
//!     let (mut reader, mut writer) = split(connection);
//!     copy(&mut reader, &mut writer).await?;
//!     writer.shutdown().await
//! });
//! let local = Networks::new(["127.0.0.0/8", "::1"])?;
//! let bound = server.allow(local).bind("127.0.0.1:0").await?;
//! let mut client = tokio::net::TcpStream::connect(bound.local_address().to_string()).await?;
//! tokio::spawn(bound.serve());
//!
//! client.write_all(b"hello").await?;
//! client.shutdown().await?;
//! let mut echo = String::new();
//! client.read_to_string(&mut echo).await?;
//! assert_eq!(echo, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! | of a [`StreamServer`] | default |
//! |---|---|
//! | connections | 1024 |
//! | time in which nothing is read or written, while the handler waits for that | 5 minutes |
//! | time for connections that are open at a stop | 30 s |
//!
//! | of a [`DatagramServer`] | default |
//! |---|---|
//! | bytes of a datagram | 8192 |
//! | handlers at once; further datagrams wait in the system, which drops those beyond its buffer | 64 |
//! | time for handlers that run at a stop | 30 s |
//!
//! What a handler keeps of what it reads is up to it: a line, for example, has no limit but that of
//! the code that reads it (`AsyncReadExt::take`).

mod connection;
mod datagram;
mod networks;
mod stream;
#[cfg(test)]
mod tests;
mod thread;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

pub use self::connection::{BlockingConnection, Connection};
pub use self::datagram::{BoundDatagramServer, Datagram, DatagramServer};
pub use self::networks::{InvalidNetwork, Networks};
pub use self::stream::{BoundStreamServer, StreamServer};
use crate::output::Quota;
use crate::transport::Peer;

/// The handler of a connection or datagram.
type Handler<T> = dyn Fn(T) -> Handling + Send + Sync;
type Handling = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;
type Verify = dyn Fn(&Peer) -> bool + Send + Sync;

/// The conditions that a peer must meet before a handler runs for it.
#[derive(Clone, Default)]
struct Admission {
    networks: Option<Networks>,
    verify: Option<Arc<Verify>>,
}

impl Admission {
    /// Returns `false`, and logs it, if a peer is refused.
    fn admits(&self, peer: &Peer) -> bool {
        static REFUSALS: Quota = Quota::new(10);

        let is_allowed = |networks: &Networks| peer.ip().is_none_or(|ip| networks.contains(ip));
        let is_admitted = self.networks.as_ref().is_none_or(is_allowed)
            && self.verify.as_ref().is_none_or(|verify| verify(peer));
        if !is_admitted && let Some(admitted) = REFUSALS.admit() {
            let suppressed = admitted.suppressed();
            tracing::info!(%peer, suppressed, "peer refused");
        }
        is_admitted
    }
}
