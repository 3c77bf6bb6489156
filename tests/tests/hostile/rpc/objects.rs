//! References that are guessed, released too often, or never.

use super::session::{Answer, Session};
use super::wire::{FIRST, GREEDY, Message, NOTHING, call, fault, kind, number, reference};
use crate::peer::frame;
use crate::{endure, victim};

fn release(object: &[u8], count: u64) -> Vec<u8> {
    Message::new(kind::RELEASE).raw(object).number(count).0
}

fn gone(id: u64) -> (u64, Answer) {
    (id, Answer::Fault(fault::GONE))
}

#[tokio::test]
async fn invalid_releases() {
    let victim = victim().await;
    let session = async || {
        let mut session = Session::open(victim.rpc).await;
        let object = session.object(call(1, "objects.counter", NOTHING)).await;
        (session, object)
    };
    let add = |id, object: &[u8]| call(id, "add", &[0x91, 1]).on(object).write();
    endure(&victim, "a call after the object was released", async {
        let (mut session, object) = session().await;
        session.send(&add(2, &object)).await;
        assert_eq!(session.answer().await, (2, Answer::Return(vec![], vec![1])));
        session.send(&release(&object, 1)).await;
        session.send(&add(3, &object)).await;
        assert_eq!(session.answer().await, gone(3));
    })
    .await;
    endure(&victim, "an object released twice", async {
        let (mut session, object) = session().await;
        session.send(&release(&object, 1)).await;
        session.send(&release(&object, 1)).await;
        session.assert_ends("that was not passed").await;
    })
    .await;
    endure(&victim, "an object released twice in a message", async {
        let (mut session, object) = session().await;
        let twice = [release(&object, 1), release(&object, 1)[1..].to_vec()].concat();
        session.send(&twice).await;
        session.assert_ends("that was not passed").await;
    })
    .await;
    endure(&victim, "more released than was passed", async {
        let (mut session, object) = session().await;
        session.send(&release(&object, 2)).await;
        session.assert_ends("more references were released").await;
    })
    .await;
    endure(&victim, "the maximum count released", async {
        let (mut session, object) = session().await;
        session.send(&release(&object, u64::MAX)).await;
        session.assert_ends("more references were released").await;
    })
    .await;
    endure(&victim, "an object released no times", async {
        let (mut session, object) = session().await;
        session.send(&release(&object, 0)).await;
        session.send(&add(2, &object)).await;
        assert_eq!(session.answer().await, (2, Answer::Return(vec![], vec![1])));
    })
    .await;
    endure(&victim, "an object released while it is called", async {
        let (mut session, object) = session().await;
        let next = call(2, "next", NOTHING).on(&object).write();
        let both = [frame(&next), frame(&release(&object, 1))].concat();
        session.write(&both).await;
        assert!(matches!(session.answer().await, (2, Answer::Return(..))));
        session.assert_continues().await;
    })
    .await;
    endure(&victim, "an object held more often than passed", async {
        let (mut session, object) = session().await;
        let held = Message::new(kind::HELD).raw(&object).number(u64::MAX).0;
        session.send(&held).await;
        session.send(&release(&object, u64::MAX)).await;
        session.send(&add(2, &object)).await;
        session.rest_or_pong().await;
    })
    .await;
    endure(&victim, "an object of another session", async {
        let (_other, object) = session().await;
        let (mut session, _) = session().await;
        session.send(&add(2, &object)).await;
        assert_eq!(session.answer().await, gone(2));
        // Passing it back does not work from there either.
        let passed = call(3, "objects.is_ours", FIRST);
        session
            .call(passed.object(reference::RECEIVER_HOSTED, &object))
            .await;
        assert_eq!(
            session.answer().await,
            (3, Answer::Fault(fault::INVALID_PARAMS))
        );
        session.send(&release(&object, 1)).await;
        session.assert_ends("that was not passed").await;
    })
    .await;
    endure(&victim, "an object of a session that is over", async {
        let (other, object) = session().await;
        drop(other);
        let (mut session, _) = session().await;
        session.send(&add(2, &object)).await;
        assert_eq!(session.answer().await, gone(2));
    })
    .await;
    endure(&victim, "the victim's object, passed as one's own", async {
        let (mut session, object) = session().await;
        let passed = call(2, "objects.is_ours", FIRST);
        session
            .call(passed.object(reference::SENDER_HOSTED, &object))
            .await;
        assert_eq!(
            session.answer().await,
            (2, Answer::Return(vec![], vec![0xc2]))
        );
    })
    .await;
    endure(
        &victim,
        "the victim's object, called through the victim",
        async {
            let (mut session, object) = session().await;
            let passed = call(2, "objects.count", FIRST);
            session
                .call(passed.object(reference::RECEIVER_HOSTED, &object))
                .await;
            assert_eq!(session.answer().await, (2, Answer::Return(vec![], vec![1])));
        },
    )
    .await;
}

#[tokio::test]
async fn hoarded_objects_are_limited_and_released() {
    let mut victim = victim().await;
    let address = victim.rpc;
    let hoard = async || {
        let mut session = Session::open(address).await;
        let mut refused = 0;
        for id in 1..=200 {
            // 1,000 objects in one call.
            let thousand = call(id, "objects.counters", &[0x91, 0xcd, 3, 0xe8]);
            session.call(thousand).await;
            refused += u64::from(session.answer().await.1 == Answer::Fault(fault::INTERNAL));
        }
        assert_eq!(refused, 100);
        session.assert_continues().await;
        drop(session);
        let mut honest = Session::open(address).await;
        for id in 1.. {
            honest.call(call(id, "objects.alive", NOTHING)).await;
            if honest.answer().await.1 == Answer::Return(vec![], vec![0]) {
                break;
            }
        }
    };
    // The memory that one session freed is fragmented when the next one needs as much.
    victim.allow_memory(272 << 20);
    for _ in 0..3 {
        endure(&victim, "200,000 objects, never released", hoard()).await;
    }
}

#[tokio::test]
async fn references_beyond_the_limit() {
    let victim = victim().await;
    endure(&victim, "more objects than the victim refers to", async {
        let mut session = Session::open(victim.rpc).await;
        // An item of an unread stream holds them; a single item may exceed the stream's limit.
        let hold = call(1, "objects.hold", &[0x91, 0x91, 0]);
        session.call(hold.stream(1)).await;
        let mut item = Message::new(kind::ITEM).number(1).number(100_000);
        for object in 1..=100_000_u128 {
            item = item
                .raw(&[reference::SENDER_HOSTED])
                .raw(&object.to_be_bytes());
        }
        session.send(&item.0).await;
        session.assert_continues().await;
        let one_more = call(2, "add", &[0x92, 3, 5]).object(reference::SENDER_HOSTED, &[7; 16]);
        session.call(one_more).await;
        session.assert_ends("more objects were passed").await;
    })
    .await;
    endure(&victim, "one object, a million times", async {
        let mut session = Session::open(victim.rpc).await;
        for id in 1..=10 {
            let mut passing = call(id, "add", &[0x92, 3, 5]);
            passing.references =
                vec![[&[reference::SENDER_HOSTED][..], &[7; 16]].concat(); 100_000];
            session.call(passing).await;
            assert_eq!(
                session.answer().await,
                (id, Answer::Return(vec![], vec![8]))
            );
        }
        session.assert_continues().await;
    })
    .await;
    endure(
        &victim,
        "more references than there may be objects and streams",
        async {
            let mut session = Session::open(victim.rpc).await;
            let mut passing = call(1, "add", &[0x92, 3, 5]);
            passing.references =
                vec![[&[reference::SENDER_HOSTED][..], &[7; 16]].concat(); 200_000];
            session.call(passing).await;
            session.assert_ends("references").await;
        },
    )
    .await;
    endure(&victim, "64 MiB of references", async {
        let mut session = Session::open(victim.rpc).await;
        let references = [reference::STREAM, 1].repeat(30 << 20);
        let message = Message::new(kind::CALL).raw(&[1, 0, 0, 0, 0]);
        let message = message.number(30 << 20).raw(&references);
        session.send(&message.0).await;
        session.rest_or_pong().await;
    })
    .await;
    for kind in [kind::RELEASE, kind::HELD] {
        endure(
            &victim,
            &format!("64 MiB of objects in a message of kind {kind}"),
            async {
                let mut session = Session::open(victim.rpc).await;
                let mut objects = vec![kind];
                for object in 0..3_500_000_u128 {
                    objects.extend(object.to_be_bytes());
                    objects.push(1);
                }
                session.send(&objects).await;
                session.rest_or_pong().await;
            },
        )
        .await;
    }
}

/// The victim calls the objects it was passed, and gets invalid replies or none.
#[tokio::test]
async fn objects_that_reply_badly() {
    type Answers = fn(id: u64) -> Vec<Vec<u8>>;
    let cases: &[(&str, Answers)] = &[
        ("a result that is not a number", |id| {
            vec![
                Message::new(kind::RETURN)
                    .number(id)
                    .number(0)
                    .bytes(b"x")
                    .0,
            ]
        }),
        ("an empty result", |id| {
            vec![Message::new(kind::RETURN).number(id).number(0).0]
        }),
        ("a result that nests a million deep", |id| {
            let lists = vec![0x91; 1 << 20];
            vec![
                Message::new(kind::RETURN)
                    .number(id)
                    .number(0)
                    .raw(&lists)
                    .0,
            ]
        }),
        ("a fault without a reason", |id| {
            vec![Message::new(kind::FAULT).number(id).raw(&[12, 0, 0, 0]).0]
        }),
        ("a fault of a MiB", |id| {
            let text = vec![b'x'; 1 << 20];
            vec![
                Message::new(kind::FAULT)
                    .number(id)
                    .raw(&[0, 2])
                    .bytes(&text)
                    .number(0)
                    .0,
            ]
        }),
        ("two results", |id| {
            vec![Message::new(kind::RETURN).number(id).number(0).raw(&[1]).0; 2]
        }),
        ("a result and a fault", |id| {
            vec![
                Message::new(kind::RETURN).number(id).number(0).raw(&[1]).0,
                Message::new(kind::FAULT).number(id).raw(&[0, 0, 0, 0]).0,
            ]
        }),
        ("a result with an object and a stream", |id| {
            let result = Message::new(kind::RETURN).number(id).number(2);
            let result = result.raw(&[reference::SENDER_HOSTED]).raw(&[9; 16]);
            vec![
                result
                    .raw(&[reference::STREAM])
                    .raw(&number(77))
                    .raw(&[1])
                    .0,
            ]
        }),
        ("the object released while it is called", |_| {
            vec![release(&[7; 16], 1)]
        }),
    ];
    let victim = victim().await;
    for (name, answers) in cases {
        endure(&victim, name, async {
            let mut session = Session::open(victim.rpc).await;
            let passed = call(1, "objects.count", FIRST);
            session
                .call(passed.object(reference::SENDER_HOSTED, &[7; 16]))
                .await;
            let made = session.receive().await.unwrap();
            assert_eq!(made[..2], [kind::CALL, 1]);
            for answer in answers(1) {
                session.send(&answer).await;
            }
            session.rest_or_pong().await;
        })
        .await;
    }
    endure(&victim, "no reply, and the limit of one call", async {
        let mut session = Session::open_with(victim.rpc, [u64::MAX, 1, 1, 1, 1]).await;
        for id in 1..=1000 {
            let passed = call(id, "objects.count", FIRST);
            session
                .call(passed.object(reference::SENDER_HOSTED, &[7; 16]))
                .await;
        }
        session.assert_continues().await;
    })
    .await;
    endure(
        &victim,
        "an object that calls itself through the victim",
        async {
            let mut session = Session::open_with(victim.rpc, GREEDY).await;
            // Each call of the victim is answered with the same call back.
            for id in 1..=1000 {
                let passed = call(id, "objects.count", FIRST);
                session
                    .call(passed.object(reference::SENDER_HOSTED, &[7; 16]))
                    .await;
                let made = session.receive().await.unwrap();
                assert_eq!(made[0], kind::CALL);
            }
            session.assert_continues().await;
        },
    )
    .await;
}
