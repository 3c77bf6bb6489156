//! Answering the calls of a peer.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::{CallLimit, Origin, time};
use farcall_core::{Cancellation, Context, Fault, FaultKind, Identity};
use farcall_http::server::Exchange;
use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Incoming, entries};
use super::{CallStreams, Outgoing, Session};
use crate::envelope::{NO_ID, is_answer, write_error};
use crate::message::{Message, MessageHold, SessionAccount};
use crate::{Service, SessionOptions};

/// The methods that answer the calls of a peer, and their means.
pub(crate) struct Answering {
    /// None: there are no methods.
    service: Option<Service>,
    session: Session,
    origin: Arc<Origin>,
    calls: Option<CallLimit>,
    options: SessionOptions,
}

impl Answering {
    /// Creates the answering side of a session. The origin is the one of all its calls.
    pub(crate) fn new(
        service: Option<Service>,
        session: &Session,
        mut origin: Origin,
        calls: Option<CallLimit>,
        options: SessionOptions,
    ) -> Self {
        origin.session = Some(session.weak());
        Self {
            service,
            session: session.clone(),
            origin: Arc::new(origin),
            calls,
            options,
        }
    }

    pub(super) fn account(&self) -> &Arc<SessionAccount> {
        &self.session.0.account
    }

    pub(super) fn peer(&self) -> &Identity {
        &self.origin.identity
    }

    /// Answers a message, and then sends the items of the subscriptions that it begins. The permit
    /// is held until the answer waits to be written.
    pub(super) async fn answer(self: Arc<Self>, message: Message, permit: OwnedSemaphorePermit) {
        let Message { document, mut hold } = message;
        let streams = CallStreams::new(&self.session);
        let answer = match self.check() {
            Ok(()) => self.run(document, &streams).await,
            Err(fault) => refused(&document, &fault, is_answer),
        };
        if let Some(document) = answer {
            let document = self.held(document, &mut hold);
            let outgoing = Outgoing {
                hold,
                ..Outgoing::new(Some(document))
            };
            if !self.session.answer(outgoing).await {
                return;
            }
        } else {
            drop(hold);
        }
        drop(permit);
        streams.run().await;
    }

    fn check(&self) -> Result<(), Fault> {
        self.calls.as_ref().map_or(Ok(()), CallLimit::check)
    }

    async fn run(&self, document: Bytes, streams: &CallStreams<'_>) -> Option<Bytes> {
        let Some(service) = &self.service else {
            let fault = Fault::of(FaultKind::UnknownMethod, "there are no methods here");
            return refused(&document, &fault, is_answer);
        };
        let cancellation = Cancellation::default();
        // If the peer disconnects, this future is dropped.
        let _guard = cancellation.cancel_on_drop();
        let deadline = self.options.call_timeout.map(time::deadline);
        let context = Context::default()
            .with_origin(Arc::clone(&self.origin))
            .with_cancellation(cancellation)
            .with_deadline(deadline.map(Into::into));
        let account = self.account().peer();
        let exchange = Exchange::new(document, context, self.options.max_reply, account);
        let mut answer = pin!(service.answer_document(exchange, Some(streams)));
        let mut running = None;
        // As over HTTP, calls that complete at once do not count.
        poll_fn(move |cx| {
            let polled = answer.as_mut().poll(cx);
            if polled.is_pending() && running.is_none() {
                running = self.calls.as_ref().map(CallLimit::begin);
            }
            polled
        })
        .await
    }

    /// Counts an answer in the budget, or replaces it by an error.
    fn held(&self, document: Bytes, hold: &mut MessageHold) -> Bytes {
        match hold.resize(self.account(), document.len()) {
            Ok(()) => document,
            Err(no_room) => {
                let nothing_is_left_out = |_: &str| false;
                refused(&document, &no_room.of_reply(), nothing_is_left_out).unwrap_or_default()
            }
        }
    }
}

/// Returns the answer with a fault to all requests of a document, or in place of all its answers,
/// except to the entries that are left out.
fn refused(document: &[u8], fault: &Fault, is_left_out: fn(&str) -> bool) -> Option<Bytes> {
    let text = str::from_utf8(document).unwrap_or_default();
    let mut out = Vec::new();
    let is_batch = text.trim_ascii_start().starts_with('[');
    let all = if is_batch {
        entries(text).unwrap_or_default()
    } else {
        vec![text]
    };
    for entry in all {
        let id = match Incoming::read(entry) {
            // See `Service::answer_document`.
            Some(_) if is_left_out(entry) => continue,
            Some(Incoming { id: Some(id), .. }) => id,
            Some(_) => continue,
            None => NO_ID,
        };
        if is_batch {
            out.push(if out.is_empty() { b'[' } else { b',' });
        }
        write_error(fault, fault.message(), id, &mut out);
    }
    if is_batch && !out.is_empty() {
        out.push(b']');
    }
    (!out.is_empty()).then(|| out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_answers_every_request() {
        let fault = Fault::new(5, "no");
        let error = |id: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","error":{{"code":5,"message":"no","data":{{"kind":"application"}}}},"id":{id}}}"#
            )
        };
        for (document, expected) in [
            (r#"{"method":"a","id":"x"}"#, Some(error("\"x\""))),
            (r#"{"method":"a"}"#, None),
            (
                r#"[{"id":1},{"method":"b"},{"id":2}]"#,
                Some(format!("[{},{}]", error("1"), error("2"))),
            ),
            (r#"{"result":1,"id":1}"#, None),
            (r#"[{"error":{"code":5},"id":1}]"#, None),
            ("[]", None),
            ("{", Some(error("null"))),
        ] {
            let answer = refused(document.as_bytes(), &fault, is_answer);
            let answer = answer.map(|answer| String::from_utf8(answer.to_vec()).unwrap());
            assert_eq!(answer, expected, "{document}");
        }
    }
}
