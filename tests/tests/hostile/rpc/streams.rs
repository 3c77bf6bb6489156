//! Streams beyond their credit, after their end, or unknown.

use super::outcome::Outcome::{Answers, Continues, Ends};
use super::outcome::{Case, endure_all, faulted, returned};
use super::session::{Answer, Session};
use super::wire::{FIRST, Message, THREE_AND_FIVE, call, fault, kind, reference};
use crate::peer::frame;
use crate::{endure, victim};

/// The default window of a stream in bytes.
const WINDOW: usize = 256 << 10;

/// Returns the cost of an item without references, of a stream with a number below 128.
const fn cost(payload: &[u8]) -> usize {
    3 + payload.len() + 128
}

fn item(stream: u64, payload: &[u8]) -> Vec<u8> {
    Message::new(kind::ITEM)
        .number(stream)
        .number(0)
        .raw(payload)
        .0
}

fn end(stream: u64) -> Vec<u8> {
    Message::new(kind::END).number(stream).raw(&[0]).0
}

/// Returns a call that sums the numbers of stream 1.
fn sum() -> Vec<u8> {
    call(1, "objects.sum", FIRST).stream(1).write()
}

/// Returns a call that keeps stream 1 and reads none of it.
fn hold() -> Vec<u8> {
    call(1, "objects.hold", &[0x91, 0x91, 0]).stream(1).write()
}

#[tokio::test]
async fn invalid_streams_of_a_caller() {
    let failed = Message::new(kind::END)
        .number(1)
        .raw(&[1, 0, 14])
        .bytes(b"x")
        .number(0)
        .0;
    let add = call(2, "add", THREE_AND_FIVE).write();
    let eight = || Answers(vec![(2, Answer::Return(vec![], vec![8]))]);
    let cases: Vec<Case> = vec![
        ("an end at once", vec![sum(), end(1)], returned(&[0])),
        (
            "an end twice",
            vec![sum(), item(1, &[3]), end(1), end(1)],
            returned(&[3]),
        ),
        (
            "an item after the end",
            vec![hold(), end(1), item(1, &[3])],
            Ends("was not granted"),
        ),
        (
            "a failure, and an end",
            vec![sum(), failed.clone(), end(1)],
            faulted(0),
        ),
        (
            "an item that is not a number",
            vec![sum(), item(1, b"\xa1x"), end(1)],
            faulted(1),
        ),
        (
            "an item without a byte",
            vec![sum(), item(1, b""), end(1)],
            faulted(1),
        ),
        (
            "an item that nests a million deep",
            vec![sum(), item(1, &vec![0x91; 1 << 20]), end(1)],
            faulted(1),
        ),
        (
            "a stop of one's own stream",
            vec![sum(), Message::new(kind::STOP).number(1).0, end(1)],
            returned(&[0]),
        ),
        (
            "credit for one's own stream",
            vec![
                sum(),
                Message::new(kind::CREDIT).number(1).number(u64::MAX).0,
                end(1),
            ],
            returned(&[0]),
        ),
        (
            "a stream opened twice",
            vec![hold(), call(2, "objects.sum", FIRST).stream(1).write()],
            Ends("stream 1 was opened twice"),
        ),
        (
            "stream 0",
            vec![call(1, "objects.sum", FIRST).stream(0).write(), end(0)],
            returned(&[0]),
        ),
        (
            "the last possible stream",
            vec![
                call(1, "objects.sum", FIRST).stream(u64::MAX).write(),
                end(u64::MAX),
            ],
            returned(&[0]),
        ),
        (
            "a stream that ends before it is opened",
            vec![end(1), hold(), add.clone()],
            eight(),
        ),
        (
            "a stream that never ends",
            vec![hold(), item(1, &[3]), add.clone()],
            eight(),
        ),
        (
            "a stream for a call that is cancelled",
            vec![
                hold(),
                Message::new(kind::CANCEL).number(1).0,
                item(1, &[3]),
                end(1),
            ],
            Continues,
        ),
        (
            "a stream within an item",
            {
                let nested = Message::new(kind::ITEM)
                    .number(1)
                    .number(1)
                    .raw(&[2, 2, 0])
                    .0;
                vec![hold(), nested, item(2, &[3]), add.clone()]
            },
            eight(),
        ),
        (
            "a stream within its own item",
            {
                vec![
                    hold(),
                    Message::new(kind::ITEM)
                        .number(1)
                        .number(1)
                        .raw(&[2, 1, 0])
                        .0,
                ]
            },
            Ends("opened twice"),
        ),
        (
            "an object that was never passed, within an item",
            {
                let nested = Message::new(kind::ITEM)
                    .number(1)
                    .number(1)
                    .raw(&[1])
                    .raw(&[7; 16])
                    .raw(&[0]);
                vec![sum(), nested.0, end(1)]
            },
            returned(&[0]),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

#[tokio::test]
async fn items_beyond_the_credit() {
    let victim = victim().await;
    let items = |payload: &[u8], count: usize| frame(&item(1, payload)).repeat(count);
    endure(&victim, "small items beyond the credit", async {
        let mut session = Session::open(victim.rpc).await;
        session.send(&hold()).await;
        session.write(&items(&[3], WINDOW / cost(&[3]) + 2)).await;
        session.assert_ends("was not granted").await;
    })
    .await;
    endure(&victim, "empty items beyond the credit", async {
        let mut session = Session::open(victim.rpc).await;
        session.send(&hold()).await;
        session.write(&items(b"", WINDOW / cost(b"") + 2)).await;
        session.assert_ends("was not granted").await;
    })
    .await;
    endure(&victim, "one item beyond the credit, and another", async {
        let mut session = Session::open(victim.rpc).await;
        session.send(&hold()).await;
        session.write(&items(&vec![7; 1 << 20], 2)).await;
        session.assert_ends("was not granted").await;
    })
    .await;
    endure(&victim, "credit used up, and nothing more", async {
        let mut session = Session::open(victim.rpc).await;
        session.send(&hold()).await;
        session.write(&items(b"", WINDOW / cost(b""))).await;
        session.assert_continues().await;
    })
    .await;
    endure(
        &victim,
        "items of nothing but references, in 20 streams",
        async {
            let mut session = Session::open(victim.rpc).await;
            for id in 1..=20 {
                let hold = call(id, "objects.hold", &[0x91, 0x91, 0]);
                session.call(hold.stream(id)).await;
            }
            let object = [&[reference::RECEIVER_HOSTED][..], &[7; 16]].concat();
            for id in 1..=20 {
                let item = Message::new(kind::ITEM).number(id).number(100_000);
                session.send(&item.raw(&object.repeat(100_000)).0).await;
            }
            // Each costs 26 MiB: a single one may wait, and the other streams are stopped.
            let mut stopped = Vec::new();
            while stopped.len() < 19 {
                let message = session.receive().await.expect("the session continues");
                if let [kind::STOP, stream] = message[..] {
                    stopped.push(u64::from(stream));
                }
            }
            assert!(stopped.into_iter().eq(2..=20));
            session.assert_continues().await;
        },
    )
    .await;
    endure(&victim, "ends with long faults, in 20 streams", async {
        let mut session = Session::open(victim.rpc).await;
        for id in 1..=20 {
            let hold = call(id, "objects.hold", &[0x91, 0x91, 0]);
            session.call(hold.stream(id)).await;
        }
        let text = vec![b'x'; 10 << 20];
        for id in 1..=20 {
            let failed = Message::new(kind::END).number(id).raw(&[1, 0, 14]);
            session.send(&failed.bytes(&text).number(0).0).await;
        }
        session.assert_continues().await;
        assert!(victim.memory() < 96 << 20, "{} bytes", victim.memory());
    })
    .await;
    endure(&victim, "a long item in each of 100 streams", async {
        let mut session = Session::open(victim.rpc).await;
        for id in 1..=100 {
            session
                .call(call(id, "objects.hold", &[0x91, 0x91, 0]).stream(id))
                .await;
        }
        for id in 1..=100 {
            session.send(&item(id, &vec![7; 2 << 20])).await;
        }
        session.rest_or_pong().await;
    })
    .await;
}

/// Streams that the victim sends.
#[tokio::test]
async fn misuse_of_the_victims_streams() {
    let victim = victim().await;
    let credit =
        |stream: u64, bytes: u64| Message::new(kind::CREDIT).number(stream).number(bytes).0;
    let stop = |stream: u64| Message::new(kind::STOP).number(stream).0;
    // Asks for this number of 1 KiB blocks.
    let blocks = |id| call(id, "objects.blocks", &[0x91, 0xce, 0, 1, 0, 0]);
    let window = |window| [u64::MAX, u64::MAX, u64::MAX, u64::MAX, window];
    endure(&victim, "no credit at all", async {
        let mut session = Session::open_with(victim.rpc, window(0)).await;
        session.call(blocks(1)).await;
        session.answer().await;
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "credit that overflows", async {
        let mut session = Session::open_with(victim.rpc, window(1)).await;
        session.call(blocks(1)).await;
        session.answer().await;
        session.send(&credit(1, u64::MAX)).await;
        session.send(&credit(1, u64::MAX)).await;
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "endless credit, and nothing is read", async {
        let mut session = Session::open(victim.rpc).await;
        for id in 1..=100 {
            session.call(blocks(id)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        victim.assert_serves().await;
        victim.assert_unharmed("endless credit");
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "a stop, and credit after it", async {
        let mut session = Session::open_with(victim.rpc, window(1)).await;
        session.call(blocks(1)).await;
        session.answer().await;
        session.send(&stop(1)).await;
        session.send(&stop(1)).await;
        session.send(&credit(1, u64::MAX)).await;
        session.assert_continues().await;
    })
    .await;
    endure(
        &victim,
        "an item and an end of the victim's own stream",
        async {
            let mut session = Session::open_with(victim.rpc, window(1)).await;
            session.call(blocks(1)).await;
            session.answer().await;
            session.send(&item(1, b"x")).await;
            session.send(&end(1)).await;
            session.assert_continues().await;
        },
    )
    .await;
    endure(&victim, "2,000 streams, none of them read", async {
        let mut session = Session::open_with(victim.rpc, window(1)).await;
        let mut refused = 0;
        for id in 1..=2000 {
            session.call(blocks(id)).await;
            refused += u64::from(session.answer().await.1 == Answer::Fault(fault::INTERNAL));
        }
        assert_eq!(refused, 2000 - 1024);
    })
    .await;
    endure(
        &victim,
        "a stream of the victim's, passed back to it",
        async {
            let mut session = Session::open_with(victim.rpc, window(1)).await;
            session.call(blocks(1)).await;
            session.answer().await;
            // The victim takes it for a stream of the caller with the same number.
            session.call(call(2, "objects.sum", FIRST).stream(1)).await;
            session.send(&end(1)).await;
            assert_eq!(session.answer().await, (2, Answer::Return(vec![], vec![0])));
        },
    )
    .await;
}
