//! Peers that attack the handshake of TLS, before they prove anything.

use tests::victim::Victim;

use crate::endure;
use crate::peer::Peer;

async fn victim() -> Victim {
    Victim::start(env!("CARGO_BIN_EXE_victim"), &["--encrypted"]).await
}

/// Returns a record of TLS.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    [&[kind, 3, 1], &length[..], content].concat()
}

#[tokio::test]
async fn what_is_no_handshake_is_refused() {
    let old_hello = [
        &[1, 0, 0, 0x2b, 3, 1][..],
        &[7; 32],
        &[0, 0, 4, 0, 0x2f, 0, 5, 1, 0],
    ]
    .concat();
    let endless: Vec<u8> = record(0x16, &[1, 0, 0xff, 0xff]);
    let cases: &[(&str, Vec<u8>)] = &[
        ("zeros", vec![0; 1000]),
        (
            "a request of HTTP",
            b"GET / HTTP/1.1\r\nHost: victim\r\n\r\n".to_vec(),
        ),
        ("a message without TLS", b"\0\0\0\x05hello".to_vec()),
        (
            "a challenge",
            b"\0\0\0\x1f#CHALLENGE#01234567890123456789".to_vec(),
        ),
        (
            "a hello of SSL 2",
            [&[0x80, 0x2e, 1, 0, 2][..], &[0; 43]].concat(),
        ),
        ("a hello of TLS 1.0", record(0x16, &old_hello)),
        (
            "the longest length of a record",
            [&[0x16, 3, 1, 0xff, 0xff][..], &[1; 100]].concat(),
        ),
        (
            "a handshake message of 64 KiB",
            [&endless[..], &record(0x16, &[0; 16_384]).repeat(5)].concat(),
        ),
        (
            "a message of the handshake of 16 MiB",
            record(0x16, &[1, 0xff, 0xff, 0xff])
                .into_iter()
                .chain(record(0x16, &[0; 16_384]).repeat(5))
                .collect(),
        ),
        ("data before the handshake", record(0x17, &[7; 100])),
        ("an alert", record(0x15, &[2, 40])),
        ("1,000 warnings", record(0x15, &[1, 90]).repeat(1000)),
        (
            "1,000 records without bytes",
            record(0x16, &[]).repeat(1000),
        ),
        (
            "1,000 changes of the cipher",
            record(0x14, &[1]).repeat(1000),
        ),
        (
            "a server's hello",
            record(0x16, &[&[2, 0, 0, 40, 3, 3][..], &[7; 38]].concat()),
        ),
    ];
    let victim = victim().await;
    for address in [
        victim.encrypted.unwrap().connections,
        victim.encrypted.unwrap().rpc,
    ] {
        for (name, bytes) in cases {
            endure(&victim, name, async {
                let mut peer = Peer::connect(address).await;
                peer.write(bytes).await;
                peer.finish().await;
                // At most an alert.
                assert!(peer.rest().await.len() < 20, "{name}");
            })
            .await;
        }
    }
}

/// Silent peers are kept waiting. If there are too many, the oldest are disconnected first.
#[tokio::test]
async fn silence_within_the_handshake_delays_no_one() {
    let victim = victim().await;
    let address = victim.encrypted.unwrap().connections;
    endure(&victim, "300 silent peers of TLS", async {
        let mut silent = Vec::new();
        for number in 0..300 {
            if number == 200 {
                victim.assert_serves().await;
                for peer in &mut silent {
                    let peer: &mut Peer = peer;
                    assert!(peer.is_kept_waiting().await);
                }
            }
            let mut peer = Peer::connect(address).await;
            if number % 2 == 0 {
                peer.write(&[0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3]).await;
            }
            silent.push(peer);
        }
        victim.assert_serves().await;
        silent[0].rest().await;
        assert!(silent[299].is_kept_waiting().await);
    })
    .await;
}

#[tokio::test]
async fn five_hundred_handshakes_at_once() {
    let victim = victim().await;
    endure(
        &victim,
        "500 handshakes of TLS that stop in the middle",
        async {
            let mut peers = Vec::new();
            for _ in 0..500 {
                let mut peer = Peer::connect(victim.encrypted.unwrap().rpc).await;
                peer.write(&[0x16, 3, 1]).await;
                peers.push(peer);
            }
            victim.assert_serves().await;
            victim.assert_unharmed("handshakes in progress");
        },
    )
    .await;
}
