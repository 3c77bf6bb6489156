//! Hostile clients and servers of HTTP and XML-RPC.

mod bombs;
mod case;
mod chunks;
mod client;
mod documents;
mod flood;
mod heads;
mod lengths;
mod multicall;
mod oversize;
mod replies;
mod responses;
mod slow;
mod transfer;

use tests::victim::Victim;

/// Starts a server with the default limits.
async fn victim() -> Victim {
    victim_with(&[]).await
}

async fn victim_with(arguments: &[&str]) -> Victim {
    Victim::start(env!("CARGO_BIN_EXE_victim"), arguments).await
}
