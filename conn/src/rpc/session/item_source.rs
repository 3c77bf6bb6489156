//! Sources of the items of streams.

use std::task::{Context, Poll};

use farcall_core::Fault;
use farcall_core::protocol::Payload;

use crate::rpc::encoding::Encoding;

/// A source of encoded items.
pub(in crate::rpc) trait ItemSource: Send {
    /// Returns the next item; `None` at the end.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        encoding: Encoding,
    ) -> Poll<Option<Result<Payload, Fault>>>;
}
