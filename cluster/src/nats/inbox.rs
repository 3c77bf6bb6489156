//! The inbox of a connection: one subscription for all answers, and the table of who waits for
//! them.
//!
//! async-nats has such a table for its `request`, whose entries stay forever if no answer comes,
//! and which does not fail when the connection breaks.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::{Message, Subject};
use tokio::sync::{mpsc, oneshot};

use super::stream_state::StreamState;

/// Maximum answers to one question that wait to be read.
const MAX_ANSWERS: usize = 16 * 1024;

/// Mark of the inboxes of streams, before their number.
const STREAM: char = 's';

/// The connection to the NATS server broke before an answer arrived.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the NATS server broke")]
pub struct ConnectionLost;

farcall_core::debug_errors!(ConnectionLost);

/// Table of who waits for messages to this inbox.
pub(super) struct Inbox {
    /// Start of the subjects, with the dot at its end. It is random, so that nobody can guess them.
    prefix: String,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    entries: HashMap<u64, Entry>,
}

enum Entry {
    /// One answer.
    Call {
        answer: oneshot::Sender<Result<Message, ConnectionLost>>,
        /// Number of the connection that the call was made over.
        generation: u64,
    },
    /// Any number of answers.
    Question(mpsc::Sender<Message>),
    Stream(Arc<StreamState>),
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

    /// Waits for any number of answers.
    pub(super) fn question(self: &Arc<Self>) -> (Place, mpsc::Receiver<Message>) {
        let (answers, receiver) = mpsc::channel(MAX_ANSWERS);
        (self.insert(Entry::Question(answers), ""), receiver)
    }

    /// Receives the messages of a stream.
    pub(super) fn stream(self: &Arc<Self>, stream: Arc<StreamState>) -> Place {
        self.insert(Entry::Stream(stream), "s")
    }

    fn insert(self: &Arc<Self>, entry: Entry, mark: &str) -> Place {
        let mut table = self.table();
        table.next += 1;
        let number = table.next;
        table.entries.insert(number, entry);
        drop(table);
        Place {
            inbox: Arc::clone(self),
            number,
            subject: format!("{}{mark}{number}", self.prefix).into(),
        }
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.table().entries.len()
    }

    /// Passes a message on. Returns it if it is for a stream that does not exist any more.
    pub(super) fn deliver(&self, message: Message) -> Option<Message> {
        let token = message.subject.strip_prefix(self.prefix.as_str())?;
        let is_stream = token.starts_with(STREAM);
        let number: u64 = token.trim_start_matches(STREAM).parse().ok()?;
        let mut table = self.table();
        let stream = match table.entries.get(&number) {
            None => return is_stream.then_some(message),
            Some(Entry::Question(answers)) => {
                // Dropped beyond the maximum, as by a slow reader of any subscription.
                let _ = answers.try_send(message);
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
            (Entry::Question(_), _) => false,
            (_, _) => true,
        };
        let lost: Vec<Entry> = {
            let mut table = self.table();
            let lost = table.entries.extract_if(is_lost);
            lost.map(|(_, entry)| entry).collect()
        };
        for entry in lost {
            match entry {
                Entry::Call { answer, .. } => drop(answer.send(Err(ConnectionLost))),
                Entry::Stream(stream) => stream.fail(std::io::ErrorKind::ConnectionReset),
                Entry::Question(_) => {}
            }
        }
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
