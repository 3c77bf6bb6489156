//! Calls on promises, which resolve late or never, and their cancellation and release.

use super::outcome::Outcome::{Answers, Continues};
use super::outcome::{Case, endure_all};
use super::session::{Answer, Session};
use super::wire::{
    Call, FIRST, Message, NOTHING, THREE_AND_FIVE, call, fault, flag, kind, reference,
};
use crate::peer::frame;
use crate::{endure, victim};

/// An hour.
const HOUR: &[u8] = &[0x91, 0xce, 0, 0x36, 0xee, 0x80];

/// Returns a call that promises an object and takes an hour.
fn later(id: u64) -> Call<'static> {
    call(id, "objects.later", HOUR).flags(flag::PROMISE)
}

fn on(id: u64, promise: u64) -> Vec<u8> {
    call(id, "add", &[0x91, 1]).on_promise(promise).write()
}

fn cancel(id: u64) -> Vec<u8> {
    Message::new(kind::CANCEL).number(id).0
}

fn finish(id: u64) -> Vec<u8> {
    Message::new(kind::FINISH).number(id).0
}

fn faults(faults: &[(u64, u8)]) -> super::outcome::Outcome {
    let faults = faults.iter().map(|(id, kind)| (*id, Answer::Fault(*kind)));
    Answers(faults.collect())
}

fn eight() -> Answer {
    Answer::Return(Vec::new(), vec![8])
}

#[tokio::test]
async fn invalid_promises() {
    let add = |id| call(id, "add", THREE_AND_FIVE);
    let gone = |id| (id, Answer::Fault(fault::GONE));
    let promising = add(1).flags(flag::PROMISE).write();
    let cases: Vec<Case> = vec![
        (
            "the promise of call 0",
            vec![on(1, 0)],
            faults(&[(1, fault::GONE)]),
        ),
        (
            "the promise of an unknown call",
            vec![on(2, 1)],
            faults(&[(2, fault::GONE)]),
        ),
        (
            "the promise of the call itself",
            vec![on(1, 1)],
            faults(&[(1, fault::GONE)]),
        ),
        (
            "the promise of a later call",
            vec![on(1, 9)],
            faults(&[(1, fault::GONE)]),
        ),
        (
            "the promise of the last possible call",
            vec![on(1, u64::MAX)],
            faults(&[(1, fault::GONE)]),
        ),
        (
            "the promise of a call without one",
            vec![add(1).write(), on(2, 1)],
            Answers(vec![(1, eight()), gone(2)]),
        ),
        (
            "a promise that is not an object",
            vec![promising.clone(), on(2, 1)],
            Answers(vec![(1, eight()), gone(2)]),
        ),
        (
            "a promise that failed",
            vec![
                call(1, "fail", &[0x92, 7, 0xa0])
                    .flags(flag::PROMISE)
                    .write(),
                on(2, 1),
            ],
            Answers(vec![(1, Answer::Fault(0)), gone(2)]),
        ),
        (
            "a promise of an unknown method",
            vec![call(1, "x", NOTHING).flags(flag::PROMISE).write(), on(2, 1)],
            Answers(vec![(1, Answer::Fault(fault::UNKNOWN_METHOD)), gone(2)]),
        ),
        (
            "a promise that was finished",
            vec![promising.clone(), finish(1), on(2, 1)],
            Answers(vec![(1, eight()), gone(2)]),
        ),
        (
            "a promise that was finished twice",
            vec![promising.clone(), finish(1), finish(1), on(2, 1)],
            Answers(vec![(1, eight()), gone(2)]),
        ),
        (
            "a promise that was cancelled",
            vec![later(1).write(), cancel(1), on(2, 1)],
            faults(&[(2, fault::GONE)]),
        ),
        (
            "a call that waits for a promise that is cancelled",
            vec![later(1).write(), on(2, 1), cancel(1)],
            faults(&[(2, fault::CANCELLED)]),
        ),
        (
            "a cancel of a waiting call",
            vec![later(1).write(), on(2, 1), cancel(2), cancel(1)],
            Continues,
        ),
        (
            "a cancel of a waiting call, twice",
            vec![later(1).write(), on(2, 1), cancel(2), cancel(2)],
            Continues,
        ),
        (
            "a finish of a pending promise",
            vec![later(1).write(), on(2, 1), finish(1), cancel(1)],
            faults(&[(2, fault::CANCELLED)]),
        ),
        (
            "a promise as an argument",
            vec![later(1).write(), call(2, "objects.is_ours", FIRST).write()],
            faults(&[(2, fault::INVALID_PARAMS)]),
        ),
    ];
    endure_all(&victim().await, cases).await;
}

/// Returns calls of which each is on the promise of the one before.
fn chain(length: u64) -> Vec<u8> {
    let mut calls = frame(&later(1).write());
    for id in 2..=length {
        let next = call(id, "next", NOTHING).flags(flag::PROMISE);
        calls.extend(frame(&next.on_promise(id - 1).write()));
    }
    calls
}

#[tokio::test]
async fn chains_of_promises() {
    const LENGTH: u64 = 16_000;
    let victim = victim().await;
    endure(
        &victim,
        "a chain of 16,000 promises that is cancelled",
        async {
            let mut session = Session::open(victim.rpc).await;
            session.write(&chain(LENGTH)).await;
            session.assert_continues().await;
            session.send(&cancel(1)).await;
            for _ in 2..=LENGTH {
                assert_eq!(session.answer().await.1, Answer::Fault(fault::CANCELLED));
            }
            session.assert_continues().await;
        },
    )
    .await;
    endure(&victim, "a chain of 16,000 promises, left alone", async {
        let mut session = Session::open(victim.rpc).await;
        session.write(&chain(LENGTH)).await;
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "a chain of 16,000 promises that fails", async {
        let mut session = Session::open(victim.rpc).await;
        let mut calls = frame(&later(1).timeout(500_000).write());
        calls.extend(&chain(LENGTH)[frame(&later(1).write()).len()..]);
        session.write(&calls).await;
        for _ in 1..=LENGTH {
            assert!(matches!(session.answer().await.1, Answer::Fault(_)));
        }
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "a chain of 16,000 promises that is kept", async {
        let mut session = Session::open(victim.rpc).await;
        let first = call(1, "objects.later", &[0x91, 0xcd, 2, 0]).flags(flag::PROMISE);
        let mut calls = frame(&first.write());
        calls.extend(&chain(LENGTH)[frame(&later(1).write()).len()..]);
        session.write(&calls).await;
        for _ in 1..=LENGTH {
            assert!(matches!(session.answer().await.1, Answer::Return(..)));
        }
        session.assert_continues().await;
    })
    .await;
}

#[tokio::test]
async fn calls_beyond_the_limit_of_concurrent_calls() {
    const LIMIT: u64 = 16_384;
    let victim = victim().await;
    endure(&victim, "20,000 calls that take an hour", async {
        let mut session = Session::open(victim.rpc).await;
        let calls: Vec<u8> = (1..=20_000)
            .flat_map(|id| frame(&call(id, "objects.later", HOUR).write()))
            .collect();
        session.write(&calls).await;
        for id in LIMIT + 1..=20_000 {
            assert_eq!(
                session.answer().await,
                (id, Answer::Fault(fault::OVERLOADED))
            );
        }
        // A cancelled call makes room for another.
        session.send(&cancel(1)).await;
        session.call(call(20_001, "add", THREE_AND_FIVE)).await;
        assert_eq!(session.answer().await, (20_001, eight()));
    })
    .await;
    endure(&victim, "20,000 calls that wait for one promise", async {
        let mut session = Session::open(victim.rpc).await;
        session.call(later(1)).await;
        let calls: Vec<u8> = (2..=20_000).flat_map(|id| frame(&on(id, 1))).collect();
        session.write(&calls).await;
        for _ in LIMIT + 1..=20_000 {
            assert_eq!(session.answer().await.1, Answer::Fault(fault::OVERLOADED));
        }
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "20,000 promises that are never finished", async {
        let mut session = Session::open(victim.rpc).await;
        let calls: Vec<u8> = (1..=20_000)
            .flat_map(|id| frame(&call(id, "add", THREE_AND_FIVE).flags(flag::PROMISE).write()))
            .collect();
        session.write(&calls).await;
        let mut refused = 0;
        for _ in 1..=20_000 {
            refused += u64::from(session.answer().await.1 != eight());
        }
        assert_eq!(refused, 20_000 - LIMIT);
    })
    .await;
    endure(&victim, "long calls that wait for a promise", async {
        let mut session = Session::open(victim.rpc).await;
        session.call(later(1)).await;
        // 200 MiB, if all of it were kept.
        let argument = [&[0x91, 0xc6, 0, 0x10, 0, 0][..], &vec![7; 1 << 20]].concat();
        for id in 2..=200 {
            session.call(call(id, "add", &argument).on_promise(1)).await;
        }
        session.send(&cancel(1)).await;
        let mut refused = 0;
        for _ in 2..=200 {
            refused += u64::from(session.answer().await.1 == Answer::Fault(fault::OVERLOADED));
        }
        assert!(refused > 100, "{refused} are refused");
        session.assert_continues().await;
    })
    .await;
}

/// Each call is small except for its name or its references, which must count as well.
#[tokio::test]
async fn names_and_references_of_waiting_calls_count() {
    let victim = victim().await;
    endure(&victim, "names of 20 MiB that wait for a promise", async {
        let mut session = Session::open(victim.rpc).await;
        session.call(later(1)).await;
        let name = "x".repeat(20 << 20);
        for id in 2..=5 {
            session.call(call(id, &name, NOTHING).on_promise(1)).await;
        }
        for id in 2..=5 {
            let refused = (id, Answer::Fault(fault::INVALID_REQUEST));
            assert_eq!(session.answer().await, refused);
        }
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "references that wait for a promise", async {
        let mut session = Session::open(victim.rpc).await;
        session.call(later(1)).await;
        let mut many = call(0, "add", THREE_AND_FIVE).on_promise(1);
        many.references = vec![[&[reference::RECEIVER_HOSTED][..], &[7; 16]].concat(); 20_000];
        // Each costs 5.3 MiB, so that three of them fill 16 MiB.
        for id in 2..=20 {
            many.id = id;
            session.send(&many.write()).await;
        }
        for id in 5..=20 {
            assert_eq!(
                session.answer().await,
                (id, Answer::Fault(fault::OVERLOADED))
            );
        }
        session.assert_continues().await;
    })
    .await;
}

#[tokio::test]
async fn cancellations() {
    let sleep = |id| call(id, "objects.later", HOUR).write();
    let add = call(9, "add", THREE_AND_FIVE).write();
    let answered = || Answers(vec![(9, eight())]);
    let cases: Vec<Case> = vec![
        (
            "a cancel",
            vec![sleep(1), cancel(1), add.clone()],
            answered(),
        ),
        (
            "a cancel twice",
            vec![sleep(1), cancel(1), cancel(1), add.clone()],
            answered(),
        ),
        (
            "a cancel of a completed call",
            vec![add.clone(), cancel(9)],
            answered(),
        ),
        (
            "a finish of a call without a promise",
            vec![sleep(1), finish(1), cancel(1), add.clone()],
            answered(),
        ),
        (
            "a cancel after a finish",
            vec![add.clone(), finish(9), cancel(9)],
            answered(),
        ),
    ];
    let victim = victim().await;
    endure_all(&victim, cases).await;
    endure(&victim, "100,000 calls, each cancelled at once", async {
        let mut session = Session::open(victim.rpc).await;
        let calls: Vec<u8> = (1..=100_000)
            .flat_map(|id| [frame(&sleep(id)), frame(&cancel(id))].concat())
            .collect();
        session.write(&calls).await;
        session.assert_continues().await;
    })
    .await;
}
