//! Batches: several calls in one document.

use bytes::Bytes;
use farcall_core::protocol::{Hold, Payload, TextMessage};
use farcall_core::{Fault, FaultKind};
use farcall_http::server::Exchange;

use super::{Service, Subscribe, text_within};
use crate::envelope::{AROUND_RESULT, Entry, Refusal, write_error, write_result};

/// Bytes of an answer with a short result.
const SHORT_ANSWER: usize = 40;

/// Bytes reserved for the error of a call that has not run yet.
const SHORT_ERROR: usize = 768;

impl Service {
    /// Runs the calls of a batch in order, which fail independently. The limit of an answer applies
    /// to all answers together. Once a result does not fit, it becomes a fault, and the calls after
    /// it are refused without being run.
    pub(super) async fn run_batch(
        &self,
        exchange: &Exchange<'_>,
        entries: &[Entry<'_>],
        streams: Option<&dyn Subscribe>,
    ) -> Option<Bytes> {
        let mut answers = Answers {
            out: Vec::with_capacity(entries.len() * SHORT_ANSWER),
            hold: Hold::default(),
            remaining: entries.len(),
            full: None,
            exchange,
        };
        // Positions are counted on from entry to entry: a batch may have many errors.
        let text = TextMessage::new(exchange.document.clone());
        for entry in entries {
            // Methods that complete at once would otherwise block the event loop until all have
            // run.
            tokio::task::consume_budget().await;
            answers.remaining -= 1;
            let request = match entry.request() {
                Ok(request) => request,
                // See `answer_document`.
                Err(_) if streams.is_some() && entry.is_answer() => continue,
                Err(Refusal { id, fault }) => {
                    exchange.log("", std::time::Instant::now(), Some(&fault));
                    answers.push(id, Err(fault));
                    continue;
                }
            };
            let result = match answers.full {
                Some(why) => Err(Fault::of(FaultKind::Overloaded, why)),
                None => {
                    let begun = self.begin(exchange, &request, Some(&text), streams);
                    let result = match begun.result {
                        Ok(result) => result,
                        Err(waiting) => waiting.completed().await,
                    };
                    self.end(exchange, &request, streams, begun.started, result)
                }
            };
            if let Some(id) = request.id {
                answers.push(id, result);
            }
        }
        answers.finish()
    }
}

/// The answers of a batch, as they are written.
struct Answers<'a> {
    out: Vec<u8>,
    hold: Hold,
    /// Number of calls that are still to come.
    remaining: usize,
    /// The reason why there is no room for further results.
    full: Option<&'static str>,
    exchange: &'a Exchange<'a>,
}

impl Answers<'_> {
    fn push(&mut self, id: &str, result: Result<Payload, Fault>) {
        self.out.push(if self.out.is_empty() { b'[' } else { b',' });
        let written = result.and_then(|result| {
            let result = result.as_slice();
            self.reserve(result.len() + id.len() + AROUND_RESULT)?;
            write_result(result, id, &mut self.out);
            Ok(())
        });
        if let Err(fault) = written {
            self.push_fault(&fault, id);
        }
    }

    /// Checks whether a result of `length` bytes fits.
    fn reserve(&mut self, length: usize) -> Result<(), Fault> {
        let length = self.out.len() + length;
        if length > self.room() {
            self.full = Some("earlier results use up the limit of the reply");
            let limit = self.exchange.max_reply;
            let text =
                format!("the call ran, but the reply would be over the limit of {limit} bytes");
            return Err(Fault::of(FaultKind::Internal, text));
        }
        let held = self.exchange.resize(&mut self.hold, length);
        held.map_err(|no_room| {
            self.full = Some("there is no room for further results");
            no_room.of_reply()
        })
    }

    /// Appends a fault. A long text is replaced if there is no room for it.
    fn push_fault(&mut self, fault: &Fault, id: &str) {
        let start = self.out.len();
        let room = self.room().saturating_sub(start);
        write_error(fault, text_within(fault, room), id, &mut self.out);
        let length = self.out.len();
        let is_long = length - start > SHORT_ERROR;
        // Escapes are not counted before.
        if is_long
            && (length > self.room() || self.exchange.resize(&mut self.hold, length).is_err())
        {
            self.out.truncate(start);
            let text = "there is no room for the text of the fault";
            write_error(fault, text, id, &mut self.out);
        }
    }

    /// Maximum length of the answers so far, which leaves room for a short error for each one to
    /// come.
    fn room(&self) -> usize {
        let others = SHORT_ERROR * self.remaining;
        self.exchange.max_reply.saturating_sub(others)
    }

    /// Returns the array of the answers, unless all calls were notifications.
    fn finish(mut self) -> Option<Bytes> {
        if self.out.is_empty() {
            return None;
        }
        self.out.push(b']');
        Some(self.out.into())
    }
}
