//! Peers that send what means nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Run, add};

/// The pause after each, on average.
const PAUSE: Duration = Duration::from_millis(50);

/// How long they listen to what the server says.
const PATIENCE: Duration = Duration::from_millis(500);

/// What they begin with: nothing, the head of a request, the length of a message.
const BEGINNINGS: [&[u8]; 4] = [
    b"",
    b"POST /RPC2 HTTP/1.1\r\nHost: victim\r\nContent-Type: text/xml\r\nContent-Length: 2000\r\n\r\n",
    b"POST /RPC2 HTTP/1.1\r\nHost: victim\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\0\0\x01\0",
];

/// Sends until the run is over.
pub(super) async fn send_on(run: Arc<Run>, mut random: Rng) {
    let victim = &run.site.victim;
    let servers = [victim.xmlrpc, victim.rpc, victim.connections];
    while run.goes_on(&mut random, PAUSE).await {
        let server = servers[random.usize(0..servers.len())];
        match TcpStream::connect(server).await {
            // That the server has had enough of it is as it should be.
            Ok(stream) => _ = send(stream, &mut random).await,
            Err(error) => run.fail(format!("the server lets nobody in: {error}")),
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
        // Whoever waits for more finds out that there is none.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    }
    if random.bool() {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}
