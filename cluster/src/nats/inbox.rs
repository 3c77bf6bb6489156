//! The inbox of a connection: one subscription for all answers, and the table of who waits for
//! them.
//!
//! async-nats has such a table for its `request`, whose entries stay forever if no answer comes,
//! and which does not fail when the connection breaks.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::{Message, Subject};
use tokio::sync::{mpsc, oneshot};

use super::stream_state::StreamState;

/// Maximum answers to one question that wait to be read.
const MAX_ANSWERS: usize = 16 * 1024;

/// Maximum bytes of all answers to one question: those of 100,000 instances to a ping, or of 10,000
/// that describe 30 methods each. Nothing tells how many instances there are, nor how many answers
/// come from one of them.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Mark of the inboxes of streams, before their number.
const STREAM: char = 's';

/// The connection to the NATS server broke before an answer arrived.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the NATS server broke")]
pub struct ConnectionLost;

farcall_core::debug_errors!(ConnectionLost);

/// Table of who waits for messages to this inbox.
pub(super) struct Inbox {
    /// Start of the subjects, with the dot at its end.
    prefix: String,
    /// Makes the end of each subject, so that a service, which learns the subject of its call,
    /// cannot guess those of others: it could answer their calls.
    secret: RandomState,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    entries: HashMap<u64, Entry>,
    /// `true` if no message comes any more: the connection is over, and is not made again.
    is_closed: bool,
    /// The inboxes of the peers of streams that have failed with their connection: they do not know
    /// yet.
    orphans: Vec<Subject>,
}

enum Entry {
    /// One answer.
    Call {
        answer: oneshot::Sender<Result<Message, ConnectionLost>>,
        /// Number of the connection that the call was made over.
        generation: u64,
    },
    /// Any number of answers.
    Question {
        answers: mpsc::Sender<Message>,
        /// Bytes that further answers may have.
        left: usize,
    },
    Stream(Arc<StreamState>),
}

impl Table {
    fn remember_orphans(&mut self, lost: &[Entry]) {
        let peers = lost.iter().filter_map(|entry| match entry {
            Entry::Stream(stream) => stream.peer(),
            Entry::Call { .. } | Entry::Question { .. } => None,
        });
        self.orphans.extend(peers);
    }
}

impl Entry {
    /// Tells who waits that nothing comes.
    fn fail(self) {
        match self {
            Self::Call { answer, .. } => drop(answer.send(Err(ConnectionLost))),
            Self::Stream(stream) => stream.fail(std::io::ErrorKind::ConnectionReset),
            // Whoever reads the answers finds their end.
            Self::Question { .. } => {}
        }
    }
}

/// The place of an entry in the table. Dropping it removes the entry.
pub(super) struct Place {
    inbox: Arc<Inbox>,
    number: u64,
    subject: Subject,
}

impl Inbox {
    pub(super) fn new(prefix: String) -> Self {
        Self {
            prefix: prefix + ".",
            secret: RandomState::new(),
            table: Mutex::default(),
        }
    }

    /// The subject of the one subscription.
    pub(super) fn subscription(&self) -> String {
        format!("{}*", self.prefix)
    }

    /// Waits for one answer.
    pub(super) fn call(
        self: &Arc<Self>,
        generation: u64,
    ) -> (Place, oneshot::Receiver<Result<Message, ConnectionLost>>) {
        let (answer, receiver) = oneshot::channel();
        let entry = Entry::Call { answer, generation };
        (self.insert(entry, ""), receiver)
    }

    /// Waits for any number of answers. They end if they are too long together.
    pub(super) fn question(self: &Arc<Self>) -> (Place, mpsc::Receiver<Message>) {
        let (answers, receiver) = mpsc::channel(MAX_ANSWERS);
        let left = MAX_ANSWER_BYTES;
        (self.insert(Entry::Question { answers, left }, ""), receiver)
    }

    /// Receives the messages of a stream.
    pub(super) fn stream(self: &Arc<Self>, stream: Arc<StreamState>) -> Place {
        self.insert(Entry::Stream(stream), "s")
    }

    fn insert(self: &Arc<Self>, entry: Entry, mark: &str) -> Place {
        let mut table = self.table();
        table.next += 1;
        let number = table.next;
        let too_late = if table.is_closed {
            Some(entry)
        } else {
            table.entries.insert(number, entry)
        };
        drop(table);
        if let Some(entry) = too_late {
            entry.fail();
        }
        Place {
            inbox: Arc::clone(self),
            number,
            subject: format!("{}{mark}{number}-{:x}", self.prefix, self.token(number)).into(),
        }
    }

    /// Returns the end of the subject of a place.
    fn token(&self, number: u64) -> u64 {
        self.secret.hash_one(number)
    }

    /// Returns the number of the place with this last part of its subject, if it is one.
    fn number(&self, place: &str) -> Option<u64> {
        let (number, token) = place.split_once('-')?;
        let number = number.parse().ok()?;
        let token = u64::from_str_radix(token, 16).ok()?;
        (token == self.token(number)).then_some(number)
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.table().entries.len()
    }

    /// Passes a message on. Returns it if it is for a stream that does not exist any more.
    pub(super) fn deliver(&self, message: Message) -> Option<Message> {
        let place = message.subject.strip_prefix(self.prefix.as_str())?;
        let of_stream = place.strip_prefix(STREAM);
        let number = self.number(of_stream.unwrap_or(place))?;
        let mut table = self.table();
        let stream = match table.entries.get_mut(&number) {
            None => return of_stream.is_some().then_some(message),
            Some(Entry::Question { answers, left }) => {
                match left.checked_sub(message.length) {
                    Some(rest) => {
                        *left = rest;
                        // Dropped beyond the maximum, as by a slow reader of any subscription.
                        let _ = answers.try_send(message);
                    }
                    // Nobody waits for the rest.
                    None => {
                        let question = table.entries.remove(&number);
                        drop(table);
                        drop(question);
                        tracing::warn!(
                            limit = MAX_ANSWER_BYTES,
                            "answers over NATS are too long together: the rest is left out"
                        );
                    }
                }
                return None;
            }
            Some(Entry::Stream(stream)) => Arc::clone(stream),
            Some(Entry::Call { .. }) => {
                let entry = table.entries.remove(&number);
                drop(table);
                if let Some(Entry::Call { answer, .. }) = entry {
                    // Fails if the caller has just left.
                    let _ = answer.send(Ok(message));
                }
                return None;
            }
        };
        drop(table);
        stream.on_message(message);
        None
    }

    /// Fails what depends on the connection that broke: everything, or the calls that were made
    /// before the connection with this number.
    pub(super) fn on_disconnected(&self, before: Option<u64>) {
        let is_lost = |_: &u64, entry: &mut Entry| match (entry, before) {
            (Entry::Call { generation, .. }, Some(before)) => *generation < before,
            (Entry::Question { .. }, _) => false,
            (_, _) => true,
        };
        let lost = {
            let mut table = self.table();
            let lost = table.entries.extract_if(is_lost);
            let lost: Vec<Entry> = lost.map(|(_, entry)| entry).collect();
            table.remember_orphans(&lost);
            lost
        };
        lost.into_iter().for_each(Entry::fail);
    }

    /// Fails everything, and whatever comes later: no message arrives any more.
    pub(super) fn close(&self) {
        let lost = {
            let mut table = self.table();
            table.is_closed = true;
            let lost = std::mem::take(&mut table.entries).into_values();
            let lost: Vec<Entry> = lost.collect();
            table.remember_orphans(&lost);
            lost
        };
        lost.into_iter().for_each(Entry::fail);
    }

    /// Returns whom to tell that their streams have failed, once there is a connection.
    pub(super) fn take_orphans(&self) -> Vec<Subject> {
        std::mem::take(&mut self.table().orphans)
    }

    /// Returns `true` if no message arrives any more.
    pub(super) fn is_closed(&self) -> bool {
        self.table().is_closed
    }

    /// Returns the table, also if a thread panicked while it had it: each change is whole.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The subject that answers are sent to.
    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let entry = self.inbox.table().entries.remove(&self.number);
        // Dropped here, where the lock is not held.
        drop(entry);
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(inbox: &Inbox, subject: &str, length: usize) {
        let left = inbox.deliver(Message {
            subject: subject.into(),
            reply: None,
            payload: bytes::Bytes::new(),
            headers: None,
            status: None,
            description: None,
            length,
        });
        assert!(left.is_none(), "{subject}");
    }

    #[test]
    fn who_knows_a_place_cannot_answer_at_another() {
        let inbox = Arc::new(Inbox::new("_INBOX.x".into()));
        let (own, _answer) = inbox.call(1);
        let (other, mut answer) = inbox.call(1);
        let known = own.subject().as_str();
        for guess in [
            known.replacen(".1-", ".2-", 1),
            known.replacen(".1-", ".s2-", 1),
            "_INBOX.x.2".to_owned(),
            "_INBOX.x.2-".to_owned(),
            "_INBOX.x.2-0".to_owned(),
            "_INBOX.x.*".to_owned(),
            "_INBOX.y.2".to_owned(),
        ] {
            deliver(&inbox, &guess, 10);
            assert!(answer.try_recv().is_err(), "{guess}");
        }
        deliver(&inbox, other.subject(), 10);
        assert!(answer.try_recv().unwrap().is_ok());
        // A second answer finds nobody.
        deliver(&inbox, other.subject(), 10);
        assert_eq!(inbox.len(), 1);
    }

    #[test]
    fn nobody_waits_at_a_closed_inbox() {
        let inbox = Arc::new(Inbox::new("_INBOX.x".into()));
        let (_before, mut answer) = inbox.call(1);
        let (_asked, mut answers) = inbox.question();
        inbox.close();
        assert!(inbox.is_closed());
        let (_after, mut late) = inbox.call(1);
        for answer in [&mut answer, &mut late] {
            assert_eq!(answer.try_recv().map(drop_message), Ok(Err(ConnectionLost)));
        }
        let (_late, mut later) = inbox.question();
        for answers in [&mut answers, &mut later] {
            let end = answers.try_recv().map(drop);
            assert_eq!(end, Err(mpsc::error::TryRecvError::Disconnected));
        }
        assert_eq!(inbox.len(), 0);
    }

    fn drop_message(answer: Result<Message, ConnectionLost>) -> Result<(), ConnectionLost> {
        answer.map(drop)
    }

    #[test]
    fn answers_end_that_are_too_long_together() {
        let inbox = Arc::new(Inbox::new("_INBOX.x".into()));
        let (place, mut answers) = inbox.question();
        for _ in 0..5 {
            deliver(&inbox, place.subject(), MAX_ANSWER_BYTES / 4);
        }
        assert_eq!(inbox.len(), 0);
        let found = std::iter::from_fn(|| answers.try_recv().ok()).count();
        assert_eq!(found, 4);
        let end = answers.try_recv().map(drop);
        assert_eq!(end, Err(mpsc::error::TryRecvError::Disconnected));
    }
}
