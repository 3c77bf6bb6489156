//! The body of a request, whatever it turns out to be.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::BodyExt;
use rpc_core::Budget;
use rpc_core::budget::Hold;

use super::account::PeerAccount;
use crate::body::{AHEAD, Broken};
use crate::coding::{Coding, Undecodable};

/// Why there is no body to work with.
pub(super) enum Failure {
    /// It is over the limit, on the wire or inflated.
    TooLarge,
    /// There is no room for it beside others.
    NoRoom,
    /// It did not come in time.
    TooSlow,
    /// The connection broke, or the chunks were malformed, or there was more than chunks.
    Broken,
    /// It is not what its content coding says.
    Damaged(io::Error),
}

/// Reads and decodes a whole body, and has `hold` hold it.
pub(super) async fn read<B: Body>(
    body: B,
    coding: Coding,
    limit: usize,
    timeout: Duration,
    account: &PeerAccount<'_>,
    hold: &mut Hold,
) -> Result<Bytes, Failure> {
    let collected = {
        let mut collecting = pin!(collect(body, limit, account, hold));
        // A small body has come with its head, as a rule: no timer is started then.
        match poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await {
            Poll::Ready(collected) => collected,
            Poll::Pending => tokio::time::timeout(timeout, collecting)
                .await
                .map_err(|_| Failure::TooSlow)?,
        }
    };
    let mut body = match collected {
        (body, None) => body,
        (_, Some(Broken::TooLarge)) => return Err(Failure::TooLarge),
        (_, Some(Broken::Disconnected(Unreadable::NoRoom))) => return Err(Failure::NoRoom),
        (_, Some(Broken::Disconnected(_))) => return Err(Failure::Broken),
    };
    coding
        .decode(&mut body, limit)
        .map_err(|error| match error {
            Undecodable::TooLarge => Failure::TooLarge,
            Undecodable::Damaged(error) => Failure::Damaged(error),
        })?;
    // Bodies are inflated one after the other by each thread, so this is soon enough.
    match account.resize(hold, body.len()) {
        Ok(()) => Ok(body),
        Err(_) => Err(Failure::NoRoom),
    }
}

/// What hyper failed to read a body with.
#[derive(Debug, thiserror::Error)]
enum Unreadable<E> {
    /// The connection broke, or the chunks are malformed.
    #[error(transparent)]
    Http(E),
    /// The body is whole, but has trailers: for those hyper takes whatever stands behind the last chunk and a bare LF,
    /// be it the next request.
    #[error("there are trailers behind the body")]
    Trailers,
    /// There are too many large ones.
    #[error("there is no room for the body")]
    NoRoom,
}

/// Reads a body of up to `limit` bytes; of a larger one nothing if its length was declared, and
/// else the beginning.
async fn collect<B: Body>(
    body: B,
    limit: usize,
    account: &PeerAccount<'_>,
    hold: &mut Hold,
) -> (Bytes, Option<Broken<Unreadable<B::Error>>>) {
    let declared = body.size_hint().lower();
    if declared > limit as u64 {
        return (Bytes::new(), Some(Broken::TooLarge));
    }
    let mut body = pin!(body);
    // Small bodies come in one piece, which needs no copy. Pieces are not kept: tiny ones would
    // take many times the memory of their bytes.
    let mut first = Bytes::new();
    let mut all = Vec::new();
    let broken = loop {
        if body.is_end_stream() {
            break None;
        }
        let data = match body.frame().await {
            None => break None,
            Some(Err(error)) => break Some(Broken::Disconnected(Unreadable::Http(error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(mut data) => {
                    let length = data.remaining();
                    data.copy_to_bytes(length)
                }
                Err(_trailers) => break Some(Broken::Disconnected(Unreadable::Trailers)),
            },
        };
        let length = first.len() + all.len();
        if data.len() > limit - length {
            break Some(Broken::TooLarge);
        }
        // In large steps: a body can come a byte at a time.
        let needed = length + data.len();
        let capacity = match needed <= all.capacity() {
            true => all.capacity(),
            false => capacity(needed, all.capacity(), declared, limit),
        };
        let room = match length {
            0 => needed,
            _ => capacity,
        };
        if account
            .resize(hold, room.next_multiple_of(Budget::FREE))
            .is_err()
        {
            break Some(Broken::Disconnected(Unreadable::NoRoom));
        }
        if length == 0 {
            first = data;
        } else {
            all.reserve_exact(capacity - all.len());
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    };
    // What is kept of a body of unknown length is as long as it turned out to be.
    all.shrink_to_fit();
    let bytes = if all.is_empty() { first } else { all.into() };
    (bytes, broken)
}

/// Returns the capacity of the buffer of a body of which `needed` bytes have come: [`AHEAD`] at first and twice as much
/// whenever that is full, but never more than the body can have.
fn capacity(needed: usize, current: usize, declared: u64, limit: usize) -> usize {
    // The casts lose nothing: what was declared is within the limit.
    let (first, most) = match declared {
        0 => (0, limit),
        _ => (AHEAD as usize, declared as usize),
    };
    needed.max(2 * current).max(first).min(most.max(needed))
}
