//! Greetings that are invalid, unusual, or repeated.

use super::session::Session;
use super::wire::{Fields, GREEDY, Message, THREE_AND_FIVE, call, hello, kind};
use crate::peer::Peer;
use crate::{endure, victim};

#[tokio::test]
async fn invalid_greetings() {
    let magic = || Message::new(kind::HELLO).raw(b"FARCALL");
    let until_limits = || magic().number(2).number(0).bytes(b"bincode");
    let number_of_11_bytes = [&[0x80; 10][..], &[1]].concat();
    // If there is a reason, the server sends it before it closes the connection.
    let cases: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("nothing in a message", vec![], None),
        (
            "a call before the greeting",
            call(1, "add", THREE_AND_FIVE).write(),
            None,
        ),
        (
            "a goodbye before the greeting",
            Message::new(kind::GOODBYE).number(0).bytes(b"").0,
            None,
        ),
        (
            "a ping before the greeting",
            Message::new(kind::PING).number(1).0,
            None,
        ),
        (
            "a result before the greeting",
            Message::new(kind::RETURN).number(1).0,
            None,
        ),
        (
            "references held before the greeting",
            Message::new(kind::HELD).0,
            None,
        ),
        ("an unknown kind", vec![0x63], None),
        ("the kind alone", vec![kind::HELLO], None),
        ("a part of the magic", b"\0FARC".to_vec(), None),
        ("another magic", b"\0FARCALM\x01".to_vec(), None),
        ("no version", magic().0, None),
        ("a version without an end", magic().raw(&[0xff]).0, None),
        ("a version beyond 64 bits", magic().raw(&[0xff; 10]).0, None),
        (
            "a version in eleven bytes",
            magic().raw(&number_of_11_bytes).0,
            None,
        ),
        ("version 0", magic().number(0).0, Some("not 0")),
        (
            "version 1",
            magic().number(1).raw(&[0xff; 100]).0,
            Some("not 1"),
        ),
        (
            "the last version",
            magic().number(u64::MAX).0,
            Some("not 18446744073709551615"),
        ),
        ("no flags", magic().number(2).0, None),
        ("no encoding", magic().number(2).number(0).0, None),
        (
            "an encoding with a wrong length",
            magic()
                .number(2)
                .number(0)
                .number(1 << 40)
                .raw(b"bincode")
                .0,
            None,
        ),
        (
            "an unknown encoding",
            hello(b"json", GREEDY, b""),
            Some("unknown encoding `json`"),
        ),
        (
            "an encoding without a name",
            hello(b"", GREEDY, b""),
            Some("unknown encoding ``"),
        ),
        (
            "a name that is not UTF-8",
            hello(b"\xff\xfe\0", GREEDY, b""),
            Some("unknown encoding"),
        ),
        (
            "a name of 4,000 bytes",
            hello(&[b'x'; 4000], GREEDY, b""),
            Some("unknown encoding"),
        ),
        ("no limits", until_limits().0, None),
        ("four limits", until_limits().raw(&[1; 4]).0, None),
        ("no session", until_limits().raw(&[1; 5]).0, None),
        (
            "a session of 15 bytes",
            hello(b"bincode", GREEDY, &[7; 15]),
            None,
        ),
        (
            "a session of 17 bytes",
            hello(b"bincode", GREEDY, &[7; 17]),
            None,
        ),
        (
            "a session token with a wrong length",
            until_limits().raw(&[1; 5]).number(u64::MAX).0,
            None,
        ),
        (
            "a greeting of 4,097 bytes",
            hello(&[b'x'; 4060], GREEDY, &[7; 16]),
            None,
        ),
        ("64 MiB of greeting", vec![0; 64 << 20], None),
        ("an answer to a challenge", b"#WELCOME#".to_vec(), None),
        (
            "a challenge",
            [&b"#CHALLENGE#{sha256}"[..], &[7; 40]].concat(),
            None,
        ),
        ("a pickle", b"\x80\x04N.".to_vec(), None),
    ];
    let victim = victim().await;
    for (name, message, reason) in cases {
        endure(&victim, name, async {
            let mut peer = Peer::trusted(victim.rpc).await;
            peer.send(&message).await;
            let Some(reason) = reason else {
                assert_eq!(peer.rest().await, b"", "{name}");
                return;
            };
            let answer = peer.receive().await.unwrap();
            let mut fields = Fields(&answer);
            assert_eq!((fields.byte(), fields.number()), (kind::GOODBYE, 0));
            let text = fields.text();
            assert!(text.contains(reason), "{name}: {text}");
            peer.rest().await;
        })
        .await;
    }
}

#[tokio::test]
async fn unusual_valid_greetings() {
    let victim = victim().await;
    endure(&victim, "limits of 0", async {
        // Such a peer accepts no reply, but it can be served without harm.
        let mut session = Session::open_with(victim.rpc, [0; 5]).await;
        session.call(call(1, "add", THREE_AND_FIVE)).await;
        session.answer().await;
        session.call(call(2, "objects.counter", &[0x90])).await;
        session.answer().await;
        session.call(call(3, "objects.blocks", &[0x91, 9])).await;
        session.answer().await;
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "all flags, and trailing fields", async {
        let mut peer = Peer::trusted(victim.rpc).await;
        let message = Message::new(kind::HELLO).raw(b"FARCALL").number(2);
        let message = message.number(u64::MAX).bytes(b"messagepack");
        let message = message.raw(&[0x7f; 5]).bytes(b"").raw(&[0xff; 1000]);
        peer.send(&message.0).await;
        assert_eq!(peer.receive().await.unwrap()[..8], *b"\0FARCALL");
    })
    .await;
    endure(&victim, "a second greeting", async {
        let mut session = Session::open(victim.rpc).await;
        session.send(&hello(b"messagepack", GREEDY, b"")).await;
        session.assert_ends("`Hello` in the middle").await;
    })
    .await;
    endure(&victim, "two greetings at once", async {
        let mut peer = Peer::trusted(victim.rpc).await;
        let greeting = crate::peer::frame(&hello(b"bincode", GREEDY, b""));
        peer.write(&greeting.repeat(2)).await;
        assert_eq!(peer.receive().await.unwrap()[..8], *b"\0FARCALL");
        let answer = peer.receive().await.unwrap();
        let mut fields = Fields(&answer);
        assert_eq!((fields.byte(), fields.number()), (kind::GOODBYE, 0));
        let text = fields.text();
        assert!(text.contains("`Hello` in the middle"), "{text}");
        peer.rest().await;
    })
    .await;
    endure(&victim, "calls right behind the greeting", async {
        let mut peer = Peer::trusted(victim.rpc).await;
        peer.send(&hello(b"messagepack", GREEDY, b"")).await;
        peer.send(&call(1, "add", THREE_AND_FIVE).write()).await;
        assert_eq!(peer.receive().await.unwrap()[..8], *b"\0FARCALL");
        assert_eq!(peer.receive().await.unwrap(), [kind::RETURN, 1, 0, 8]);
    })
    .await;
    endure(&victim, "a greeting, and an end at once", async {
        let mut peer = Peer::trusted(victim.rpc).await;
        peer.send(&hello(b"messagepack", GREEDY, b"")).await;
        peer.finish().await;
        peer.rest().await;
    })
    .await;
}
