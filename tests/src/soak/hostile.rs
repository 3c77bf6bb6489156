//! Peers that send random bytes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Run, add};

/// The average pause after each connection.
const PAUSE: Duration = Duration::from_millis(50);

/// The time for which they read what the server sends.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The bytes before the random ones: nothing, the head of a request, the length of a message.
const BEGINNINGS: [&[u8]; 4] = [
    b"",
    b"POST /RPC2 HTTP/1.1\r\nHost: victim\r\nContent-Type: text/xml\r\nContent-Length: 2000\r\n\r\n",
    b"POST /RPC2 HTTP/1.1\r\nHost: victim\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\0\0\x01\0",
];

/// Opens connections and sends random bytes until the run ends.
pub(super) async fn send_on(run: Arc<Run>, mut random: Rng) {
    let victim = &run.site.victim;
    let servers = [victim.xmlrpc, victim.rpc, victim.connections];
    while run.next_round(&mut random, PAUSE).await {
        let server = servers[random.usize(0..servers.len())];
        match TcpStream::connect(server).await {
            // An error is fine: the server may close the connection at any time.
            Ok(stream) => _ = send(stream, &mut random).await,
            Err(error) => run.fail(format!("the server accepts no connection: {error}")),
        }
        add(&run.counts.hostile, 1);
    }
}

async fn send(mut stream: TcpStream, random: &mut Rng) -> io::Result<()> {
    let mut bytes = BEGINNINGS[random.usize(0..BEGINNINGS.len())].to_vec();
    let length = bytes.len() + random.usize(0..4096);
    bytes.resize_with(length, || random.u8(..));
    stream.write_all(&bytes).await?;
    if random.bool() {
        // The server may wait for more bytes, which never come.
        let _ = timeout(TIMEOUT, stream.read_to_end(&mut Vec::new())).await;
    }
    if random.bool() {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}
