//! Hostile listeners against async and blocking clients of connections.

use tokio::net::TcpListener;

use crate::host::Step::{self, Finish, Handshake, Receive, Send, Write};
use crate::host::{send, visit};
use crate::peer::Peer;
use crate::{endure, victim};

fn challenge(ends: &[u8]) -> Step {
    Send([b"#CHALLENGE#", ends].concat())
}

/// Returns a valid challenge.
fn usual() -> Step {
    challenge(&[&b"{sha256}"[..], &[7; 40]].concat())
}

fn welcome() -> Step {
    Send(b"#WELCOME#".to_vec())
}

#[tokio::test]
async fn listeners_without_the_key_are_refused() {
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("silence", vec![], "timed out"),
        (
            "an end at once",
            vec![Finish],
            "the peer closed the connection",
        ),
        ("half a length", vec![Write(vec![0, 0])], "timed out"),
        (
            "an end within the challenge",
            vec![Write(b"\0\0\0\x20#CHALL".to_vec()), Finish],
            "in the middle of a message",
        ),
        (
            "HTTP",
            vec![Write(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())],
            "a server of HTTP: its URL begins with `http://`",
        ),
        (
            "a challenge of 257 bytes",
            vec![challenge(&[b'{'; 246])],
            "over the limit of 256",
        ),
        (
            "a challenge of 2 GiB",
            vec![Write(vec![0x7f, 255, 255, 255])],
            "over the limit of 256",
        ),
        (
            "a challenge of 16 EiB",
            vec![Write(vec![255; 12])],
            "over the limit of 256",
        ),
        (
            "a challenge of less than no byte",
            vec![Write(vec![255, 255, 255, 254])],
            "negative",
        ),
        (
            "a message without a byte",
            vec![Send(Vec::new())],
            "the peer's message is not",
        ),
        (
            "a welcome without a challenge",
            vec![welcome()],
            "the peer's message is not",
        ),
        (
            "a failure without a challenge",
            vec![Send(b"#FAILURE#".to_vec())],
            "the peer's message is not",
        ),
        (
            "a challenge of no byte",
            vec![challenge(b"")],
            "the peer's message is not",
        ),
        (
            "a challenge that asks for MD5",
            vec![challenge(&[7; 20])],
            "MD5",
        ),
        (
            "one that asks for MD5 by name",
            vec![challenge(b"{md5}0123456789012345678901234567890123456789")],
            "MD5",
        ),
        (
            "an unknown digest",
            vec![challenge(b"{rot13}01234567890123456789")],
            "rot13",
        ),
        (
            "a digest without a name",
            vec![challenge(&[7; 40])],
            "the peer's message is not",
        ),
        (
            "a failure",
            vec![usual(), Receive, Send(b"#FAILURE#".to_vec())],
            "rejected the authkey",
        ),
        (
            "an invalid verdict",
            vec![usual(), Receive, Send(b"#MAYBE#".to_vec())],
            "the peer's message is not",
        ),
        (
            "a second challenge for a verdict",
            vec![usual(), Receive, usual()],
            "the peer's message is not",
        ),
        (
            "a welcome and silence",
            vec![usual(), Receive, welcome()],
            "timed out",
        ),
        (
            "a welcome and no proof",
            vec![usual(), Receive, welcome(), Receive, Send(vec![])],
            "the peer's message is not",
        ),
        (
            "a welcome and a wrong proof",
            {
                vec![
                    usual(),
                    Receive,
                    welcome(),
                    Receive,
                    Send([&b"{sha256}"[..], &[0; 32]].concat()),
                ]
            },
            "does not know the authkey",
        ),
        (
            "a welcome and a proof by MD5",
            vec![usual(), Receive, welcome(), Receive, Send(vec![0; 16])],
            "MD5",
        ),
        (
            "two welcomes",
            vec![usual(), Receive, welcome(), welcome()],
            "the peer's message is not",
        ),
        (
            "a value before the handshake is over",
            {
                vec![
                    usual(),
                    Receive,
                    welcome(),
                    Receive,
                    Send(b"\x80\x04N.".to_vec()),
                ]
            },
            "the peer's message is not",
        ),
    ];
    let victim = victim().await;
    for method in ["pickle", "blocking"] {
        for (name, steps, reason) in &cases {
            endure(
                &victim,
                &format!("{name}, where the client is {method}"),
                async {
                    let (succeeded, report) = visit(&victim, method, steps.clone(), reason).await;
                    assert!(!succeeded && report.contains(reason), "{name}: {report}");
                },
            )
            .await;
        }
    }
}

/// A listener of the victim and a client of it share the key: the client does not answer the
/// listener's challenge for an attacker between them.
#[tokio::test]
async fn a_challenge_is_not_answered_for_its_own_sender() {
    let victim = victim().await;
    for method in ["pickle", "blocking", "call"] {
        endure(&victim, &format!("reflection to {method}"), async {
            let decoy = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = decoy.local_addr().unwrap().port();
            let attacker = async {
                let mut stranger = Peer::connect(victim.connections).await;
                let asked = stranger.receive().await.unwrap();
                let mut deceived = Peer {
                    stream: decoy.accept().await.unwrap().0,
                };
                deceived.send(&asked).await;
                assert_eq!(deceived.rest().await, b"", "no response to relay");
            };
            let ((succeeded, report), ()) =
                tokio::join!(send(&victim, method, port, "challenge"), attacker);
            assert!(!succeeded && report.contains("challenge"), "{report}");
        })
        .await;
    }
}

#[tokio::test]
async fn invalid_values_of_listeners_are_errors() {
    let pickle = |ops: &[u8]| Send([b"\x80\x04", ops, b"."].concat());
    let deep = [b"]".repeat(1 << 20), b"a".repeat(1 << 20)].concat();
    let laughs = [&b"]"[..], &b"2\x86".repeat(60)].concat();
    let many = [&b"]("[..], &b"}".repeat(2_000_000), b"e"].concat();
    let cases: Vec<(&str, Vec<Step>, bool, &str)> = vec![
        (
            "an end instead of a value",
            vec![Finish],
            false,
            "the peer closed the connection",
        ),
        (
            "a message without a byte",
            vec![Send(vec![])],
            false,
            "ends before STOP",
        ),
        (
            "64 MiB and a byte",
            vec![Write(vec![4, 0, 0, 1])],
            false,
            "over the limit",
        ),
        (
            "a length below zero",
            vec![Write(vec![0x80, 0, 0, 0])],
            false,
            "negative",
        ),
        (
            "64 MiB announced, of which little arrives",
            vec![Write(vec![4, 0, 0, 0, 1, 2, 3]), Finish],
            false,
            "in the middle",
        ),
        (
            "os.system",
            vec![pickle(b"cos\nsystem\n\x8c\x04true\x85R")],
            true,
            "system",
        ),
        (
            "a list in itself",
            vec![pickle(b"]\x94h\0a")],
            false,
            "contains itself",
        ),
        (
            "lists a million deep",
            vec![pickle(&deep)],
            false,
            "more than",
        ),
        ("laughs", vec![pickle(&laughs)], true, ", "),
        ("two million dicts", vec![pickle(&many)], false, "more than"),
        (
            "a text of 4 GiB",
            vec![pickle(b"X\xff\xff\xff\xff")],
            false,
            "more bytes",
        ),
        (
            "an object outside of the pickle",
            vec![pickle(b"NQ")],
            false,
            "outside of the pickle",
        ),
    ];
    let victim = victim().await;
    for method in ["pickle", "blocking"] {
        for (name, steps, succeeds, text) in &cases {
            let steps = std::iter::once(Handshake)
                .chain(steps.iter().cloned())
                .collect();
            endure(
                &victim,
                &format!("{name}, where the client is {method}"),
                async {
                    let (succeeded, report) = visit(&victim, method, steps, text).await;
                    assert!(
                        succeeded == *succeeds && report.contains(text),
                        "{name}: {report}"
                    );
                },
            )
            .await;
        }
    }
    for (method, text) in [("pickle", "elapsed"), ("blocking", "while receiving")] {
        endure(&victim, &format!("silence, for {method}"), async {
            let (succeeded, report) = visit(&victim, method, vec![Handshake], text).await;
            assert!(!succeeded && report.contains(text), "{report}");
        })
        .await;
    }
    let cases: Vec<(&str, Vec<u8>, bool, &str)> = vec![
        (
            "a byte that MessagePack never uses",
            vec![0xc1],
            false,
            "wrong msgpack marker",
        ),
        ("nothing in MessagePack", vec![], false, "while reading"),
        (
            "lists of MessagePack, a million deep",
            vec![0x91; 1 << 20],
            false,
            "nested",
        ),
        (
            "a list of four billion",
            vec![0xdd, 255, 255, 255, 255],
            false,
            "while reading",
        ),
        (
            "a text of 4 GiB",
            vec![0xdb, 255, 255, 255, 255],
            false,
            "while reading",
        ),
        (
            "bytes of 4 GiB",
            vec![0xc6, 255, 255, 255, 255],
            false,
            "while reading",
        ),
        ("a value and another", vec![0xc0, 0xc0], false, "left over"),
        (
            "two million values of nothing",
            [&[0xdd, 0, 0x1e, 0x84, 0x80][..], &[0xc0; 2_000_000]].concat(),
            false,
            "values",
        ),
    ];
    for (name, message, succeeds, text) in cases {
        endure(&victim, name, async {
            let steps = vec![Handshake, Send(message)];
            let (succeeded, report) = visit(&victim, "message_pack", steps, text).await;
            assert!(
                succeeded == succeeds && report.contains(text),
                "{name}: {report}"
            );
        })
        .await;
    }
}
