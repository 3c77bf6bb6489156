//! Adds numbers for Python programs, such as `python3 examples/python/adder_client.py`.

use farcall::conn::{Listener, PyConnection, RecvError};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut listener = Listener::bind(("127.0.0.1", 16000))
        .authkey("12345")
        .legacy_md5(true) // CPython up to 3.11 supports MD5 only
        .await?;
    println!("listening on {}", listener.local_address());
    loop {
        let peer: PyConnection = listener.accept().await?;
        tokio::spawn(async move {
            let address = peer.peer().clone();
            println!("{address} connected");
            match add(peer).await {
                Ok(()) => println!("{address} disconnected"),
                Err(error) => println!("{address}: {error:#}"),
            }
        });
    }
}

/// Answers a peer until it closes the connection.
async fn add(mut peer: PyConnection) -> anyhow::Result<()> {
    loop {
        match peer.recv_as::<(i64, i64)>().await {
            Ok((a, b)) => {
                println!("{a} + {b}");
                peer.send_as(&(a + b)).await?;
            }
            Err(RecvError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
