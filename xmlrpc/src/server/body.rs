//! The body of a request, whatever it turns out to be.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;

use crate::body::{Broken, collect};
use crate::coding::{Coding, Undecodable};

/// Why there is no body to work with.
pub(super) enum Failure {
    /// It is over the limit, on the wire or inflated.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The connection broke, or the chunks were malformed, or there was more than chunks.
    Broken,
    /// It is not what its content coding says.
    Damaged(io::Error),
}

/// Reads and decodes a whole body.
pub(super) async fn read<B: Body>(
    body: B,
    coding: Coding,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, Failure> {
    let mut collecting = pin!(collect(body, limit));
    // A small body has come with its head, as a rule: no timer is started then.
    let collected = match poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await {
        Poll::Ready(collected) => collected,
        Poll::Pending => tokio::time::timeout(timeout, collecting)
            .await
            .map_err(|_| Failure::TooSlow)?,
    };
    let body = match collected {
        (body, None) => body,
        (_, Some(Broken::TooLarge)) => return Err(Failure::TooLarge),
        (_, Some(Broken::Disconnected(_))) => return Err(Failure::Broken),
    };
    coding.decode(body, limit).map_err(|error| match error {
        Undecodable::TooLarge => Failure::TooLarge,
        Undecodable::Damaged(error) => Failure::Damaged(error),
    })
}
