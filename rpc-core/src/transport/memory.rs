//! Connections within one program, without sockets.
//!
//! They behave like sockets: a write waits while the peer does not read, a connect waits while the
//! listener does not accept, and dropping one side closes the stream.

use std::future::pending;
use std::io;

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::{Address, Connect, Listen, Peer};

/// The capacity of the backlog, as with the sockets of most systems.
const BACKLOG: usize = 128;

/// The bytes in flight in each direction: the capacity of a pipe on Linux.
const BUFFER: usize = 64 * 1024;

/// Returns a listener and a connector to it.
///
/// The name distinguishes listeners in logs; it need not be unique.
pub fn listener(name: impl Into<String>) -> (MemoryListener, MemoryConnector) {
    let (connections, accepted) = mpsc::channel(BACKLOG);
    let name = name.into();
    (
        MemoryListener { name, accepted },
        MemoryConnector { connections },
    )
}

/// Accepts the connections of its [`MemoryConnector`]s. Created by [`listener`].
#[derive(Debug)]
pub struct MemoryListener {
    name: String,
    accepted: mpsc::Receiver<DuplexStream>,
}

/// After the last connector is dropped, accepting never completes, as with a socket without peers.
impl Listen for MemoryListener {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Peer)> {
        match self.accepted.recv().await {
            Some(stream) => Ok((stream, Peer::Memory)),
            None => pending().await,
        }
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Memory(self.name.clone()))
    }
}

/// Connects to its [`MemoryListener`]. Created by [`listener`].
#[derive(Clone, Debug)]
pub struct MemoryConnector {
    connections: mpsc::Sender<DuplexStream>,
}

/// Refuses connections after the listener is dropped.
impl Connect for MemoryConnector {
    type Io = DuplexStream;

    async fn connect(&self) -> io::Result<DuplexStream> {
        let Ok(permit) = self.connections.reserve().await else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let (client, server) = tokio::io::duplex(BUFFER);
        permit.send(server);
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use futures_util::FutureExt as _;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::transport::tests::echoes;

    #[tokio::test]
    async fn echo() {
        let (listener, connector) = listener("echo");
        assert_eq!(
            listener.local_address().expect("it has a name"),
            Address::Memory("echo".to_owned())
        );
        assert_eq!(echoes(listener, connector).await, Peer::Memory);
    }

    #[tokio::test]
    async fn a_dropped_listener_refuses_and_closes_its_connections() -> io::Result<()> {
        let (listener, connector) = listener("short-lived");
        let mut waiting = connector.connect().await?;
        drop(listener);
        assert_eq!(waiting.read(&mut [0]).await?, 0, "end of the stream");
        let refused = connector.connect().await;
        assert_eq!(
            refused.map_err(|e| e.kind()).err(),
            Some(ErrorKind::ConnectionRefused)
        );
        Ok(())
    }

    #[tokio::test]
    async fn the_backlog_is_bounded() -> io::Result<()> {
        let (mut listener, connector) = listener("busy");
        let mut waiting = Vec::new();
        for _ in 0..BACKLOG {
            waiting.push(connector.connect().await?);
        }
        assert!(connector.connect().now_or_never().is_none());
        listener.accept().await?;
        assert!(connector.connect().now_or_never().is_some());
        Ok(())
    }
}
