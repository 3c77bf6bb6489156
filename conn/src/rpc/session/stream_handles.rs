//! Streams as attachments of payloads: those to be sent, and those that are received.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use farcall_core::Fault;
use farcall_core::protocol::{Attachment, Payload};

use super::item_source::ItemSource;
use super::object::SessionLink;
use super::streams::StreamKey;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::StreamError;

/// The attachment of a stream that the local side will send.
pub(in crate::rpc) struct OutgoingStream(Mutex<Option<Box<dyn ItemSource>>>);

impl OutgoingStream {
    pub(in crate::rpc) fn new(source: Box<dyn ItemSource>) -> Self {
        Self(Mutex::new(Some(source)))
    }

    /// Takes the source. Returns `None` if it was taken before.
    pub(in crate::rpc) fn take(&self) -> Option<Box<dyn ItemSource>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The attachment of a stream that the peer sends.
pub(in crate::rpc) struct IncomingStream {
    session: Arc<dyn SessionLink>,
    key: StreamKey,
    /// `true` once a reader has it: a stream can be received only once.
    taken: AtomicBool,
}

impl IncomingStream {
    pub(super) fn new(session: Arc<dyn SessionLink>, key: StreamKey) -> Self {
        Self {
            session,
            key,
            taken: AtomicBool::new(false),
        }
    }

    /// Returns `true` for the first caller.
    pub(in crate::rpc) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Relaxed)
    }

    /// Returns a source that forwards the encoded items.
    pub(in crate::rpc) fn relay(self: Arc<Self>) -> Box<dyn ItemSource> {
        Box::new(RelaySource(self))
    }

    /// Returns the encoding of the items.
    pub(in crate::rpc) fn encoding(&self) -> Encoding {
        self.session.encoding()
    }

    /// Returns the next item; `None` at the end.
    pub(in crate::rpc) fn poll_next(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        self.session.poll_item(self.key, cx)
    }
}

impl Drop for IncomingStream {
    fn drop(&mut self) {
        self.session.stop_stream(self.key);
    }
}

/// Forwards the items of one session to another.
struct RelaySource(Arc<IncomingStream>);

impl ItemSource for RelaySource {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>> {
        if encoding != self.0.encoding() {
            let fault = Fault::internal("the two connections use different encodings");
            return Poll::Ready(Some(Err(fault)));
        }
        self.0
            .poll_next(cx)
            .map(|item| item.map(|item| item.map_err(Fault::from)))
    }
}

/// Returns `true` if the attachment is a stream.
pub(super) fn is_stream(attachment: &Attachment) -> bool {
    attachment.is::<OutgoingStream>() || attachment.is::<IncomingStream>()
}

/// Takes the source of a stream. Returns `None` if the attachment is not a stream, and `Some(None)`
/// if its source was taken before.
pub(super) fn source(attachment: &Attachment) -> Option<Option<Box<dyn ItemSource>>> {
    if let Some(stream) = attachment.downcast_ref::<OutgoingStream>() {
        return Some(stream.take());
    }
    let incoming = Arc::clone(attachment).downcast::<IncomingStream>().ok()?;
    Some(incoming.take().then(|| incoming.relay()))
}
