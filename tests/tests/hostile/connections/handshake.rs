//! Peers without the key, or that violate the rules of the handshake.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha384};
use tests::victim::{KEY, Victim};

use crate::peer::{Peer, frame};
use crate::{endure, victim};

const FAILURE: &[u8] = b"\0\0\0\x09#FAILURE#";

/// A response to a challenge, which is passed without its `#CHALLENGE#` prefix.
type Answer = fn(challenge: &[u8]) -> Vec<u8>;

fn sha256(key: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn md5(message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Md5>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn named(name: &str, code: &[u8]) -> Vec<u8> {
    [b"{", name.as_bytes(), b"}", code].concat()
}

/// Returns the correct response.
fn right(challenge: &[u8]) -> Vec<u8> {
    named("sha256", &sha256(KEY, challenge))
}

async fn challenge(peer: &mut Peer) -> Vec<u8> {
    let message = peer.receive().await.unwrap();
    message.strip_prefix(b"#CHALLENGE#").unwrap().to_vec()
}

#[tokio::test]
async fn responses_without_the_key_are_refused() {
    let cases: &[(&str, Answer)] = &[
        ("no answer at all, in a message", |_| Vec::new()),
        ("a word", |_| b"wrong".to_vec()),
        ("zeros as long as MD5's", |_| vec![0; 16]),
        ("zeros as long as an old challenge", |_| vec![0; 20]),
        ("zeros as SHA-256", |_| named("sha256", &[0; 32])),
        ("nothing as SHA-256", |_| named("sha256", b"")),
        ("a digest of another kind", |_| named("sha1", &[0; 20])),
        ("an unknown digest", |_| named("rot13", b"uryyb")),
        ("a digest without a name", |_| named("", &[0; 32])),
        ("a name that does not end", |_| vec![b'{'; 256]),
        ("a name that is not UTF-8", |_| b"{\xff\xfe\0}0123".to_vec()),
        ("the right digest by another name", |c| {
            named("sha384", &sha256(KEY, c))
        }),
        ("the right digest in capital letters", |c| {
            named("SHA256", &sha256(KEY, c))
        }),
        ("another digest under its name", |c| {
            let mut mac = Hmac::<Sha384>::new_from_slice(KEY.as_bytes()).unwrap();
            mac.update(c);
            named("sha256", &mac.finalize().into_bytes())
        }),
        ("the right digest without its name", |c| sha256(KEY, c)),
        ("the right digest, cut short", |c| {
            let answer = right(c);
            answer[..answer.len() - 1].to_vec()
        }),
        ("the first byte of the right digest", |c| {
            right(c)[..9].to_vec()
        }),
        ("the right digest and one byte", |c| {
            [right(c), vec![0]].concat()
        }),
        ("the right digest twice", |c| {
            named("sha256", &sha256(KEY, c).repeat(2))
        }),
        ("the right digest but for one bit", |c| {
            let mut answer = right(c);
            *answer.last_mut().unwrap() ^= 1;
            answer
        }),
        ("a digest of the random bytes alone", |c| {
            named("sha256", &sha256(KEY, c.strip_prefix(b"{sha256}").unwrap()))
        }),
        ("a digest of challenge and prefix", |c| {
            named("sha256", &sha256(KEY, &[b"#CHALLENGE#", c].concat()))
        }),
        ("a digest of nothing", |_| {
            named("sha256", &sha256(KEY, b""))
        }),
        ("a wrong key", |c| {
            named("sha256", &sha256("another key", c))
        }),
        ("the key's beginning", |c| {
            named("sha256", &sha256(&KEY[..KEY.len() - 1], c))
        }),
        ("the key and a space", |c| {
            named("sha256", &sha256(&format!("{KEY} "), c))
        }),
        ("no key", |c| named("sha256", &sha256("", c))),
        ("key and challenge digested without HMAC", |c| {
            let digest = Sha256::new().chain_update(KEY).chain_update(c);
            named("sha256", &digest.finalize())
        }),
        ("the key itself", |_| KEY.as_bytes().to_vec()),
        ("MD5, which was not requested", md5),
        ("MD5 by its name", |c| named("md5", &md5(c))),
        ("the unchanged challenge", |c| [b"#CHALLENGE#", c].concat()),
        ("the challenge without its prefix", |c| c.to_vec()),
        ("a challenge of its own first", |_| {
            [&b"#CHALLENGE#{sha256}"[..], &[7; 40]].concat()
        }),
        ("a welcome", |_| b"#WELCOME#".to_vec()),
        ("a failure", |_| b"#FAILURE#".to_vec()),
    ];
    let victim = victim().await;
    for (name, answer) in cases {
        let attack = async {
            let mut peer = Peer::connect(victim.rpc).await;
            let challenge = challenge(&mut peer).await;
            peer.send(&answer(&challenge)).await;
            assert_eq!(peer.rest().await, FAILURE, "{name}");
        };
        endure(&victim, name, attack).await;
    }
}

#[tokio::test]
async fn an_invalid_response_closes_the_connection() {
    let cases: &[(&str, &[u8])] = &[
        ("HTTP", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("257 bytes", b"\0\0\x01\x01 a message of 257 bytes"),
        ("64 MiB", b"\x04\0\0\0"),
        ("2 GiB", b"\x7f\xff\xff\xff"),
        ("a length of -2", b"\xff\xff\xff\xfe"),
        ("a length of -2 GiB", b"\x80\0\0\0"),
        (
            "an endless length",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        ("4 EiB", b"\xff\xff\xff\xff\x40\0\0\0\0\0\0\0"),
    ];
    let victim = victim().await;
    for (name, bytes) in cases {
        let attack = async {
            let mut peer = Peer::connect(victim.connections).await;
            challenge(&mut peer).await;
            peer.write(bytes).await;
            assert_eq!(peer.rest().await, b"", "{name}");
        };
        endure(&victim, name, attack).await;
    }
}

/// Violations by a peer that knows the key, in the second half, when it challenges the victim.
#[tokio::test]
async fn violations_in_the_second_half_close_the_connection() {
    let cases: &[(&str, Answer)] = &[
        ("no challenge", |_| Vec::new()),
        ("a message without the prefix", |_| vec![7; 48]),
        ("a welcome before the challenge", |_| b"#WELCOME#".to_vec()),
        ("a failure after all", |_| b"#FAILURE#".to_vec()),
        ("a challenge of no byte", |_| b"#CHALLENGE#".to_vec()),
        ("a challenge of a digest alone", |_| {
            b"#CHALLENGE#{sha256}".to_vec()
        }),
        ("a challenge of 19 bytes", |_| {
            [&b"#CHALLENGE#"[..], &[7; 19]].concat()
        }),
        ("an old challenge, which asks for MD5", |_| {
            [&b"#CHALLENGE#"[..], &[7; 20]].concat()
        }),
        ("a challenge that asks for MD5 by name", |_| {
            [&b"#CHALLENGE#{md5}"[..], &[7; 40]].concat()
        }),
        ("a challenge with an unknown digest", |_| {
            [&b"#CHALLENGE#{sha1}"[..], &[7; 40]].concat()
        }),
        ("a challenge with no digest", |_| {
            [&b"#CHALLENGE#"[..], &[7; 40]].concat()
        }),
        ("a challenge of 257 bytes", |_| {
            [&b"#CHALLENGE#{sha256}"[..], &[7; 238]].concat()
        }),
        ("the listener's own challenge", |c| {
            [b"#CHALLENGE#", c].concat()
        }),
    ];
    let victim = victim().await;
    for (name, message) in cases {
        let attack = async {
            let mut peer = Peer::connect(victim.rpc).await;
            let challenge = challenge(&mut peer).await;
            peer.send(&right(&challenge)).await;
            assert_eq!(peer.receive().await.unwrap(), b"#WELCOME#");
            peer.send(&message(&challenge)).await;
            assert_eq!(peer.rest().await, b"", "{name}");
        };
        endure(&victim, name, attack).await;
    }
    let verdicts: &[(&str, &[u8])] = &[
        ("a failure", b"#FAILURE#"),
        ("an empty verdict", b""),
        ("an unknown verdict", b"#WELCOME"),
        ("a verdict of 256 bytes", &[b'#'; 256]),
        (
            "a second challenge",
            b"#CHALLENGE#{sha256}0123456789012345678901234567890123456789",
        ),
    ];
    for (name, verdict) in verdicts {
        let attack = async {
            let mut peer = Peer::connect(victim.rpc).await;
            let challenge = challenge(&mut peer).await;
            peer.send(&right(&challenge)).await;
            assert_eq!(peer.receive().await.unwrap(), b"#WELCOME#");
            let mine = [&b"#CHALLENGE#{sha256}"[..], &[7; 40]].concat();
            peer.send(&mine).await;
            let answer = peer.receive().await.unwrap();
            assert_eq!(answer, right(&mine[b"#CHALLENGE#".len()..]));
            peer.send(verdict).await;
            assert_eq!(peer.rest().await, b"", "{name}");
        };
        endure(&victim, name, attack).await;
    }
}

#[tokio::test]
async fn a_recorded_response_is_useless() {
    let victim = victim().await;
    let (question, answer) = recorded(&victim).await;
    endure(&victim, "a genuine answer, replayed", async {
        let mut peer = Peer::connect(victim.rpc).await;
        assert_ne!(challenge(&mut peer).await, question);
        peer.send(&answer).await;
        assert_eq!(peer.rest().await, FAILURE);
    })
    .await;
    endure(&victim, "a genuine answer, replayed elsewhere", async {
        let mut peer = Peer::connect(victim.connections).await;
        challenge(&mut peer).await;
        peer.send(&answer).await;
        assert_eq!(peer.rest().await, FAILURE);
    })
    .await;
    endure(
        &victim,
        "the answer to a second challenge, given to the first",
        async {
            let mut first = Peer::connect(victim.rpc).await;
            let mut second = Peer::connect(victim.rpc).await;
            challenge(&mut first).await;
            let other = challenge(&mut second).await;
            first.send(&right(&other)).await;
            assert_eq!(first.rest().await, FAILURE);
        },
    )
    .await;
    endure(&victim, "one answer for two connections", async {
        let mut first = Peer::connect(victim.rpc).await;
        let mut second = Peer::connect(victim.rpc).await;
        let asked = challenge(&mut first).await;
        challenge(&mut second).await;
        first.send(&right(&asked)).await;
        assert_eq!(first.receive().await.unwrap(), b"#WELCOME#");
        second.send(&right(&asked)).await;
        assert_eq!(second.rest().await, FAILURE);
    })
    .await;
    endure(&victim, "the answer twice on one connection", async {
        let mut peer = Peer::connect(victim.rpc).await;
        let asked = challenge(&mut peer).await;
        let answer = frame(&right(&asked));
        peer.write(&answer.repeat(2)).await;
        assert_eq!(peer.rest().await, b"\0\0\0\x09#WELCOME#");
    })
    .await;
}

/// Returns a challenge of the victim, and an honest client's response to it.
async fn recorded(victim: &Victim) -> (Vec<u8>, Vec<u8>) {
    let middle = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = middle.local_addr().unwrap();
    let deceived = tokio::spawn(async move {
        let client = farcall::conn::Connection::connect(address)
            .authkey(KEY)
            .await;
        let deceived: Result<farcall::conn::Connection, _> = client;
        deceived.is_err()
    });
    let mut honest = Peer {
        stream: middle.accept().await.unwrap().0,
    };
    let mut stranger = Peer::connect(victim.rpc).await;
    let asked = stranger.receive().await.unwrap();
    honest.send(&asked).await;
    let answer = honest.receive().await.unwrap();
    drop(honest);
    assert!(deceived.await.unwrap());
    (asked[b"#CHALLENGE#".len()..].to_vec(), answer)
}
