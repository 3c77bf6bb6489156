//! Reading of request bodies.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use farcall_core::Budget;
use farcall_core::protocol::time::within;
use farcall_core::protocol::{Hold, NoRoom};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::sleep;

use super::account::PeerAccount;
use crate::coding::{Coding, MAX_PREALLOCATED, Undecodable};

/// Errors of reading the body of a request.
pub(super) enum BodyError {
    /// The body is over the limit, on the wire or inflated.
    TooLarge,
    /// The budget has no room for the body.
    NoRoom,
    /// The body did not arrive in time.
    TooSlow,
    /// The connection failed, the chunks are malformed, or there are trailers. hyper takes any
    /// bytes after the last chunk and a bare LF for trailers, even the next request.
    Broken,
    /// The body does not match its content coding.
    Damaged(io::Error),
}

impl From<NoRoom> for BodyError {
    fn from(_: NoRoom) -> Self {
        Self::NoRoom
    }
}

/// Reads and decodes a whole body, and resizes `hold` to its bytes.
pub(super) async fn read<B: Body>(
    body: B,
    coding: Coding,
    limit: usize,
    timeout: Duration,
    account: &PeerAccount<'_>,
    hold: &mut Hold,
) -> Result<Bytes, BodyError> {
    // A small body usually arrives with its head, and then no timer is started.
    let collected = within(collect(body, limit, account, hold), || Some(sleep(timeout)));
    let mut body = collected.await.ok_or(BodyError::TooSlow)??;
    coding
        .decode(&mut body, limit)
        .map_err(|error| match error {
            Undecodable::TooLarge => BodyError::TooLarge,
            Undecodable::Damaged(error) => BodyError::Damaged(error),
        })?;
    // A thread inflates one body at a time, so reserving afterwards is soon enough.
    account.resize(hold, body.len())?;
    Ok(body)
}

/// Reads a body of up to `limit` bytes. A larger body is not read at all if its length is declared,
/// and up to the limit otherwise.
async fn collect<B: Body>(
    body: B,
    limit: usize,
    account: &PeerAccount<'_>,
    hold: &mut Hold,
) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().lower();
    if declared > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = pin!(body);
    // A small body arrives in one piece, which is not copied. Several pieces are copied together,
    // because tiny ones would take many times the memory of their bytes.
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while !body.is_end_stream()
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let mut data = frame.into_data().map_err(|_trailers| BodyError::Broken)?;
        let data = data.copy_to_bytes(data.remaining());
        let length = first.len() + all.len();
        if data.len() > limit - length {
            return Err(BodyError::TooLarge);
        }
        // Reserved in steps of 64 KiB, because a body can arrive one byte at a time.
        let needed = length + data.len();
        let capacity = if needed <= all.capacity() {
            all.capacity()
        } else {
            capacity(needed, all.capacity(), declared, limit)
        };
        let room = match length {
            0 => needed,
            _ => capacity,
        };
        account.resize(hold, room.next_multiple_of(Budget::FREE))?;
        if length == 0 {
            first = data;
        } else {
            all.reserve_exact(capacity - all.len());
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    // The length of the body is known now. The budget counts the bytes, not the capacity.
    all.shrink_to_fit();
    Ok(if all.is_empty() { first } else { all.into() })
}

/// Returns the capacity of the buffer of a body of which `needed` bytes have arrived:
/// [`MAX_PREALLOCATED`] at first if a length is declared, then twice the current capacity, but
/// never more than the maximum length of the body.
fn capacity(needed: usize, current: usize, declared: u64, limit: usize) -> usize {
    // The casts lose nothing: the declared length is within the limit.
    let (first, most) = match declared {
        0 => (0, limit),
        _ => (MAX_PREALLOCATED as usize, declared as usize),
    };
    needed.max(2 * current).max(first).min(most.max(needed))
}
