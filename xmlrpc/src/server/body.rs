//! Reading the body of a request, whatever it turns out to be.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::coding::Undecodable;

/// Why there is no body to work with.
pub(super) enum Failure {
    /// It is over the limit, on the wire or inflated.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The connection broke, or the chunks were malformed.
    Broken,
    /// It is not what its content coding says.
    Damaged(std::io::Error),
}

impl From<Undecodable> for Failure {
    fn from(error: Undecodable) -> Self {
        match error {
            Undecodable::TooLarge => Self::TooLarge,
            Undecodable::Damaged(error) => Self::Damaged(error),
        }
    }
}

/// Reads a whole body.
pub(super) async fn read<B>(body: B, limit: usize, timeout: Duration) -> Result<Bytes, Failure>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    // What is announced to be too large is refused before any of it is read.
    if body.size_hint().lower() > limit as u64 {
        return Err(Failure::TooLarge);
    }
    let whole = tokio::time::timeout(timeout, Limited::new(body, limit).collect());
    match whole.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::TooLarge),
        Ok(Err(_)) => Err(Failure::Broken),
        Err(_) => Err(Failure::TooSlow),
    }
}
