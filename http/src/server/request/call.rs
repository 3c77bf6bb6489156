//! The calls that a request makes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::{Origin, time};
use farcall_core::{Cancellation, Context};

use crate::server::account::PeerAccount;
use crate::server::{Exchange, HttpServer, Protocol};

impl HttpServer {
    /// Makes the calls that a document holds, and returns the document that answers it, if there is
    /// an answer.
    pub(super) async fn run_calls(
        &self,
        protocol: &dyn Protocol,
        origin: &Arc<Origin>,
        document: Bytes,
        account: &PeerAccount<'_>,
    ) -> Option<Bytes> {
        let cancellation = Cancellation::default();
        // If the client disconnects, this future is dropped, and the guard cancels work of the call
        // on other tasks.
        let _guard = cancellation.cancel_on_drop();
        let deadline = self.options.call_timeout.map(time::deadline);
        let context = Context::default()
            .with_origin(Arc::clone(origin))
            .with_cancellation(cancellation)
            .with_deadline(deadline.map(Into::into));
        let exchange = Exchange::new(document, context, self.options.max_reply, account);
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
}
