//! Streams: their sources and their readers.

use std::sync::Arc;
use std::task::{Context, Poll};

use farcall_core::Fault;
use farcall_core::protocol::{Attachment, Payload};

use super::ledger::{StreamRecord, number_at, number_of, numbered};
use super::run::Run;
use crate::rpc::encoding::Encoding;
use crate::rpc::session::item_source::ItemSource;
use crate::rpc::session::stream_handles::{IncomingStream, OutgoingStream};

/// A source of numbered items.
struct Source {
    run: Arc<Run>,
    number: usize,
    left: u64,
    fails: bool,
}

/// Returns a new stream, to be passed to the peer.
pub(super) fn new_stream(run: &Arc<Run>) -> Attachment {
    let (left, fails) = (run.below(25), run.chance(15));
    let streams = &mut run.ledger().streams;
    streams.push(StreamRecord::default());
    let source = Source {
        run: Arc::clone(run),
        number: streams.len() - 1,
        left,
        fails,
    };
    Arc::new(OutgoingStream::new(Box::new(source)))
}

impl ItemSource for Source {
    fn poll_next(
        &mut self,
        _cx: &mut Context<'_>,
        _encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>> {
        if self.run.chance(20) {
            return Poll::Pending;
        }
        let length = match self.run.below(30) {
            0 => 30_000,
            _ => self.run.below(300) as usize,
        };
        let stream = &mut self.run.ledger().streams[self.number];
        if self.left == 0 {
            if self.fails {
                return Poll::Ready(Some(Err(Fault::new(7, "as asked"))));
            }
            stream.is_complete = true;
            return Poll::Ready(None);
        }
        self.left -= 1;
        stream.sent += 1;
        let item = numbered(&[self.number as u64, stream.sent - 1], length);
        Poll::Ready(Some(Ok(item)))
    }
}

/// A stream that is read.
pub(super) struct StreamReader {
    stream: Arc<IncomingStream>,
    /// Known from the first item.
    number: Option<usize>,
}

impl StreamReader {
    pub(super) const fn new(stream: Arc<IncomingStream>) -> Self {
        Self {
            stream,
            number: None,
        }
    }

    /// Reads up to `max` items. Returns `false` if the stream has ended.
    pub(super) fn read(&mut self, max: u64, run: &Run, cx: &Context<'_>) -> bool {
        for _ in 0..max {
            match self.stream.poll_next(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some(Ok(item))) => {
                    self.number = Some(number_of(&item));
                    run.ledger().receive(number_of(&item), number_at(&item, 1));
                }
                Poll::Ready(end) => {
                    let error = end.and_then(Result::err);
                    run.event(|| format!("stream {:?} ended: {error:?}", self.number));
                    run.ledger().end_stream(self.number, error.as_ref());
                    return false;
                }
            }
        }
        true
    }
}
