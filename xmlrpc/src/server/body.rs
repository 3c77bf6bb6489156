//! Reading the body of a request, whatever it turns out to be.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Why there is no body to work with.
pub(super) enum Failure {
    /// It is over the limit, on the wire or inflated.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The connection broke, or the chunks were malformed.
    Broken,
    /// It is not gzip, or damaged.
    BadGzip(std::io::Error),
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

/// Reads and drops the rest of a body that nobody wants, if it is short: a client that is still
/// sending would otherwise see its connection reset instead of the answer. Tells whether all of
/// it was read, so that the connection can serve another request.
pub(super) async fn discard<B>(body: B, timeout: Duration) -> bool
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    const WORTHWHILE: usize = 256 << 10;
    if body.is_end_stream() {
        return true;
    }
    if body.size_hint().lower() > WORTHWHILE as u64 {
        return false;
    }
    let mut body = std::pin::pin!(Limited::new(body, WORTHWHILE));
    let drain = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(timeout, drain).await.unwrap_or(false)
}

/// Inflates a gzip body, to no more than `limit` bytes.
pub(super) fn inflate(body: &[u8], limit: usize) -> Result<Bytes, Failure> {
    let mut out = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    // One byte over the limit tells a body that is too large from one that just fits.
    let mut reader = MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader.read_to_end(&mut out).map_err(Failure::BadGzip)?;
    if out.len() > limit {
        Err(Failure::TooLarge)
    } else {
        Ok(out.into())
    }
}
