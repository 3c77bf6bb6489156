//! Many concurrent peers, and slow ones.

use std::time::Duration;

use farcall::conn::auth::{AuthKey, Authentication, Channel, Handshake, Role};
use futures_util::future::join_all;
use tests::victim::KEY;
use tokio::time::{Instant, sleep};

use crate::peer::{Peer, frame};
use crate::{endure, victim};

/// The default maximum of concurrent handshakes with one address.
const PENDING: usize = 256;

/// The default timeout of handshakes.
const TIME: Duration = Duration::from_secs(5);

#[tokio::test]
async fn five_thousand_silent_connections() {
    let victim = victim().await;
    endure(&victim, "a flood of 5,000 connections", async {
        let mut peers = Vec::new();
        for number in 0..5000 {
            peers.push(Peer::connect(victim.rpc).await);
            if number % 1000 == 999 {
                victim.assert_serves().await;
                assert!(victim.descriptors() < PENDING * 3);
                victim.assert_unharmed("a part of the flood");
            }
        }
        // The listener disconnects the oldest; the newest are kept waiting.
        peers[0].rest().await;
        peers[4000].rest().await;
    })
    .await;
    endure(&victim, "a flood of 5,000 that disconnect at once", async {
        for _ in 0..5000 {
            drop(Peer::connect(victim.connections).await);
        }
    })
    .await;
}

/// Silent peers are kept waiting. If there are too many, the oldest are disconnected first.
#[tokio::test]
async fn silent_peers_delay_no_one() {
    let victim = victim().await;
    endure(&victim, "300 silent peers", async {
        let mut silent = Vec::new();
        for _ in 0..200 {
            let mut peer = Peer::connect(victim.connections).await;
            peer.receive().await.unwrap();
            silent.push(peer);
        }
        victim.assert_serves().await;
        for peer in &mut silent {
            assert!(peer.is_kept_waiting().await);
        }
        for _ in 0..100 {
            silent.push(Peer::connect(victim.connections).await);
        }
        victim.assert_serves().await;
        assert_eq!(silent[0].rest().await, b"");
        assert!(silent[199].is_kept_waiting().await);
    })
    .await;
}

#[tokio::test]
async fn handshakes_take_little_memory() {
    let victim = victim().await;
    endure(&victim, "256 that begin to answer", async {
        let before = victim.memory();
        let mut peers = Vec::new();
        for _ in 0..PENDING {
            let mut peer = Peer::connect(victim.connections).await;
            peer.receive().await.unwrap();
            // The longest message that may be announced, without its last byte.
            peer.write(&frame(&[b'{'; 256])[..259]).await;
            peers.push(peer);
        }
        let memory = victim.memory().saturating_sub(before);
        let each = memory / PENDING as u64;
        assert!(each < 32 << 10, "{each} bytes for each");
    })
    .await;
}

#[tokio::test]
async fn floods_of_handshakes() {
    let victim = victim().await;
    endure(&victim, "500 wrong answers at once", async {
        let strangers = (0..500).map(async |_| {
            let mut peer = Peer::connect(victim.rpc).await;
            if peer.receive().await.is_some() {
                peer.send(b"wrong").await;
            }
            peer.rest().await;
        });
        join_all(strangers).await;
    })
    .await;
    endure(&victim, "500 right answers, and then nothing", async {
        let guests = (0..500).map(async |_| {
            let client = farcall::conn::Connection::connect(victim.rpc).authkey(KEY);
            let connection: Result<farcall::conn::Connection, _> = client.await;
            connection.is_ok()
        });
        // Peers beyond the limit are disconnected, but not all of them.
        let is_one_accepted = join_all(guests).await.contains(&true);
        assert!(is_one_accepted, "no peer was accepted");
    })
    .await;
}

/// Each peer has the same time for its handshake, however busy it appears.
#[tokio::test]
async fn slow_handshakes_time_out() {
    let victim = victim().await;
    endure(
        &victim,
        "silence, a trickle, and half a connection",
        async {
            let begin = Instant::now();
            let cut_off = async |peer: &mut Peer| {
                peer.rest().await;
                assert!(begin.elapsed() + Duration::from_millis(500) >= TIME);
            };
            let silent = async {
                let mut peer = Peer::connect(victim.rpc).await;
                cut_off(&mut peer).await;
            };
            let within_length = async {
                let mut peer = Peer::connect(victim.rpc).await;
                peer.write(b"\0\0").await;
                cut_off(&mut peer).await;
            };
            let trickle = async {
                let mut peer = Peer::connect(victim.rpc).await;
                peer.receive().await.unwrap();
                for byte in frame(&[b'x'; 200]) {
                    peer.write(&[byte]).await;
                    sleep(Duration::from_millis(50)).await;
                }
                cut_off(&mut peer).await;
            };
            let silent_after_welcome = async {
                let mut peer = Peer::connect(victim.rpc).await;
                let authentication = Authentication::new(AuthKey::new(KEY).unwrap());
                let handshake = Handshake::new(Role::Client, authentication, Channel::Unknown);
                let mut handshake = handshake.unwrap();
                let challenge = peer.receive().await.unwrap();
                handshake.incoming(&challenge).unwrap();
                peer.send(&handshake.outgoing().unwrap()).await;
                assert_eq!(peer.receive().await.unwrap(), b"#WELCOME#");
                cut_off(&mut peer).await;
            };
            let no_greeting = async {
                let mut peer = Peer::trusted(victim.rpc).await;
                cut_off(&mut peer).await;
            };
            let half = async {
                let mut peer = Peer::connect(victim.rpc).await;
                peer.finish().await;
                peer.rest().await;
                assert!(begin.elapsed() < TIME, "closed only by the timeout");
            };
            tokio::join!(
                silent,
                within_length,
                trickle,
                silent_after_welcome,
                no_greeting,
                half
            );
        },
    )
    .await;
}

#[tokio::test]
async fn thousands_of_idle_connections() {
    let victim = victim().await;
    let connect = async |address| {
        let mut peers = Vec::new();
        for _ in 0..3000 {
            peers.push(Peer::trusted(address).await);
        }
        peers
    };
    endure(&victim, "3,000 silent connections", async {
        let peers = connect(victim.connections).await;
        victim.assert_serves().await;
        victim.assert_unharmed("3,000 connections");
        drop(peers);
    })
    .await;
}
