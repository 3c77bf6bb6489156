//! The results of a batch.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::Payload;
use farcall_core::{CallError, FormatError, Json};
use farcall_http::client::{Secrets, Unread};
use http::StatusCode;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{BatchEntry, Ticket};
use crate::client::answer::{Answer, decode, number, range, structure, syntax, text};
use crate::raw::parse_seed;

/// An error of a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The server sent no answer to this call.
    #[error("the server sent no answer to this call of the batch")]
    Missing,
    /// The ticket was issued by another batch.
    #[error("the ticket belongs to another batch")]
    ForeignTicket,
}

/// The results of a [`Batch`](crate::Batch), which the tickets of its calls are exchanged for.
#[derive(Debug)]
pub struct Results {
    batch: u64,
    format: Json,
    /// Texts that errors must not show.
    secrets: Arc<Secrets>,
    outcomes: Vec<CallOutcome>,
    /// The ids of the calls that were sent, in ascending order, with the places of their outcomes.
    ids: Vec<(u64, usize)>,
}

#[derive(Debug)]
enum CallOutcome {
    /// There is no answer so far.
    Open,
    Result(Payload),
    Failed(CallError),
    Taken,
}

impl Results {
    /// Creates the results of calls without an answer.
    pub(super) fn new(
        batch: u64,
        format: Json,
        secrets: &Arc<Secrets>,
        entries: Vec<BatchEntry>,
    ) -> Self {
        let mut ids = Vec::with_capacity(entries.len());
        let outcome = |(place, entry)| match entry {
            BatchEntry::Encoded(id) => {
                ids.push((id, place));
                CallOutcome::Open
            }
            BatchEntry::Failed(error) => CallOutcome::Failed(CallError::Encode(error)),
        };
        let outcomes = entries.into_iter().enumerate().map(outcome).collect();
        Self {
            batch,
            format,
            secrets: Arc::clone(secrets),
            outcomes,
            ids,
        }
    }

    /// Creates the results of calls whose answers are there, as far as there are any.
    #[cfg(feature = "jsonrpc-sockets")]
    pub(crate) fn of(
        batch: u64,
        format: Json,
        secrets: Arc<Secrets>,
        answers: impl Iterator<Item = Option<Result<Payload, CallError>>>,
    ) -> Self {
        let outcomes = answers.map(|answer| match answer {
            Some(Ok(result)) => CallOutcome::Result(result),
            Some(Err(error)) => CallOutcome::Failed(error),
            None => CallOutcome::Open,
        });
        Self {
            batch,
            format,
            secrets,
            outcomes: outcomes.collect(),
            ids: Vec::new(),
        }
    }

    /// Returns `true` if no answer is expected.
    pub(super) const fn are_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Takes the result of one call.
    ///
    /// # Errors
    /// As with [`Client::call`](crate::Client::call). For a call without an answer,
    /// [`CallError::NotAReply`] with [`BatchError::Missing`] as its cause. For a ticket of another
    /// batch, [`CallError::Lost`] with [`BatchError::ForeignTicket`] as its cause.
    #[expect(clippy::needless_pass_by_value, reason = "a result can be taken once")]
    pub fn take<T: DeserializeOwned>(&mut self, ticket: Ticket<T>) -> Result<T, CallError> {
        let Ticket { batch, index, .. } = ticket;
        let outcome = match self.outcomes.get_mut(index) {
            Some(outcome) if batch == self.batch => std::mem::replace(outcome, CallOutcome::Taken),
            _ => CallOutcome::Taken,
        };
        match outcome {
            CallOutcome::Result(result) => decode(self.format, &result, &self.secrets),
            CallOutcome::Failed(error) => Err(error),
            CallOutcome::Open => Err(CallError::NotAReply(Box::new(BatchError::Missing))),
            CallOutcome::Taken => Err(CallError::Lost(Box::new(BatchError::ForeignTicket))),
        }
    }

    /// Reads the answers.
    ///
    /// # Errors
    /// The fault of the whole batch, or the reason why the document does not match the calls.
    pub(super) fn read(&mut self, status: StatusCode, document: Bytes) -> Result<(), Unread> {
        match self.read_answers(&document, status) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(Unread::Failed(error)),
            Err(error) => Err(Unread::NotAReply(document, error)),
        }
    }

    fn read_answers(
        &mut self,
        document: &Bytes,
        status: StatusCode,
    ) -> Result<Option<CallError>, Option<FormatError>> {
        let text = text(document)?;
        let is_array = text.trim_ascii_start().starts_with('[');
        if !is_array {
            let answer = Answer::read(text, &self.secrets)?;
            return match answer.outcome {
                Err(fault) => Ok(Some(CallError::Fault(fault))),
                Ok(_) if status.is_success() => Err(Some(structure(
                    "the answer to a batch is an array, or one error",
                ))),
                Ok(_) => Err(None),
            };
        }
        if !status.is_success() {
            return Err(None);
        }
        let mut problem = None;
        let answers = AnswersVisitor {
            results: self,
            document,
            problem: &mut problem,
        };
        let read = parse_seed(text, answers);
        match (problem, read) {
            (Some(problem), _) => Err(Some(problem)),
            (None, Err(error)) => Err(Some(syntax(&error))),
            (None, Ok(())) => Ok(None),
        }
    }

    /// Stores one answer.
    fn keep(&mut self, text: &str, document: &Bytes) -> Result<(), FormatError> {
        let Answer { id, outcome } = Answer::read(text, &self.secrets)?;
        let at = id.and_then(number);
        let at = at.and_then(|id| self.ids.binary_search_by_key(&id, |(id, _)| *id).ok());
        let place = at.and_then(|at| self.outcomes.get_mut(self.ids[at].1));
        let place =
            place.ok_or_else(|| structure("an answer has the id of no call of the batch"))?;
        if !matches!(place, CallOutcome::Open) {
            return Err(structure("two answers have the same id"));
        }
        *place = match outcome {
            Ok(result) => {
                CallOutcome::Result(Payload::part(document.clone(), range(document, result)))
            }
            Err(fault) => CallOutcome::Failed(CallError::Fault(fault)),
        };
        Ok(())
    }
}

/// Reads the array of answers one by one.
struct AnswersVisitor<'a> {
    results: &'a mut Results,
    document: &'a Bytes,
    /// The reason why the answers do not match the calls.
    problem: &'a mut Option<FormatError>,
}

impl<'de> DeserializeSeed<'de> for AnswersVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, answers: D) -> Result<(), D::Error> {
        answers.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AnswersVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut answers: A) -> Result<(), A::Error> {
        while let Some(answer) = answers.next_element::<&RawValue>()? {
            if let Err(error) = self.results.keep(answer.get(), self.document) {
                *self.problem = Some(error);
                return Err(serde::de::Error::custom("an answer does not match"));
            }
        }
        Ok(())
    }
}
