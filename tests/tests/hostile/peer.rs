//! One side of a connection, controlled by hand: any bytes at any time.

use std::net::SocketAddr;
use std::time::Duration;

use farcall::conn::auth::{AuthKey, Authentication, Channel, Handshake, Role};
use farcall::conn::frame::Header;
use tests::victim::KEY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The timeout of replies on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

/// Returns a message as a frame.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let header = Header::new(message.len() as u64);
    [header.as_bytes(), message].concat()
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Connects and completes the handshake.
    pub(crate) async fn trusted(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address).await;
        peer.handshake(Role::Client).await;
        peer
    }

    /// Performs the handshake correctly.
    pub(crate) async fn handshake(&mut self, role: Role) {
        let authentication = Authentication::new(AuthKey::new(KEY).unwrap());
        let mut handshake = Handshake::new(role, authentication, Channel::Unknown).unwrap();
        loop {
            while let Some(message) = handshake.outgoing() {
                self.send(&message).await;
            }
            if handshake.is_complete() {
                return;
            }
            let message = self
                .receive()
                .await
                .expect("the peer continues the handshake");
            handshake.incoming(&message).unwrap();
        }
    }

    /// Sends bytes. Errors are ignored, as the peer may have closed the connection.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn send(&mut self, message: &[u8]) {
        self.write(&frame(message)).await;
    }

    /// Receives the next message. `None` if the peer closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Vec<u8>> {
        let message = async {
            let length = self.stream.read_u32().await.ok()?;
            let mut message = vec![0; length as usize];
            self.stream.read_exact(&mut message).await.ok()?;
            Some(message)
        };
        timeout(TIMEOUT, message).await.expect("it answers")
    }

    /// Returns all further bytes until the peer closes or resets the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let end = timeout(TIMEOUT, self.stream.read_to_end(&mut rest));
        let _ = end.await.expect("the connection is closed");
        rest
    }

    /// Returns `true` if the peer neither sends anything nor closes the connection.
    pub(crate) async fn is_kept_waiting(&mut self) -> bool {
        let next = self.stream.read_u8();
        timeout(Duration::from_millis(1), next).await.is_err()
    }

    /// Closes the sending direction. Reading remains possible.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}
