//! Malformed messages, and messages that make no sense where they appear.

use super::outcome::Outcome::{self, Closes, Continues, Ends};
use super::outcome::{Case, endure_all, returned};
use super::session::Session;
use super::wire::{GREEDY, Message, THREE_AND_FIVE, call, hello, kind};
use crate::{endure, victim};

/// Returns one message of each kind, with all of its fields.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let call = call(1, "add", THREE_AND_FIVE);
    let call = call.on(&[7; 16]).object(0, &[7; 16]).stream(300);
    let fault = |message: Message| {
        message
            .raw(&[0, 2])
            .bytes(b"text")
            .number(1)
            .bytes(b"cause")
    };
    vec![
        ("Hello", hello(b"bincode", GREEDY, &[7; 16])),
        ("Call", call.write()),
        (
            "Return",
            Message::new(kind::RETURN)
                .number(300)
                .number(1)
                .raw(&[2, 1])
                .0,
        ),
        ("Fault", fault(Message::new(kind::FAULT).number(300)).0),
        ("Cancel", Message::new(kind::CANCEL).number(300).0),
        ("Finish", Message::new(kind::FINISH).number(300).0),
        (
            "Release",
            Message::new(kind::RELEASE).raw(&[7; 16]).number(300).0,
        ),
        (
            "Item",
            Message::new(kind::ITEM)
                .number(300)
                .number(1)
                .raw(&[2, 1])
                .0,
        ),
        (
            "End",
            fault(Message::new(kind::END).number(300).raw(&[1])).0,
        ),
        (
            "Credit",
            Message::new(kind::CREDIT).number(300).number(300).0,
        ),
        ("Stop", Message::new(kind::STOP).number(300).0),
        ("Ping", Message::new(kind::PING).number(300).0),
        ("Pong", Message::new(kind::PONG).number(300).0),
        (
            "Goodbye",
            Message::new(kind::GOODBYE).number(300).bytes(b"reason").0,
        ),
        ("Held", Message::new(kind::HELD).raw(&[7; 16]).number(300).0),
    ]
}

/// Each message, cut at every byte within or between its fields.
#[tokio::test]
async fn truncated_messages() {
    let victim = victim().await;
    for (name, message) in messages() {
        endure(&victim, &format!("{name}, cut short"), async {
            // These end with a list, which may be empty.
            let shortest = match message[0] {
                kind::RELEASE | kind::HELD => 2,
                _ => 1,
            };
            // The payload of a call is the rest of the message, so cutting it is not detected here.
            let fields = match message[0] {
                kind::CALL => message.len() - THREE_AND_FIVE.len(),
                _ => message.len(),
            };
            for length in shortest..fields {
                let mut session = Session::open(victim.rpc).await;
                session.send(&message[..length]).await;
                let reason = match message[0] {
                    kind::HELLO => "the first message is not",
                    _ => "is malformed",
                };
                session.assert_ends(reason).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn messages_with_trailing_bytes() {
    let victim = victim().await;
    for (name, message) in messages() {
        let has_payload = [kind::HELLO, kind::CALL, kind::RETURN, kind::ITEM];
        if has_payload.contains(&message[0]) {
            continue;
        }
        endure(&victim, &format!("{name} and a byte"), async {
            let mut session = Session::open(victim.rpc).await;
            session.send(&[&message[..], &[0]].concat()).await;
            session.assert_ends("is malformed").await;
        })
        .await;
    }
}

fn malformed(name: &'static str, message: Message) -> Case {
    (name, vec![message.0], Ends("is malformed"))
}

fn one(name: &'static str, message: Message, outcome: Outcome) -> Case {
    (name, vec![message.0], outcome)
}

#[tokio::test]
async fn malformed_messages() {
    let call_to = |target: &[u8]| Message::new(kind::CALL).number(1).raw(target);
    let call_of = |flags: u64| call_to(&[0]).number(flags).number(0);
    let call_with = |count: u64| call_of(0).bytes(b"add").number(count);
    let fault = || Message::new(kind::FAULT).number(1);
    let cases = vec![
        one(
            "a message without a byte",
            Message(Vec::new()),
            Ends("empty message"),
        ),
        one("kind 15", Message::new(15), Ends("unknown message kind 15")),
        one("kind 99", Message::new(99), Ends("unknown message kind 99")),
        one(
            "kind 255",
            Message::new(255).raw(&[0; 100]),
            Ends("unknown message kind 255"),
        ),
        malformed(
            "a number beyond 64 bits",
            Message::new(kind::PING).raw(&[0xff; 9]).raw(&[2]),
        ),
        malformed(
            "a number of eleven bytes",
            Message::new(kind::PING).raw(&[0x80; 10]).raw(&[0]),
        ),
        malformed(
            "a number without an end",
            Message::new(kind::CANCEL).raw(&[0x80; 1 << 20]),
        ),
        one(
            "a number longer than it must be",
            Message::new(kind::PONG).raw(&[0x81, 0x80, 0]),
            Continues,
        ),
        malformed("an unknown target", call_to(&[3]).number(0).number(0)),
        malformed("an unknown flag", call_of(8).bytes(b"add").number(0)),
        malformed("all flags", call_of(u64::MAX).bytes(b"add").number(0)),
        malformed(
            "a method name that is not UTF-8",
            call_of(0).bytes(b"a\xffd").number(0),
        ),
        malformed(
            "a method name with a wrong length",
            call_of(0).number(1 << 40).raw(b"add"),
        ),
        malformed("a method of 16 EiB", call_of(0).number(u64::MAX)),
        malformed(
            "a thousand references that do not follow",
            call_with(1000).raw(&[0; 999]),
        ),
        malformed(
            "references without number",
            call_with(u64::MAX).raw(&[2; 1000]),
        ),
        malformed("an unknown reference", call_with(1).raw(&[3]).raw(&[7; 16])),
        malformed(
            "an unknown fault",
            fault().raw(&[13, 0]).bytes(b"").number(0),
        ),
        malformed(
            "a fault that is not UTF-8",
            fault().raw(&[0, 0]).bytes(b"\xff").number(0),
        ),
        malformed(
            "a fault with 17 causes",
            fault().raw(&[0, 0]).bytes(b"").number(17).raw(&[0; 17]),
        ),
        malformed(
            "a fault with endless causes",
            fault().raw(&[0, 0]).bytes(b"").number(u64::MAX),
        ),
        malformed(
            "an invalid end of a stream",
            Message::new(kind::END).number(1).raw(&[2]),
        ),
        malformed(
            "a reason that is not UTF-8",
            Message::new(kind::GOODBYE).number(0).bytes(b"\xff"),
        ),
        malformed(
            "half an object released",
            Message::new(kind::RELEASE).raw(&[7; 17]).raw(&[7; 8]),
        ),
        malformed(
            "half an object held",
            Message::new(kind::HELD).raw(&[7; 17]).raw(&[7; 8]),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

/// Messages about calls and streams that have ended are ignored, and the peer cannot know how many
/// there were.
#[tokio::test]
async fn messages_about_unknown_calls_and_streams() {
    let about = |kind: u8, id: u64| Message::new(kind).number(id);
    let never = Ends("which was never made");
    let cases = vec![
        one(
            "a result of a call that was never made",
            about(kind::RETURN, 1).number(0),
            never,
        ),
        one(
            "a result of call 0",
            about(kind::RETURN, 0).number(0),
            Continues,
        ),
        one(
            "a fault of a call that was never made",
            about(kind::FAULT, 9).raw(&[0, 0, 0, 0]),
            Ends("never made"),
        ),
        one(
            "the last possible result",
            about(kind::RETURN, u64::MAX).number(0),
            Ends("never made"),
        ),
        one(
            "a cancel of an unknown call",
            about(kind::CANCEL, 5),
            Continues,
        ),
        one(
            "a cancel of the last possible call",
            about(kind::CANCEL, u64::MAX),
            Continues,
        ),
        one(
            "a finish of an unknown call",
            about(kind::FINISH, 5),
            Continues,
        ),
        one(
            "an item of an unknown stream",
            about(kind::ITEM, 5).number(0).raw(b"x"),
            Continues,
        ),
        one(
            "the end of an unknown stream",
            about(kind::END, 5).raw(&[0]),
            Continues,
        ),
        one(
            "the failure of an unknown stream",
            about(kind::END, 5).raw(&[1, 0, 0, 0, 0]),
            Continues,
        ),
        one(
            "credit for an unknown stream",
            about(kind::CREDIT, 5).number(u64::MAX),
            Continues,
        ),
        one(
            "a stop of an unknown stream",
            about(kind::STOP, 5),
            Continues,
        ),
        one("an unrequested pong", about(kind::PONG, 5), Continues),
        one("nothing released", Message::new(kind::RELEASE), Continues),
        one(
            "an object released that was not passed",
            Message::new(kind::RELEASE).raw(&[7; 16]).number(1),
            Ends("that was not passed"),
        ),
        one(
            "the same, no times",
            Message::new(kind::RELEASE).raw(&[7; 16]).number(0),
            Ends("that was not passed"),
        ),
        one(
            "an object held that was not passed",
            Message::new(kind::HELD).raw(&[7; 16]).number(u64::MAX),
            Ends("`Held` is not the first message"),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

#[tokio::test]
async fn call_numbers_out_of_order() {
    let add = |id| call(id, "add", THREE_AND_FIVE).write();
    let cases = vec![
        ("call 0", vec![add(0)], Ends("call 0 came after call 0")),
        (
            "a number used twice",
            vec![add(1), add(1)],
            Ends("call 1 came after call 1"),
        ),
        (
            "a lower number after a higher",
            vec![add(9), add(8)],
            Ends("call 8 came after call 9"),
        ),
        (
            "any call after the last possible one",
            vec![add(u64::MAX), add(1)],
            Ends("call 1 came after"),
        ),
        (
            "numbers left out",
            vec![add(1), Message::new(kind::PONG).number(0).0],
            returned(&[8]),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

#[tokio::test]
async fn goodbyes() {
    let goodbye = |last: u64| {
        Message::new(kind::GOODBYE)
            .number(last)
            .bytes(b"that was all")
            .0
    };
    let add = call(1, "add", THREE_AND_FIVE).write();
    let sleep = call(1, "sleep", &[0x91, 0xca, 0x43, 0x61, 0, 0]).write();
    let long = Message::new(kind::GOODBYE)
        .number(0)
        .bytes(&vec![b'x'; 1 << 20])
        .0;
    let cases = vec![
        ("a goodbye", vec![goodbye(0)], Closes),
        (
            "a goodbye up to the last possible call",
            vec![goodbye(u64::MAX)],
            Closes,
        ),
        ("a goodbye twice", vec![goodbye(0), goodbye(0)], Closes),
        (
            "a goodbye, and then a call",
            vec![goodbye(0), add.clone()],
            Closes,
        ),
        ("a goodbye of a MiB", vec![long], Closes),
        (
            "a goodbye while a call runs, which is then cancelled",
            vec![sleep, goodbye(0), Message::new(kind::CANCEL).number(1).0],
            Closes,
        ),
        (
            "a goodbye, and then nonsense",
            vec![goodbye(0), vec![99]],
            Closes,
        ),
    ];
    endure_all(&victim().await, cases).await;
}
