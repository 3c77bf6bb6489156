//! The body of an SCGI request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, ReadBuf};

/// Maximum bytes of one read.
const READ: usize = 16 << 10;

/// The bytes that follow a head, as many as it declares.
pub(super) struct ScgiBody<'a, R> {
    /// Bytes that were read with the head.
    start: Bytes,
    rest: &'a mut R,
    /// Bytes to come, those of the start included.
    left: u64,
}

impl<'a, R> ScgiBody<'a, R> {
    pub(super) const fn new(start: Bytes, rest: &'a mut R, length: u64) -> Self {
        Self {
            start,
            rest,
            left: length,
        }
    }
}

impl<R: AsyncRead + Unpin> Body for ScgiBody<'_, R> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let limit = |most: usize| usize::try_from(this.left).map_or(most, |left| left.min(most));
        let bytes = if this.start.is_empty() {
            let mut bytes = vec![0; limit(READ)];
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *this.rest).poll_read(cx, &mut buffer))?;
            let length = buffer.filled().len();
            bytes.truncate(length);
            Bytes::from(bytes)
        } else {
            let length = limit(this.start.len());
            this.start.split_to(length)
        };
        if bytes.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        this.left -= bytes.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
