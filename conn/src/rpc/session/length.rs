//! The length of messages, which the peer limits.

use farcall_core::protocol::Attachment;
use farcall_core::{Fault, FaultKind};

use crate::rpc::error::TooLong;

/// Checks that a message with a payload of this length is within the limit of the peer.
pub(super) fn check_length(
    limit: u64,
    length: usize,
    attachments: &[Attachment],
) -> Result<(), TooLong> {
    // The fields before the payload: integers of up to 10 bytes, references of up to 17.
    let length = length + 64 + 17 * attachments.len();
    if length as u64 <= limit {
        return Ok(());
    }
    Err(TooLong { length, limit })
}

/// Like [`check_length`], for a result, with a fault for its caller.
pub(super) fn check_result_length(
    limit: u64,
    length: usize,
    attachments: &[Attachment],
) -> Result<(), Fault> {
    check_length(limit, length, attachments).map_err(|error| {
        // The limit is the caller's own, so it may be disclosed to it.
        Fault::of(
            FaultKind::Internal,
            format!("the result cannot be sent: {error}"),
        )
    })
}
