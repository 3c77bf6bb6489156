//! Adds numbers for Python programs, such as `python3 examples/python/adder_client.py`.

use farcall::conn::{Listener, PyConnection};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut listener = Listener::bind(("127.0.0.1", 16000))
        .authkey("12345")
        .legacy_md5(true) // CPython up to 3.11 supports MD5 only
        .await?;
    println!("listening on {}", listener.local_address());
    loop {
        let mut peer: PyConnection = listener.accept().await?;
        tokio::spawn(async move {
            println!("{} connected", peer.peer());
            while let Ok((a, b)) = peer.recv_as::<(i64, i64)>().await {
                println!("{a} + {b}");
                peer.send_as(&(a + b)).await?;
            }
            println!("{} disconnected", peer.peer());
            Ok::<(), farcall::conn::SendError>(())
        });
    }
}
