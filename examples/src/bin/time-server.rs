//! A time server over UDP: it answers each datagram with the seconds since 1970.
//! `python3 examples/python/time_client.py` asks it.

use std::time::SystemTime;

use farcall::middleware::RateLimit;
use farcall::sockets::DatagramServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:20001".into());
    let server = DatagramServer::new(|datagram| async move {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        datagram.reply(now.map_or(0, |time| time.as_secs()).to_string().as_bytes())
    });
    // Senders can be forged: this bounds what one address is sent.
    let limit = RateLimit::per_second(10);
    let server = server.verify(move |peer| limit.check_peer(peer).is_ok());
    let bound = server.max_size(64).bind(address).await?;
    println!("listening on {}", bound.local_address());
    bound
        .serve_until(async { drop(tokio::signal::ctrl_c().await) })
        .await;
    Ok(())
}
