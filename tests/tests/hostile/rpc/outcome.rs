//! What is to come of messages, in tables.

use tests::victim::Victim;

use super::session::{Answer, Session};
use crate::endure;

/// What the victim is to make of some messages.
pub(crate) enum Outcome {
    /// It ends the session, and says why: with this among it.
    Ends(&'static str),
    /// It closes the connection in order.
    Closes,
    /// It goes on, and gives no call an answer.
    GoesOn,
    /// It answers these calls, in any order, and goes on.
    Answers(Vec<(u64, Answer)>),
}

/// It answers call 1 with a fault of this kind.
pub(crate) fn faulted(kind: u8) -> Outcome {
    Outcome::Answers(vec![(1, Answer::Fault(kind))])
}

/// It answers call 1 with this result.
pub(crate) fn returned(result: &[u8]) -> Outcome {
    Outcome::Answers(vec![(1, Answer::Return(Vec::new(), result.to_vec()))])
}

/// Some messages under a name, and what is to come of them.
pub(crate) type Case = (&'static str, Vec<Vec<u8>>, Outcome);

/// Sends the messages of each case in a session of its own.
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
                Outcome::GoesOn => session.assert_goes_on().await,
                Outcome::Answers(mut expected) => {
                    let mut answers = Vec::new();
                    for _ in 0..expected.len() {
                        answers.push(session.answer().await);
                    }
                    answers.sort_by_key(|(id, _)| *id);
                    expected.sort_by_key(|(id, _)| *id);
                    assert_eq!(answers, expected, "{name}");
                    session.assert_goes_on().await;
                }
            }
        })
        .await;
    }
}
