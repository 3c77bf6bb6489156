//! Tables of messages and their expected outcomes.

use tests::victim::Victim;

use super::session::{Answer, Session};
use crate::endure;

/// The reaction of the victim to some messages.
pub(crate) enum Outcome {
    /// It ends the session with a reason that contains this text.
    Ends(&'static str),
    /// It closes the connection in an orderly way.
    Closes,
    /// The session continues, without a reply to any call.
    Continues,
    /// It replies to these calls, in any order, and the session continues.
    Answers(Vec<(u64, Answer)>),
}

/// A reply to call 1: a fault of this kind.
pub(crate) fn faulted(kind: u8) -> Outcome {
    Outcome::Answers(vec![(1, Answer::Fault(kind))])
}

/// A reply to call 1: this result.
pub(crate) fn returned(result: &[u8]) -> Outcome {
    Outcome::Answers(vec![(1, Answer::Return(Vec::new(), result.to_vec()))])
}

/// The name of a case, its messages, and the expected outcome.
pub(crate) type Case = (&'static str, Vec<Vec<u8>>, Outcome);

/// Sends the messages of each case in a session of its own, and checks the outcome.
pub(crate) async fn endure_all(victim: &Victim, cases: Vec<Case>) {
    for (name, messages, outcome) in cases {
        endure(victim, name, async {
            let mut session = Session::open(victim.rpc).await;
            for message in &messages {
                session.send(message).await;
            }
            match outcome {
                Outcome::Ends(reason) => session.assert_ends(reason).await,
                Outcome::Closes => drop(session.rest().await),
                Outcome::Continues => session.assert_continues().await,
                Outcome::Answers(mut expected) => {
                    let mut answers = Vec::new();
                    for _ in 0..expected.len() {
                        answers.push(session.answer().await);
                    }
                    answers.sort_by_key(|(id, _)| *id);
                    expected.sort_by_key(|(id, _)| *id);
                    assert_eq!(answers, expected, "{name}");
                    session.assert_continues().await;
                }
            }
        })
        .await;
    }
}
