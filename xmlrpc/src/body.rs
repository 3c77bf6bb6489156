//! Reading the body of a message.

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::BodyExt;

/// Why a body has no end.
#[derive(Debug)]
pub(crate) enum Broken<E> {
    /// It is over the limit.
    TooLarge,
    /// The connection broke, or the chunks are malformed.
    Disconnected(E),
}

/// What hyper failed to read a body with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable<E> {
    /// The connection broke, or the chunks are malformed.
    #[error(transparent)]
    Http(E),
    /// The body is whole, but has trailers: for those hyper takes whatever stands behind the last chunk and a bare LF,
    /// be it the next request.
    #[error("there are trailers behind the body")]
    Trailers,
}

/// Reads a body of up to `limit` bytes; of a larger one nothing if its length was declared, and
/// else the beginning.
pub(crate) async fn collect<B: Body>(
    body: B,
    limit: usize,
) -> (Bytes, Option<Broken<Unreadable<B::Error>>>) {
    /// Memory is taken as bytes come, not as they are announced.
    const AHEAD: u64 = 1 << 20;

    let declared = body.size_hint().lower();
    if declared > limit as u64 {
        return (Bytes::new(), Some(Broken::TooLarge));
    }
    let mut body = std::pin::pin!(body);
    // Small bodies come in one piece, which needs no copy. Pieces are not kept: tiny ones would
    // take many times the memory of their bytes.
    let mut first = Bytes::new();
    let mut all = Vec::new();
    let broken = loop {
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
        if length == 0 {
            first = data;
        } else {
            if all.is_empty() {
                // The cast loses nothing: the number is small.
                all.reserve(declared.min(AHEAD) as usize);
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    };
    let bytes = if all.is_empty() { first } else { all.into() };
    (bytes, broken)
}
