//! One end of a connection, by hand: any bytes at any time.

use std::net::SocketAddr;
use std::time::Duration;

use conn::auth::{AuthKey, Authentication, Channel, Handshake, Role};
use conn::frame::Header;
use tests::victim::KEY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take on a machine that does a lot else.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

/// A message with its length before it.
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

    /// One that has proved the key.
    pub(crate) async fn trusted(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address).await;
        peer.shake(Role::Client).await;
        peer
    }

    /// The handshake as it should be.
    pub(crate) async fn shake(&mut self, role: Role) {
        let authentication = Authentication::new(AuthKey::new(KEY).unwrap());
        let mut handshake = Handshake::new(role, authentication, Channel::Unknown).unwrap();
        loop {
            while let Some(message) = handshake.outgoing() {
                self.send(&message).await;
            }
            if handshake.is_complete() {
                return;
            }
            let message = self.receive().await.expect("the handshake goes on");
            handshake.incoming(&message).unwrap();
        }
    }

    /// Sends bytes, as far as the other end takes them: it may have closed the connection.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn send(&mut self, message: &[u8]) {
        self.write(&frame(message)).await;
    }

    /// The next message; nothing if the other end has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Vec<u8>> {
        let message = async {
            let length = self.stream.read_u32().await.ok()?;
            let mut message = vec![0; length as usize];
            self.stream.read_exact(&mut message).await.ok()?;
            Some(message)
        };
        timeout(TIMEOUT, message).await.expect("it answers")
    }

    /// What else comes until the other end closes the connection, be that orderly or not.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let end = timeout(TIMEOUT, self.stream.read_to_end(&mut rest));
        let _ = end.await.expect("the connection is closed");
        rest
    }

    /// Whether the other end neither says anything nor closes the connection.
    pub(crate) async fn is_let_wait(&mut self) -> bool {
        let next = self.stream.read_u8();
        timeout(Duration::from_millis(1), next).await.is_err()
    }

    /// Says that nothing more will come from this end, but goes on reading.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}
