//! The tasks that send the items of streams.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use farcall_core::Fault;
use farcall_core::protocol::Payload;

use super::item_source::ItemSource;
use super::streams::SendReadiness;
use crate::rpc::encoding::Encoding;

/// Maximum items sent per poll, before other tasks run.
const ITEMS_PER_POLL: usize = 32;

/// The session that a stream is sent over.
pub(super) trait StreamOutlet: Send + Sync {
    fn encoding(&self) -> Encoding;

    /// Checks whether an item can be sent now. Otherwise the task is woken when it can.
    fn poll_ready(&self, stream: u64, cx: &Context<'_>) -> SendReadiness;

    /// Sends an item, unless the stream was closed.
    fn send_item(&self, stream: u64, item: Payload) -> Result<(), Fault>;

    /// Logs the fault that ends a stream.
    fn log_failure(&self, fault: &Fault);

    /// Ends the stream, unless it was closed.
    fn end_stream(&self, stream: u64, fault: Option<Fault>);
}

/// The task that sends the items of one stream, as far as its credit allows.
pub(super) struct ProducerTask<S: StreamOutlet> {
    session: Arc<S>,
    id: u64,
    source: Box<dyn ItemSource>,
}

impl<S: StreamOutlet> ProducerTask<S> {
    pub(super) const fn new(session: Arc<S>, id: u64, source: Box<dyn ItemSource>) -> Self {
        Self {
            session,
            id,
            source,
        }
    }
}

impl<S: StreamOutlet> Future for ProducerTask<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ITEMS_PER_POLL {
            match self.session.poll_ready(self.id, cx) {
                SendReadiness::Ready => {}
                SendReadiness::Blocked => return Poll::Pending,
                SendReadiness::Closed => return Poll::Ready(()),
            }
            let encoding = self.session.encoding();
            let fault = match self.source.poll_next(cx, encoding) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.session.end_stream(self.id, None);
                    return Poll::Ready(());
                }
                Poll::Ready(Some(item)) => {
                    match item.and_then(|item| self.session.send_item(self.id, item)) {
                        Ok(()) => continue,
                        Err(fault) => fault,
                    }
                }
            };
            self.session.log_failure(&fault);
            self.session.end_stream(self.id, Some(fault));
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Ends the stream with a fault if its source panics.
impl<S: StreamOutlet> Drop for ProducerTask<S> {
    fn drop(&mut self) {
        let fault = Fault::internal("the stream was aborted");
        self.session.end_stream(self.id, Some(fault));
    }
}
