//! Resumable sessions, and peers that try to take over those of others.

use std::time::Duration;

use tests::victim::Victim;

use super::session::{Answer, Session};
use super::wire::{GREEDY, Message, NOTHING, THREE_AND_FIVE, call, fault, kind};
use crate::endure;

/// Starts a victim that keeps sessions for a while after their connection is lost.
async fn lender() -> Victim {
    let program = env!("CARGO_BIN_EXE_victim");
    Victim::start(program, &["--lease-ms", "1500"]).await
}

/// Opens a session with an object. Returns the session, its token, and the id of the object.
async fn with_object(victim: &Victim) -> (Session, Vec<u8>, Vec<u8>) {
    let (mut session, greeting) = Session::resume(victim.rpc, GREEDY, b"").await;
    assert_eq!(greeting.token.len(), 16);
    let object = session.object(call(1, "objects.counter", NOTHING)).await;
    (session, greeting.token, object)
}

fn held(object: &[u8], count: u64) -> Vec<u8> {
    Message::new(kind::HELD).raw(object).number(count).0
}

#[tokio::test]
async fn sessions_of_other_clients_cannot_be_resumed() {
    let victim = lender().await;
    endure(&victim, "guessed sessions", async {
        for guess in [[0; 16], [7; 16], [255; 16]] {
            let (mut session, greeting) = Session::resume(victim.rpc, GREEDY, &guess).await;
            assert!(!greeting.resumed && greeting.token != guess);
            session.call(call(1, "add", THREE_AND_FIVE)).await;
            assert_eq!(session.answer().await, (1, Answer::Return(vec![], vec![8])));
        }
    })
    .await;
    endure(&victim, "a token with a changed last bit", async {
        let (_session, mut token, object) = with_object(&victim).await;
        token[15] ^= 1;
        let (mut other, greeting) = Session::resume(victim.rpc, GREEDY, &token).await;
        assert!(!greeting.resumed);
        other.call(call(1, "add", &[0x91, 1]).on(&object)).await;
        assert_eq!(other.answer().await, (1, Answer::Fault(fault::GONE)));
    })
    .await;
    endure(&victim, "a session in another encoding", async {
        let (_session, token, _) = with_object(&victim).await;
        let mut peer = crate::peer::Peer::trusted(victim.rpc).await;
        let hello = super::wire::hello(b"bincode", GREEDY, &token);
        peer.send(&hello).await;
        let greeting = peer.receive().await.unwrap();
        let (version, flags) = (greeting[8], greeting[9]);
        assert_eq!((version, flags & 1), (2, 0), "it is not resumed");
    })
    .await;
    endure(&victim, "a session after its lease", async {
        let (session, token, _) = with_object(&victim).await;
        drop(session);
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (_, greeting) = Session::resume(victim.rpc, GREEDY, &token).await;
        assert!(!greeting.resumed);
    })
    .await;
}

/// `Held` replaces the peer's counts: it is valid once, as the first message of a resumed session.
#[tokio::test]
async fn an_unexpected_held_message_is_a_protocol_error() {
    let victim = lender().await;
    let add = |id, object: &[u8]| call(id, "add", &[0x91, 1]).on(object).write();
    const NOT_FIRST: &str = "`Held` is not the first message";
    endure(&victim, "`Held` in a new session", async {
        let (mut session, _, object) = with_object(&victim).await;
        session.send(&held(&object, 1)).await;
        session.assert_ends(NOT_FIRST).await;
    })
    .await;
    endure(&victim, "`Held` twice", async {
        let (first, token, object) = with_object(&victim).await;
        drop(first);
        let (mut session, _) = Session::resume(victim.rpc, GREEDY, &token).await;
        session.send(&held(&object, 1)).await;
        session.send(&held(&object, 1)).await;
        session.assert_ends(NOT_FIRST).await;
    })
    .await;
    endure(&victim, "`Held` after a call", async {
        let (first, token, object) = with_object(&victim).await;
        drop(first);
        let (mut session, _) = Session::resume(victim.rpc, GREEDY, &token).await;
        session.send(&held(&object, 1)).await;
        session.send(&add(1, &object)).await;
        assert_eq!(session.answer().await, (1, Answer::Return(vec![], vec![1])));
        session.send(&held(&object, 1)).await;
        session.assert_ends(NOT_FIRST).await;
    })
    .await;
    endure(&victim, "no `Held`", async {
        let (first, token, object) = with_object(&victim).await;
        drop(first);
        let (mut session, _) = Session::resume(victim.rpc, GREEDY, &token).await;
        session.send(&add(1, &object)).await;
        session.assert_ends("is not `Held`").await;
    })
    .await;
}

#[tokio::test]
async fn invalid_resumptions() {
    let victim = lender().await;
    let add = |id, object: &[u8]| call(id, "add", &[0x91, 1]).on(object).write();
    endure(
        &victim,
        "a session resumed while its connection is open",
        async {
            let (mut first, token, object) = with_object(&victim).await;
            let (mut second, greeting) = Session::resume(victim.rpc, GREEDY, &token).await;
            assert!(greeting.resumed);
            first.rest().await;
            second.send(&held(&object, 1)).await;
            second.send(&add(2, &object)).await;
            assert_eq!(second.answer().await, (2, Answer::Return(vec![], vec![1])));
        },
    )
    .await;
    endure(&victim, "a session resumed a hundred times", async {
        let (mut session, token, object) = with_object(&victim).await;
        for _ in 0..100 {
            let (next, greeting) = Session::resume(victim.rpc, GREEDY, &token).await;
            assert!(greeting.resumed);
            session = next;
            session.send(&held(&object, 1)).await;
        }
        session.send(&add(1, &object)).await;
        assert_eq!(session.answer().await, (1, Answer::Return(vec![], vec![1])));
    })
    .await;
    endure(&victim, "an empty `Held`", async {
        let (first, token, object) = with_object(&victim).await;
        drop(first);
        let (mut session, _) = Session::resume(victim.rpc, GREEDY, &token).await;
        session.send(&Message::new(kind::HELD).0).await;
        session.send(&add(1, &object)).await;
        assert_eq!(session.answer().await, (1, Answer::Fault(fault::GONE)));
    })
    .await;
    endure(
        &victim,
        "an object held as often as can be counted, twice",
        async {
            let (first, token, object) = with_object(&victim).await;
            drop(first);
            let (mut session, _) = Session::resume(victim.rpc, GREEDY, &token).await;
            let twice = [
                held(&object, u64::MAX),
                held(&object, u64::MAX)[1..].to_vec(),
            ]
            .concat();
            session.send(&twice).await;
            session.send(&add(1, &object)).await;
            assert_eq!(session.answer().await, (1, Answer::Return(vec![], vec![1])));
        },
    )
    .await;
    endure(&victim, "a session whose greeting breaks off", async {
        let (first, token, _) = with_object(&victim).await;
        drop(first);
        let mut peer = crate::peer::Peer::trusted(victim.rpc).await;
        peer.send(&super::wire::hello(b"messagepack", GREEDY, &token))
            .await;
    })
    .await;
    endure(&victim, "3,000 abandoned sessions", async {
        // The number of kept sessions is limited; those beyond it end at once.
        for _ in 0..3000 {
            let mut session = Session::open(victim.rpc).await;
            session.object(call(1, "objects.counter", NOTHING)).await;
        }
        victim.assert_unharmed("leaving sessions");
        tokio::time::sleep(Duration::from_secs(2)).await;
    })
    .await;
}
