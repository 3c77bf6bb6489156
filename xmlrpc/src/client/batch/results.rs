//! The results of a batch.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::{Format, Payload};
use farcall_core::{CallError, FormatError, FormatErrorKind};
use farcall_http::client::Secrets;
use serde::de::DeserializeOwned;

use super::{BatchEntry, Ticket, count};
use crate::XmlRpc;
use crate::de::{De, Raw};
use crate::document::FaultMembers;
use crate::xml::positions::Positions;
use crate::xml::read::{Markup, Tag, plain};

/// An error of a batch as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The server returned more or fewer results than there were calls, so that they cannot be
    /// matched.
    #[error("the server returned {received} results for {expected} calls")]
    WrongCount {
        /// The number of calls sent.
        expected: usize,
        /// The number of results received.
        received: usize,
    },
    /// The ticket was issued by another batch.
    #[error("the ticket belongs to another batch")]
    ForeignTicket,
}

/// The results of a [`Batch`](crate::Batch), which the tickets of its calls are exchanged for.
#[derive(Debug)]
pub struct Results {
    batch: u64,
    format: XmlRpc,
    /// Texts that errors must not show.
    secrets: Arc<Secrets>,
    outcomes: Vec<Option<CallOutcome>>,
}

#[derive(Debug)]
enum CallOutcome {
    /// The call failed.
    Failed(CallError),
    /// The reply to a single call.
    Reply(Payload),
    /// A `<value>` from a server that does not wrap results.
    Bare(Payload),
    /// A `<value>` in an array of one element, as the protocol requires, and that array.
    Wrapped(Payload, Payload),
}

impl Results {
    /// Takes the result of one call.
    ///
    /// # Errors
    /// As with [`Client::call`](crate::Client::call). For a ticket of another batch,
    /// [`CallError::Lost`] with [`BatchError::ForeignTicket`] as its cause.
    #[expect(clippy::needless_pass_by_value, reason = "a result can be taken once")]
    pub fn take<T: DeserializeOwned>(&mut self, ticket: Ticket<T>) -> Result<T, CallError> {
        let Ticket { batch, index, .. } = ticket;
        let outcome = match self.outcomes.get_mut(index) {
            Some(outcome) if batch == self.batch => outcome.take(),
            _ => None,
        };
        let Some(outcome) = outcome else {
            return Err(CallError::Lost(Box::new(BatchError::ForeignTicket)));
        };
        let format = self.format;
        let result = match outcome {
            CallOutcome::Failed(error) => return Err(error),
            CallOutcome::Reply(reply) => format.decode_reply(&reply),
            CallOutcome::Bare(value) => format.decode_value(&value),
            CallOutcome::Wrapped(inner, whole) => format.decode_value(&inner).map_err(|error| {
                match format.decode_value::<T>(&whole) {
                    Ok(_) => ambiguous(&error),
                    Err(_) => error,
                }
            }),
        };
        result.map_err(|error| CallError::Decode(self.secrets.redact_error(error)))
    }

    /// Creates the results of calls that were sent one by one.
    pub(super) fn of_single_calls(
        batch: u64,
        format: XmlRpc,
        secrets: Arc<Secrets>,
        outcomes: Vec<Result<Payload, CallError>>,
    ) -> Self {
        let outcome =
            |result: Result<_, _>| result.map_or_else(CallOutcome::Failed, CallOutcome::Reply);
        Self {
            batch,
            format,
            secrets,
            outcomes: outcomes.into_iter().map(outcome).map(Some).collect(),
        }
    }

    /// Reads the results of a multicall. Entries that could not be encoded have no result in it.
    pub(super) fn read(
        batch: u64,
        format: XmlRpc,
        secrets: Arc<Secrets>,
        reply: Payload,
        entries: Vec<BatchEntry>,
    ) -> Result<Self, CallError> {
        let results: Vec<Raw> = format
            .decode_reply(&reply)
            .map_err(|error| CallError::Decode(secrets.redact_error(error)))?;
        let (expected, received) = (count(&entries), results.len());
        if expected != received {
            let error = BatchError::WrongCount { expected, received };
            return Err(CallError::NotAReply(Box::new(error)));
        }
        let document = reply.into_message();
        let positions = Positions::new(&document);
        let results: Vec<CallOutcome> = results
            .into_iter()
            .map(|raw| outcome(&document, raw, format, &secrets, &positions))
            .collect();
        // One bare result shows that this server never wraps results, so that an array of one
        // element is itself a result. Without any, results are wrapped as the protocol requires.
        let bare = results.iter().any(|a| matches!(a, CallOutcome::Bare(_)));
        let mut results = results.into_iter().map(|outcome| match outcome {
            CallOutcome::Wrapped(_, whole) if bare => CallOutcome::Bare(whole),
            outcome => outcome,
        });
        let outcomes = entries.into_iter().map(|entry| match entry {
            BatchEntry::Encoded(..) => results.next(),
            BatchEntry::Failed(error) => Some(CallOutcome::Failed(CallError::Encode(error))),
        });
        Ok(Self {
            batch,
            format,
            secrets,
            outcomes: outcomes.collect(),
        })
    }
}

/// Returns the error for a result of the wrong type whose enclosing array has the right type: the
/// server may not wrap results, but no other result of the batch shows it.
fn ambiguous(error: &FormatError) -> FormatError {
    let text = format!(
        "{error}; the array of one element around it would fit, but no result of this batch shows \
         that the server does not wrap results in arrays"
    );
    FormatError::new(FormatErrorKind::Mismatch, text)
}

/// Interprets one entry of the results: `[value]` as the protocol requires, `value` from
/// Supervisor, or a struct with the members of a fault for a call that failed.
fn outcome(
    document: &Bytes,
    raw: Raw,
    format: XmlRpc,
    secrets: &Secrets,
    positions: &Positions<'_>,
) -> CallOutcome {
    let part = |range: Range<usize>| {
        let start = positions.of(range.start);
        Payload::part_at(document.clone(), range, start)
    };
    let whole = part(raw.range);
    let mut de = De::new(&whole, format);
    let opening = de.reader.expect_start(&plain::VALUE, "<value>");
    match opening.and_then(|_| de.reader.tag()).map(|tag| tag.markup) {
        Ok(Markup::Start(Tag::Struct)) => match format.decode_value::<FaultMembers>(&whole) {
            Ok(fault) if fault.is_fault() => {
                let fault = secrets.redact_fault(&fault.into());
                CallOutcome::Failed(CallError::Fault(fault))
            }
            _ => CallOutcome::Bare(whole),
        },
        Ok(Markup::Start(Tag::Array)) => match format.decode_value::<Vec<Raw>>(&whole).as_deref() {
            Ok([Raw { range }]) => CallOutcome::Wrapped(part(range.clone()), whole),
            _ => CallOutcome::Bare(whole),
        },
        _ => CallOutcome::Bare(whole),
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;
    use crate::xml::positions::work;

    /// The server controls the number of wrong results, and the program takes each: computing their
    /// positions must not take quadratic time.
    #[test]
    fn positions_of_many_wrong_results_are_counted_once() {
        const COUNT: usize = 1_000;
        for value in [
            "<array><data><value>x</value></data></array>",
            "<array><data><value><int>x</int></value></data></array>",
            "<struct><member><name>faultCode</name><value><array/></value></member></struct>",
            "<string>x</string>",
        ] {
            let document = format!(
                "<methodResponse><params><param><value><array><data>{}</data></array></value></param>\
                 </params></methodResponse>",
                format!("<value>{value}</value>\n").repeat(COUNT)
            );
            let length = document.len();
            let entries = (0..COUNT)
                .map(|_| BatchEntry::Encoded("m".into(), 0..0))
                .collect();
            work::take();
            let reply = Payload::from(document.into_bytes());
            let mut results =
                Results::read(7, XmlRpc::default(), Arc::default(), reply, entries).unwrap();
            for index in (0..COUNT).rev() {
                let ticket: Ticket<Vec<i32>> = Ticket {
                    batch: 7,
                    index,
                    result: PhantomData,
                };
                let CallError::Decode(error) = results.take(ticket).unwrap_err() else {
                    panic!("{value}");
                };
                assert_eq!(error.position().unwrap().line, index + 1);
            }
            let work = work::take();
            assert!(work <= 4 * length, "{work} bytes counted of {length}");
        }
    }
}
