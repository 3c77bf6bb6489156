//! Writing of replies: small ones in one piece, and with a timeout by throughput for peers that
//! read them slowly.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use farcall_core::protocol::time::Countdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::phase::Phases;

/// Minimum bytes that a peer must read in each timeout period, or the rest of the reply. With the
/// default timeout this is about 1 KiB/s.
const MIN_PROGRESS: usize = 64 << 10;

/// Maximum timeout periods in which a peer must read a whole reply that is larger than
/// `MAX_PERIODS * MIN_PROGRESS`. It is limited because the whole reply stays in memory until its
/// last byte is read.
const MAX_PERIODS: usize = 5;

/// Messages up to this size are copied into one buffer. A vectored write costs more than the copy.
const MAX_COALESCED: usize = 1024;

/// A byte stream that writes the head and the body of a small message as one piece, and whose peer
/// must read each part of a reply within a timeout. A single byte now and then is not enough: the
/// reply would stay in memory for as long as the peer likes.
pub(super) struct ReplyStream<T> {
    io: T,
    timeout: Duration,
    /// Maximum bytes offered to one write since the last flush, which is the size of the reply.
    reply_size: usize,
    /// Runs while the peer does not take what is written.
    countdown: Countdown,
    /// Bytes that the peer took since the countdown started.
    taken: usize,
    /// `true` once everything was read that can be.
    is_read_to_end: bool,
    phases: Phases,
}

impl<T> ReplyStream<T> {
    pub(super) const fn new(io: T, timeout: Duration, phases: Phases) -> Self {
        Self {
            phases,
            io,
            timeout,
            reply_size: 0,
            countdown: Countdown::new(),
            taken: 0,
            is_read_to_end: false,
        }
    }

    /// Returns `true` if the peer has ended its side of the stream, or reading fails, so that
    /// nothing is left that could be read.
    pub(super) const fn is_read_to_end(&self) -> bool {
        self.is_read_to_end
    }

    fn poll_timeout<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        if !self.countdown.is_running() {
            self.taken = 0;
        }
        ready!(self.countdown.poll(self.timeout, cx));
        let message = "the peer reads the reply too slowly";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }

    /// Records the result of a write of `offered` bytes.
    fn record_write(
        &mut self,
        cx: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.reply_size = self.reply_size.max(offered);
        match &written {
            Poll::Pending => return self.poll_timeout(cx),
            Poll::Ready(Ok(length)) => {
                self.taken += length;
                if self.taken >= MIN_PROGRESS.max(self.reply_size / MAX_PERIODS) {
                    self.countdown.stop();
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReplyStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.record_write(cx, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Not filled with zeros first.
        let mut room = [MaybeUninit::uninit(); MAX_COALESCED];
        let mut message = ReadBuf::uninit(&mut room);
        for piece in pieces {
            if piece.len() > message.remaining() {
                let written = Pin::new(&mut self.io).poll_write_vectored(cx, pieces);
                let offered = pieces.iter().map(|piece| piece.len()).sum();
                return self.record_write(cx, offered, written);
            }
            message.put_slice(piece);
        }
        self.poll_write(cx, message.filled())
    }

    /// Returns `true` for every stream. Otherwise hyper would copy each reply into its own buffer,
    /// outside of the budget. A stream without vectored writes takes the first piece.
    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Flushes. Afterwards the peer, or the system on its behalf, has the whole reply.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Poll::Ready(flushed) = Pin::new(&mut self.io).poll_flush(cx) else {
            return self.poll_timeout(cx);
        };
        self.countdown.stop();
        self.taken = 0;
        self.reply_size = 0;
        self.phases.flushed();
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_shutdown(cx) {
            Poll::Pending => self.poll_timeout(cx),
            shut => shut,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReplyStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.is_read_to_end |= match &read {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => room > 0 && buffer.remaining() == room,
            // As the end of TLS without its announcement.
            Poll::Ready(Err(_)) => true,
        };
        read
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::{Instant, sleep};

    use super::*;

    fn within<T>(io: T) -> ReplyStream<T> {
        ReplyStream::new(io, Duration::from_secs(60), Phases::new(Instant::now()))
    }

    /// Writes two replies of `size` bytes to a peer that reads `step` bytes a second. Returns the
    /// result, and the seconds that it took.
    async fn write_replies(size: usize, step: usize) -> (io::Result<()>, u64) {
        let (local, mut peer) = tokio::io::duplex(1024);
        let mut local = within(local);
        let begin = Instant::now();
        let reading = tokio::spawn(async move {
            let mut part = vec![0; step];
            while peer.read_exact(&mut part).await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let write = async {
            for _ in 0..2 {
                local.write_all(&vec![b'x'; size]).await?;
                local.flush().await?;
            }
            io::Result::Ok(())
        };
        let result = write.await;
        reading.abort();
        (result, begin.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_above_the_minimum_rate_gets_the_whole_reply() {
        let (result, seconds) = write_replies(300 << 10, 1200).await;
        result.unwrap();
        assert!(seconds > 500, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_below_the_minimum_rate_times_out() {
        for step in [1, 1000] {
            let (result, seconds) = write_replies(300 << 10, step).await;
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(seconds, 60);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_reply_must_be_read_faster_than_a_small_one() {
        // 16 MiB in five minutes are 56 KiB a second.
        let (result, seconds) = write_replies(16 << 20, 50 << 10).await;
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(seconds, 60);
        let (result, seconds) = write_replies(16 << 20, 60 << 10).await;
        result.unwrap();
        assert!((500..=600).contains(&seconds), "{seconds} for two");
        // A small reply afterwards has the minimum rate again.
        let (result, _) = write_replies(100 << 10, 1200).await;
        result.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_not_timed() {
        let (local, mut peer) = tokio::io::duplex(8);
        let mut local = within(local);
        for _ in 0..3 {
            let mut reply = [0; 20];
            let both = tokio::join!(local.write_all(&[0; 20]), peer.read_exact(&mut reply));
            both.0.unwrap();
            local.flush().await.unwrap();
            sleep(Duration::from_secs(1000)).await;
        }
    }

    #[tokio::test]
    async fn the_end_of_the_peer_is_noted_when_it_is_read() -> io::Result<()> {
        let (local, mut peer) = tokio::io::duplex(64);
        let mut local = within(local);
        peer.write_all(b"last").await?;
        drop(peer);
        let mut bytes = [0; 8];
        assert_eq!(local.read(&mut bytes).await?, 4);
        assert_eq!(local.read(&mut []).await?, 0);
        assert!(!local.is_read_to_end());
        assert_eq!(local.read(&mut bytes).await?, 0);
        assert!(local.is_read_to_end());
        Ok(())
    }

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
        let mut writer = within(Single(local));
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
            let mut writer = within(local);
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
