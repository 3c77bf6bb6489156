//! An echo server over TCP, for peers of this machine and of a private network.
//! `python3 examples/python/echo_client.py` sends it lines.

use farcall::sockets::{Networks, StreamServer};
use tokio::io::{AsyncWriteExt, copy, split};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:20000".into());
    let server = StreamServer::new(|connection| async {
        println!("got a connection from {}", connection.peer());
        let (mut reader, mut writer) = split(connection);
        copy(&mut reader, &mut writer).await?;
        writer.shutdown().await
    });
    let networks = Networks::new(["127.0.0.0/8", "::1", "192.168.0.0/16"])?;
    let bound = server.allow(networks).bind(address).await?;
    println!("listening on {}", bound.local_address());
    bound
        .serve_until(async { drop(tokio::signal::ctrl_c().await) })
        .await;
    Ok(())
}
