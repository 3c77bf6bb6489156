//! Coalescing of small writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Messages up to this size are copied into one buffer. A vectored write costs more than the copy.
const MAX_COALESCED: usize = 1024;

/// A byte stream that writes the head and the body of a small message as one piece.
pub(super) struct CoalescingWriter<T>(pub(super) T);

impl<T: AsyncWrite + Unpin> AsyncWrite for CoalescingWriter<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = [0; MAX_COALESCED];
        let mut length = 0;
        for piece in pieces {
            let Some(room) = buffer.get_mut(length..length + piece.len()) else {
                return Pin::new(&mut self.0).poll_write_vectored(cx, pieces);
            };
            room.copy_from_slice(piece);
            length += piece.len();
        }
        Pin::new(&mut self.0).poll_write(cx, &buffer[..length])
    }

    /// Returns `true` for every stream. Otherwise hyper would copy each reply into its own buffer,
    /// outside of the budget. A stream without vectored writes takes the first piece.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for CoalescingWriter<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A stream without vectored writes.
    struct Single<T>(T);

    impl<T: AsyncWrite + Unpin> AsyncWrite for Single<T> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    #[tokio::test]
    async fn a_reply_is_not_copied_for_a_stream_without_vectored_writes() -> io::Result<()> {
        let (local, mut peer) = tokio::io::duplex(1 << 16);
        let mut writer = CoalescingWriter(Single(local));
        assert!(writer.is_write_vectored(), "or hyper copies");
        let (head, body) = ([b'h'; 1000], [b'b'; 5000]);
        let mut pieces = [IoSlice::new(&head), IoSlice::new(&body)];
        let mut left = &mut pieces[..];
        while !left.is_empty() {
            let written = writer.write_vectored(left).await?;
            IoSlice::advance_slices(&mut left, written);
        }
        drop(writer);
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await?;
        assert_eq!(got, [&head[..], &body].concat());
        Ok(())
    }

    #[tokio::test]
    async fn any_number_of_bytes_is_written_in_order() -> io::Result<()> {
        for (head, body) in [
            (0, 0),
            (1, 2),
            (1000, 24),
            (1000, 25),
            (1024, 5000),
            (3000, 1),
        ] {
            let (local, mut peer) = tokio::io::duplex(1 << 16);
            let (head, body) = (vec![b'h'; head], vec![b'b'; body]);
            let mut writer = CoalescingWriter(local);
            let mut pieces = [IoSlice::new(&head), IoSlice::new(&body)];
            let mut left = &mut pieces[..];
            while left.iter().any(|piece| !piece.is_empty()) {
                let written = writer.write_vectored(left).await?;
                IoSlice::advance_slices(&mut left, written);
            }
            drop(writer);
            let mut got = Vec::new();
            peer.read_to_end(&mut got).await?;
            assert_eq!(got, [head.as_slice(), &body].concat());
        }
        Ok(())
    }
}
