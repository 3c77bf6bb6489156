//! The call that a request makes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::output::Foreign;
use farcall_core::protocol::{Call, Name, Origin, Payload, time};
use farcall_core::{Cancellation, Context, Fault, FaultKind, FormatError, Registry};
use tokio::time::sleep_until;

use crate::XmlRpc;
use crate::document::call_head;
use crate::server::account::PeerAccount;
use crate::server::{Exchange, Protocol, Server, log};

impl Server {
    /// Makes the call that a document holds, and returns the reply document. `document` is UTF-8,
    /// or the error of decoding it.
    pub(super) async fn run_call(
        &self,
        registry: &Registry<XmlRpc>,
        origin: &Arc<Origin>,
        document: Result<Bytes, FormatError>,
    ) -> Bytes {
        let started = Instant::now();
        let cancellation = Cancellation::default();
        // If the client disconnects, this future is dropped, and the guard cancels work of the call
        // on other tasks.
        let _guard = cancellation.cancel_on_drop();
        let (method, params) = match document
            .and_then(|document| read_call(document, self.options.format))
        {
            Ok(call) => call,
            Err(error) => {
                let shown = Foreign::excerpt(&error);
                tracing::debug!(peer = %origin.identity, error = %shown, "a request is not a call");
                return self.write_fault(&error.into(), "");
            }
        };
        let deadline = self.options.call_timeout.map(time::deadline);
        let context = Context::new(method.clone())
            .with_origin(Arc::clone(origin))
            .with_cancellation(cancellation)
            .with_deadline(deadline.map(Into::into));
        let call = Call {
            params,
            format: self.options.format,
            context,
        };
        let answer = self.with_permit(registry.dispatch(call));
        let result = match deadline {
            None => answer.await,
            Some(deadline) => time::within(answer, || Some(sleep_until(deadline)))
                .await
                .unwrap_or_else(|| {
                    Err(Fault::of(FaultKind::DeadlineExceeded, "the call timed out"))
                }),
        };
        let result = result
            .and_then(|reply| {
                let document = self.options.format.reply_document(reply);
                document.map_err(Fault::internal)
            })
            .and_then(|document| self.check_reply(document));
        log::outcome(&origin.identity, &method, started, result.as_ref().err());
        result.unwrap_or_else(|fault| self.write_fault(&fault, &method))
    }

    /// Makes the calls that a document of another protocol holds, and returns the document that
    /// answers it, if there is an answer.
    pub(super) async fn run_beside(
        &self,
        protocol: &dyn Protocol,
        origin: &Arc<Origin>,
        document: Bytes,
        account: &PeerAccount<'_>,
    ) -> Option<Bytes> {
        let cancellation = Cancellation::default();
        let _guard = cancellation.cancel_on_drop();
        let deadline = self.options.call_timeout.map(time::deadline);
        let context = Context::default()
            .with_origin(Arc::clone(origin))
            .with_cancellation(cancellation)
            .with_deadline(deadline.map(Into::into));
        let exchange = Exchange {
            document,
            context,
            max_reply: self.options.max_reply,
            account,
        };
        self.with_permit(protocol.answer(exchange)).await
    }

    /// Runs a call, and takes a permit for it if it does not complete at once. Until its first wait
    /// a call has its thread to itself. Most calls never wait, and so avoid the counter that all
    /// threads share.
    fn with_permit<A: Future + Unpin>(&self, mut answer: A) -> impl Future<Output = A::Output> {
        let mut running = None;
        poll_fn(move |cx| {
            let polled = Pin::new(&mut answer).poll(cx);
            if polled.is_pending() {
                running.get_or_insert_with(|| self.calls.begin());
            }
            polled
        })
    }

    /// Checks the reply against the limit. The encoder enforces it; raw methods may not.
    fn check_reply(&self, document: Bytes) -> Result<Bytes, Fault> {
        let limit = self.options.max_reply;
        if document.len() <= limit {
            return Ok(document);
        }
        let text = format!("the call ran, but the reply is over the limit of {limit} bytes");
        Err(Fault::of(FaultKind::Internal, text))
    }
}

/// Returns the method that a document calls, and its parameters.
fn read_call(document: Bytes, format: XmlRpc) -> Result<(Name, Payload), FormatError> {
    let (method, params_start) = call_head(&document, format)?;
    let end = document.len();
    Ok((method, Payload::part(document, params_start..end)))
}
