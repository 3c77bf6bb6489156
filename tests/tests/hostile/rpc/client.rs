//! Hostile servers of calls, with the victim as their client.

use super::wire::{GREEDY, Message, hello, kind, number, reference};
use crate::host::Step::{self, Finish, Handshake, Receive, Send, Write};
use crate::host::visit;
use crate::peer::frame;
use crate::{endure, victim};

/// Performs the handshake and sends a valid greeting.
fn greeting(encoding: &[u8]) -> Vec<Step> {
    vec![Handshake, Receive, Send(hello(encoding, GREEDY, b""))]
}

fn returned(payload: &[u8]) -> Step {
    Send(
        Message::new(kind::RETURN)
            .number(1)
            .number(0)
            .raw(payload)
            .0,
    )
}

#[tokio::test]
async fn invalid_greetings_of_servers() {
    let reason = Message::new(kind::GOODBYE).number(0).bytes(b"not today").0;
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("no greeting", vec![], "in time"),
        (
            "an end instead of a greeting",
            vec![Finish],
            "closed during the greeting",
        ),
        (
            "a goodbye instead of a greeting",
            vec![Send(reason)],
            "not today",
        ),
        (
            "a greeting of 4,097 bytes",
            vec![Send(vec![0; 4097])],
            "over the limit",
        ),
        (
            "a result instead of a greeting",
            vec![returned(&[8])],
            "not a `Hello`",
        ),
        (
            "a greeting of another version",
            vec![Send(Message::new(kind::HELLO).raw(b"FARCALL").number(9).0)],
            "version 9",
        ),
        (
            "a greeting cut short",
            vec![Send(b"\0FARCALL\x02\0".to_vec())],
            "does not speak",
        ),
        (
            "a second challenge",
            vec![Send([&b"#CHALLENGE#{sha256}"[..], &[7; 40]].concat())],
            "authkey",
        ),
        (
            "a pickle",
            vec![Send(b"\x80\x04N.".to_vec())],
            "does not speak",
        ),
    ];
    let victim = victim().await;
    for (name, steps, reason) in cases {
        let steps = [Handshake, Receive].into_iter().chain(steps).collect();
        endure(&victim, name, async {
            let (succeeded, report) = visit(&victim, "call", steps, reason).await;
            assert!(!succeeded && report.contains(reason), "{name}: {report}");
        })
        .await;
    }
}

#[tokio::test]
async fn invalid_replies_of_servers() {
    let message = |kind: u8| Message::new(kind).number(1);
    let fault = |text: &[u8]| message(kind::FAULT).raw(&[0, 2]).bytes(text).number(0).0;
    let two_mib = vec![b'x'; 2 << 20];
    // The expected part of the client's error; empty if the client gets the reply it waits for.
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("no answer", vec![], "deadline"),
        (
            "an end instead of an answer",
            vec![Finish],
            "closed the connection",
        ),
        (
            "an end within an answer",
            vec![Write(vec![0, 0, 0, 9, 2]), Finish],
            "broke",
        ),
        (
            "a result of another type",
            vec![returned(b"s\x011")],
            "expected",
        ),
        (
            "a result without a byte",
            vec![returned(b"")],
            "ends too early",
        ),
        (
            "a result and some more",
            vec![returned(b"i\x10\x10")],
            "left over",
        ),
        (
            "an unknown tag",
            vec![returned(b"Z")],
            "not a tag of a value",
        ),
        (
            "a text of 16 EiB where a number should be",
            vec![returned(b"s\xfd\xff\xff\xff\xff\xff\xff\xff\xff")],
            "expected",
        ),
        ("a fault of 2 MiB", vec![Send(fault(&two_mib))], "xxx"),
        (
            "an invalid fault",
            vec![Send(message(kind::FAULT).raw(&[99]).0)],
            "malformed",
        ),
        (
            "a fault with a thousand causes",
            vec![Send(
                message(kind::FAULT)
                    .raw(&[0, 0, 0])
                    .number(1000)
                    .raw(&[0; 1000])
                    .0,
            )],
            "malformed",
        ),
        (
            "a result of a call that was never made",
            vec![Send(Message::new(kind::RETURN).number(2).number(0).0)],
            "never made",
        ),
        (
            "an unknown kind",
            vec![Send(vec![99])],
            "unknown message kind",
        ),
        (
            "a message of 64 MiB and a byte",
            vec![Write(vec![4, 0, 0, 1])],
            "over the limit",
        ),
        (
            "a length below zero",
            vec![Write(vec![255, 255, 255, 254])],
            "negative",
        ),
        (
            "a second greeting",
            vec![Send(hello(b"bincode", GREEDY, b""))],
            "in the middle of a session",
        ),
        (
            "a goodbye instead of an answer",
            vec![Send(message(kind::GOODBYE).bytes(b"enough").0), Finish],
            "enough",
        ),
        (
            "an invalid goodbye",
            vec![Send(message(kind::GOODBYE).bytes(b"\xff").0)],
            "malformed",
        ),
        (
            "a million pings first",
            vec![Write(frame(&message(kind::PING).0).repeat(1_000_000))],
            "",
        ),
        (
            "an object released that was not passed",
            vec![Send(Message::new(kind::RELEASE).raw(&[7; 16]).number(1).0)],
            "not passed",
        ),
        (
            "a cancel, a finish, credit and a stop of nothing",
            vec![
                Send(message(kind::CANCEL).0),
                Send(message(kind::FINISH).0),
                Send(message(kind::CREDIT).number(1).0),
                Send(message(kind::STOP).0),
            ],
            "deadline",
        ),
        (
            "calls of a client that offers nothing",
            vec![Send(super::wire::call(1, "add", b"").write())],
            "deadline",
        ),
        (
            "64 MiB of references",
            vec![Send({
                let references = [reference::STREAM, 1].repeat(30 << 20);
                message(kind::RETURN).number(30 << 20).raw(&references).0
            })],
            "references",
        ),
        (
            "2,000 streams",
            vec![Send({
                let streams: Vec<u8> = (0..2000)
                    .flat_map(|n| [vec![reference::STREAM], number(n)].concat())
                    .collect();
                message(kind::RETURN).number(2000).raw(&streams).0
            })],
            "more streams",
        ),
    ];
    let victim = victim().await;
    for (name, steps, reason) in cases {
        let steps = greeting(b"bincode")
            .into_iter()
            .chain([Receive])
            .chain(steps)
            .collect();
        endure(&victim, name, async {
            let (succeeded, report) = visit(&victim, "call", steps, reason).await;
            assert!(!succeeded && report.contains(reason), "{name}: {report}");
        })
        .await;
    }
}

#[tokio::test]
async fn invalid_values_of_servers() {
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("lists a million deep", vec![0x91; 1 << 20], "nested"),
        (
            "a list of four billion",
            vec![0xdd, 255, 255, 255, 255],
            "while reading",
        ),
        (
            "a map of four billion",
            vec![0xdf, 255, 255, 255, 255],
            "while reading",
        ),
        (
            "a text of 4 GiB",
            vec![0xdb, 255, 255, 255, 255],
            "while reading",
        ),
        (
            "a map with a key that is not UTF-8",
            vec![0x81, 0xa1, 0xff, 0xc0],
            "",
        ),
        ("a value and another", vec![0xc0, 0xc0], "left over"),
        (
            "two million values",
            [&[0xdd, 0, 0x1e, 0x84, 0x80][..], &[0xc0; 2_000_000]].concat(),
            "values",
        ),
    ];
    let victim = victim().await;
    for (name, value, reason) in cases {
        let steps = greeting(b"messagepack")
            .into_iter()
            .chain([Receive, returned(&value)]);
        endure(&victim, name, async {
            let (succeeded, report) = visit(&victim, "value", steps.collect(), reason).await;
            assert!(!succeeded && report.contains(reason), "{name}: {report}");
        })
        .await;
    }
}

/// Objects and streams that a server passes to its client.
#[tokio::test]
async fn invalid_attachments_of_servers() {
    let object = |payload: &[u8]| {
        let message = Message::new(kind::RETURN).number(1).number(1);
        message
            .raw(&[reference::SENDER_HOSTED])
            .raw(&[7; 16])
            .raw(payload)
            .0
    };
    let stream = Message::new(kind::RETURN)
        .number(1)
        .number(1)
        .raw(&[reference::STREAM, 1]);
    let stream = stream.raw(b"*\0").0;
    let item = |payload: &[u8]| Message::new(kind::ITEM).number(1).number(0).raw(payload).0;
    let end = |bytes: &[u8]| Message::new(kind::END).number(1).raw(bytes).0;
    let cases: Vec<(&str, &str, Vec<Step>, &str)> = vec![
        (
            "no object",
            "object",
            vec![returned(b"*\0")],
            "no attachment at index 0",
        ),
        (
            "an object of the client's own",
            "object",
            vec![Send(
                Message::new(kind::RETURN)
                    .number(1)
                    .number(1)
                    .raw(&[1])
                    .raw(&[7; 16])
                    .raw(b"*\0")
                    .0,
            )],
            "",
        ),
        (
            "an object in another place",
            "object",
            vec![Send(object(b"*\x05"))],
            "no attachment at index 5",
        ),
        (
            "a stream for an object",
            "object",
            vec![Send(stream.clone())],
            "not an object",
        ),
        (
            "an object that does not exist",
            "object",
            vec![
                Send(object(b"*\0")),
                Receive,
                Send(
                    Message::new(kind::FAULT)
                        .number(2)
                        .raw(&[9, 0])
                        .bytes(b"no such object")
                        .number(0)
                        .0,
                ),
            ],
            "no such object",
        ),
        (
            "an object that does not reply",
            "object",
            vec![Send(object(b"*\0"))],
            "deadline",
        ),
        (
            "an object for a stream",
            "stream",
            vec![Send(object(b"*\0"))],
            "not a stream",
        ),
        (
            "a stream that never ends",
            "stream",
            vec![Send(stream.clone())],
            "elapsed",
        ),
        (
            "a stream that fails",
            "stream",
            vec![Send(stream.clone()), Send(end(&[1, 0, 0, 1, b'x', 0]))],
            "failed at its source",
        ),
        (
            "a stream of no numbers",
            "stream",
            vec![Send(stream.clone()), Send(item(b"s\x01x"))],
            "does not fit",
        ),
        (
            "a stream beyond its credit",
            "stream",
            vec![
                Send(stream.clone()),
                Write(frame(&item(&vec![7; 1 << 20])).repeat(2)),
            ],
            "",
        ),
        (
            "an item after the end",
            "stream",
            vec![Send(stream.clone()), Send(end(&[0])), Send(item(b"u\x01"))],
            "not granted",
        ),
        (
            "a stream that breaks off",
            "stream",
            vec![Send(stream.clone()), Send(item(b"u\x01")), Finish],
            "closed before the stream ended",
        ),
        ("a stream that is not taken", "upload", vec![], "deadline"),
        (
            "a stream that is stopped at once",
            "upload",
            vec![Send(Message::new(kind::STOP).number(1).0)],
            "deadline",
        ),
        (
            "endless credit, and nothing read",
            "upload",
            vec![Send(
                Message::new(kind::CREDIT).number(1).number(u64::MAX).0,
            )],
            "deadline",
        ),
    ];
    let victim = victim().await;
    for (name, method, steps, reason) in cases {
        let steps = greeting(b"bincode")
            .into_iter()
            .chain([Receive])
            .chain(steps)
            .collect();
        endure(&victim, name, async {
            let (succeeded, report) = visit(&victim, method, steps, reason).await;
            // The client may have closed the connection at the end, before the item arrived.
            let read = name == "an item after the end" && succeeded && report == "0";
            assert!(
                read || !succeeded && report.contains(reason),
                "{name}: {report}"
            );
        })
        .await;
    }
}
