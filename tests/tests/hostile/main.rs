//! Peers that mean harm, against a server with default limits in a process of its own. After each of
//! them it serves the next honest call, and has no more memory and descriptors than before.

#![allow(clippy::unwrap_used, reason = "tests")]

mod http;

use tests::victim::Victim;

#[tokio::test]
async fn honest_peers_do_no_harm() {
    let victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &[]).await;
    for _ in 0..20 {
        victim.assert_serves().await;
    }
    victim.assert_well("honest calls").await;
}
