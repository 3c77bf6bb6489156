//! A TCP relay that adds latency, to measure the cost of round trips.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Forwards connections to the returned address to `target`, and delays each byte by `delay` in
/// both directions.
///
/// # Errors
/// If no port is free.
pub async fn to(target: SocketAddr, delay: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(listener, target, delay));
    Ok(address)
}

async fn accept(listener: TcpListener, target: SocketAddr, delay: Duration) -> io::Result<()> {
    loop {
        let (near, _) = listener.accept().await?;
        let far = TcpStream::connect(target).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let (from_near, to_near) = near.into_split();
        let (from_far, to_far) = far.into_split();
        tokio::spawn(forward(from_near, to_far, delay));
        tokio::spawn(forward(from_far, to_near, delay));
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
) -> io::Result<()> {
    // Reading continues while data is delayed: the relay adds latency, but does not limit
    // bandwidth.
    let (pieces, mut waiting) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let reading = async move {
        loop {
            let mut piece = Vec::with_capacity(16 << 10);
            if from.read_buf(&mut piece).await? == 0 {
                return Ok(());
            }
            if pieces.send((Instant::now() + delay, piece)).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = waiting.recv().await {
            tokio::time::sleep_until(due).await;
            to.write_all(&piece).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing)?;
    Ok(())
}
