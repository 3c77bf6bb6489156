//! Calls of methods and objects that do not exist, and calls with invalid arguments.

use super::outcome::Outcome::{Answers, Ends};
use super::outcome::{Case, endure_all, faulted, returned};
use super::session::Answer;
use super::wire::{FIRST, NOTHING, THREE_AND_FIVE, call, fault, flag, reference};
use crate::victim;

#[tokio::test]
async fn calls_of_unknown_methods_and_objects() {
    let long = "x".repeat(1 << 20);
    let on = |object: [u8; 16]| call(1, "add", THREE_AND_FIVE).on(&object).write();
    let of = |method| call(1, method, NOTHING).write();
    let unknown = || faulted(fault::UNKNOWN_METHOD);
    let gone = || faulted(fault::GONE);
    let cases: Vec<Case> = vec![
        ("an unknown method", vec![of("subtract")], unknown()),
        ("a method without a name", vec![of("")], unknown()),
        ("a name of 1,024 bytes", vec![of(&long[..1024])], unknown()),
        (
            "a name of 1,025 bytes",
            vec![of(&long[..1025])],
            faulted(fault::INVALID_REQUEST),
        ),
        (
            "a name of a MiB",
            vec![of(&long)],
            faulted(fault::INVALID_REQUEST),
        ),
        ("a name of NULs", vec![of("\0\0\0")], unknown()),
        ("a part of a path", vec![of("objects")], unknown()),
        (
            "a path with one dot too many",
            vec![of("objects.counter.")],
            unknown(),
        ),
        ("an object guessed", vec![on([7; 16])], gone()),
        (
            "the first possible object, guessed",
            vec![on([0; 16])],
            gone(),
        ),
        (
            "the last possible object, guessed",
            vec![on([255; 16])],
            gone(),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

#[tokio::test]
async fn invalid_arguments() {
    let add = |params: &[u8]| vec![call(1, "add", params).write()];
    let echo = |params: &[u8]| vec![call(1, "echo", params).write()];
    let concat = |params: &[u8]| vec![call(1, "concat", params).write()];
    let nested = |depth: usize| {
        let arrays = vec![0x91; depth];
        echo(&[&[0x91][..], &arrays, &[0xc0]].concat())
    };
    let maps = [&[0x91][..], &[0x81, 0xa1, b'k'].repeat(100_000), &[0xc0]].concat();
    let parse = || faulted(fault::PARSE);
    let params = || faulted(fault::INVALID_PARAMS);
    let cases: Vec<Case> = vec![
        ("no arguments, not even a list", add(&[]), parse()),
        ("no arguments", add(NOTHING), params()),
        ("one argument of two", add(&[0x91, 3]), params()),
        ("three arguments of two", add(&[0x93, 3, 5, 7]), params()),
        ("arguments that end early", add(&[0x92, 3]), parse()),
        ("arguments and some more", add(&[0x92, 3, 5, 7]), params()),
        (
            "texts where numbers should be",
            add(&[0x92, 0xa1, b'3', 0xa1, b'5']),
            params(),
        ),
        (
            "a map where the list should be",
            add(&[0x81, 3, 5]),
            params(),
        ),
        ("a number where the list should be", add(&[3]), params()),
        (
            "a byte that MessagePack never uses",
            add(&[0x92, 0xc1, 5]),
            params(),
        ),
        (
            "a number beyond 64 bits",
            add(&[0x92, 0xcf, 255, 255, 255, 255, 255, 255, 255, 255, 5]),
            params(),
        ),
        (
            "four billion arguments",
            add(&[0xdd, 255, 255, 255, 255, 3, 5]),
            params(),
        ),
        (
            "a text of 4 GiB",
            concat(&[0x92, 0xdb, 255, 255, 255, 255, b'x']),
            parse(),
        ),
        (
            "bytes of 4 GiB",
            echo(&[0x91, 0xc6, 255, 255, 255, 255, 0]),
            parse(),
        ),
        (
            "a text that is not UTF-8",
            concat(&[0x92, 0xa2, 0xff, 0xfe, 0xa0]),
            params(),
        ),
        (
            "an extension of 4 GiB",
            echo(&[0x91, 0xc9, 255, 255, 255, 255, 0, 0]),
            params(),
        ),
        ("an extension", echo(&[0x91, 0xd4, 1, 0]), params()),
        (
            "a list of four billion",
            echo(&[0x91, 0xdd, 255, 255, 255, 255]),
            parse(),
        ),
        (
            "a map of four billion",
            echo(&[0x91, 0xdf, 255, 255, 255, 255]),
            parse(),
        ),
        (
            "a map with a list as key",
            echo(&[0x91, 0x81, 0x90, 0xc0]),
            params(),
        ),
        (
            "a map that lacks a value",
            echo(&[0x91, 0x81, 0xa1, b'k']),
            parse(),
        ),
        (
            "lists nested 200 deep",
            nested(200),
            faulted(fault::INVALID_REQUEST),
        ),
        (
            "lists nested a million deep",
            nested(1 << 20),
            faulted(fault::INVALID_REQUEST),
        ),
        (
            "maps nested 100,000 deep",
            echo(&maps),
            faulted(fault::INVALID_REQUEST),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

/// References and streams beside the arguments.
#[tokio::test]
async fn invalid_attachments() {
    let is_ours = |params| call(1, "objects.is_ours", params);
    let sum = |params| call(1, "objects.sum", params);
    let params = || faulted(fault::INVALID_PARAMS);
    let twice = Answers(vec![(1, Answer::Return(vec![], vec![8]))]);
    let mut many = call(1, "add", THREE_AND_FIVE);
    many.references = vec![[&[reference::RECEIVER_HOSTED][..], &[7; 16]].concat(); 10_000];
    let mut streams = call(1, "add", THREE_AND_FIVE);
    streams.references = (0..1025)
        .map(|n| [vec![reference::STREAM], super::wire::number(n)].concat())
        .collect();
    let cases: Vec<Case> = vec![
        (
            "an object that is not among the references",
            vec![is_ours(FIRST).write()],
            params(),
        ),
        (
            "the second of one reference",
            vec![
                is_ours(&[0x91, 1])
                    .object(reference::SENDER_HOSTED, &[7; 16])
                    .write(),
            ],
            params(),
        ),
        (
            "the last possible reference",
            vec![
                is_ours(&[0x91, 0xcf, 255, 255, 255, 255, 255, 255, 255, 255])
                    .object(reference::SENDER_HOSTED, &[7; 16])
                    .write(),
            ],
            params(),
        ),
        (
            "reference -1",
            vec![
                is_ours(&[0x91, 0xff])
                    .object(reference::SENDER_HOSTED, &[7; 16])
                    .write(),
            ],
            params(),
        ),
        (
            "a text as a reference",
            vec![
                is_ours(&[0x91, 0xa1, b'0'])
                    .object(reference::SENDER_HOSTED, &[7; 16])
                    .write(),
            ],
            params(),
        ),
        (
            "an object of the victim's that was never passed",
            vec![
                is_ours(FIRST)
                    .object(reference::RECEIVER_HOSTED, &[7; 16])
                    .write(),
            ],
            params(),
        ),
        (
            "an object where a stream should be",
            vec![
                sum(FIRST)
                    .object(reference::SENDER_HOSTED, &[7; 16])
                    .write(),
            ],
            params(),
        ),
        (
            "a stream where an object should be",
            vec![is_ours(FIRST).stream(1).write()],
            params(),
        ),
        (
            "a stream that is not among the references",
            vec![sum(FIRST).write()],
            params(),
        ),
        (
            "references that no argument uses",
            vec![
                call(1, "add", THREE_AND_FIVE)
                    .object(reference::SENDER_HOSTED, &[7; 16])
                    .stream(1)
                    .write(),
            ],
            twice,
        ),
        (
            "the same stream twice in a call",
            vec![sum(FIRST).stream(1).stream(1).write()],
            Ends("opened twice"),
        ),
        (
            "one stream as two arguments",
            vec![
                call(1, "objects.hold", &[0x91, 0x92, 0, 0])
                    .stream(1)
                    .write(),
            ],
            params(),
        ),
        (
            "10,000 objects that were never passed",
            vec![many.write()],
            returned(&[8]),
        ),
        (
            "1,025 streams",
            vec![streams.write()],
            Ends("more streams were opened"),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

#[tokio::test]
async fn unusual_flags_and_timeouts() {
    let sleep = |id| call(id, "sleep", &[0x91, 0xca, 0x42, 0xc8, 0, 0]);
    let fail = &[0x92, 7, 0xa0];
    let cases: Vec<Case> = vec![
        (
            "a timeout of zero",
            vec![sleep(1).timeout(1).write()],
            faulted(fault::DEADLINE),
        ),
        (
            "a microsecond",
            vec![sleep(1).timeout(2).write()],
            faulted(fault::DEADLINE),
        ),
        (
            "584,000 years",
            vec![call(1, "add", THREE_AND_FIVE).timeout(u64::MAX).write()],
            returned(&[8]),
        ),
        (
            "584,000 years, waited for",
            vec![
                sleep(1).timeout(u64::MAX).write(),
                call(2, "add", THREE_AND_FIVE).write(),
            ],
            Answers(vec![(2, Answer::Return(vec![], vec![8]))]),
        ),
        (
            "a failure of a one-way call",
            vec![call(1, "fail", fail).flags(flag::ONE_WAY).write()],
            returned(b""),
        ),
        (
            "an unknown method, one way",
            vec![call(1, "x", NOTHING).flags(flag::ONE_WAY).write()],
            returned(b""),
        ),
        (
            "all flags that there are",
            vec![call(1, "add", THREE_AND_FIVE).flags(7).write()],
            returned(b""),
        ),
        (
            "the last possible number",
            vec![call(u64::MAX, "add", THREE_AND_FIVE).write()],
            Answers(vec![(u64::MAX, Answer::Return(vec![], vec![8]))]),
        ),
    ];
    endure_all(&victim().await, cases).await;
}
