//! Connections inside one program, without any socket.
//!
//! They behave like sockets: a write waits while the other end does not read, a connect waits
//! while the listener does not accept, and an end that is dropped ends the stream.

use std::future::pending;
use std::io;

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::{Address, Connect, Listen, Peer};

/// Connections that wait for `accept`, as with the sockets of most systems.
const BACKLOG: usize = 128;

/// Bytes under way in each direction: as much as a pipe of Linux holds.
const BUFFER: usize = 64 * 1024;

/// A listener and a connector that reaches it.
///
/// The name tells listeners apart in logs; it need not be unique.
pub fn listener(name: impl Into<String>) -> (MemoryListener, MemoryConnector) {
    let (connections, accepted) = mpsc::channel(BACKLOG);
    let name = name.into();
    (
        MemoryListener { name, accepted },
        MemoryConnector { connections },
    )
}

/// Accepts what its [`MemoryConnector`]s connect. Made by [`listener`].
#[derive(Debug)]
pub struct MemoryListener {
    name: String,
    accepted: mpsc::Receiver<DuplexStream>,
}

/// Waits for ever once the last connector is gone, as a socket does that nobody connects to.
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

/// Connects to its [`MemoryListener`]. Made by [`listener`].
#[derive(Clone, Debug)]
pub struct MemoryConnector {
    connections: mpsc::Sender<DuplexStream>,
}

/// Once the listener is dropped, connections are refused.
impl Connect for MemoryConnector {
    type Io = DuplexStream;

    async fn connect(&self) -> io::Result<DuplexStream> {
        let Ok(place) = self.connections.reserve().await else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        place.send(theirs);
        Ok(ours)
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
    async fn a_listener_that_is_gone_refuses_and_hangs_up() -> io::Result<()> {
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
