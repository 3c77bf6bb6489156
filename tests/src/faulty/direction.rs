//! One direction of a connection.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::plan::{Fault, Pace, Schedule};

/// The end of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The sender finished and the receiver was notified. The other direction may continue.
    Finished,
    /// The connection must be closed.
    Close,
    /// The connection must be reset.
    Reset,
}

/// Forwards bytes from one peer to the other, according to the schedule.
pub(super) async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    schedule: &Schedule,
    forwarded: &AtomicU64,
    faults: &AtomicU64,
) -> End {
    let mut pacer = Pacer::new(&schedule.pace);
    let mut fault = schedule.fault;
    let mut position = 0;
    let mut buffer = vec![0; 16 << 10];
    let mut read = 0;
    loop {
        let mut pending = &mut buffer[..read];
        loop {
            if let Some((at, now)) = fault
                && at == position
                && (!pending.is_empty() || !matches!(now, Fault::Flip(_)))
            {
                faults.fetch_add(1, Ordering::Relaxed);
                match now {
                    Fault::Close => return End::Close,
                    Fault::Reset => return End::Reset,
                    Fault::HalfClose => {
                        // An error means that the receiver has already disconnected.
                        let _ = to.shutdown().await;
                        return discard(from).await;
                    }
                    Fault::Stall => {
                        discard(from).await;
                        return End::Close;
                    }
                    Fault::Flip(bit) => {
                        pending[0] ^= 1 << (bit % 8);
                        fault = None;
                    }
                }
            }
            if pending.is_empty() {
                break;
            }
            let until_fault = fault.map_or(u64::MAX, |(at, _)| at - position);
            let piece = pacer.next(pending.len()).await;
            let piece = piece.min(usize::try_from(until_fault).unwrap_or(usize::MAX));
            let (now, later) = pending.split_at_mut(piece);
            position += piece as u64;
            // Counted before it is written, so that a peer that has received it sees it counted.
            forwarded.fetch_add(piece as u64, Ordering::Relaxed);
            if to.write_all(now).await.is_err() {
                // The other direction still forwards its bytes.
                return discard(from).await;
            }
            pending = later;
        }
        match from.read(&mut buffer).await {
            Ok(0) => {
                let _ = to.shutdown().await;
                return End::Finished;
            }
            Ok(n) => read = n,
            Err(_) => return End::Reset,
        }
    }
}

/// Reads and discards bytes until the sender closes.
async fn discard(mut from: impl AsyncRead + Unpin) -> End {
    let copied: io::Result<u64> = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    copied.map_or(End::Reset, |_| End::Finished)
}

/// The state of a [`Pace`].
enum Pacer {
    AtOnce,
    Pieces(usize, Duration),
    Random(Rng, usize, Duration),
}

impl Pacer {
    fn new(pace: &Pace) -> Self {
        match *pace {
            Pace::AtOnce => Self::AtOnce,
            Pace::Pieces(piece, pause) => Self::Pieces(piece, pause),
            Pace::Random(seed, piece, pause) => Self::Random(Rng::with_seed(seed), piece, pause),
        }
    }

    /// Waits until bytes may be forwarded, and returns their number.
    async fn next(&mut self, pending: usize) -> usize {
        let (piece, pause) = match self {
            Self::AtOnce => return pending,
            Self::Pieces(piece, pause) => (*piece, *pause),
            Self::Random(random, piece, pause) => {
                (random.usize(1..=*piece), pause.mul_f64(random.f64()))
            }
        };
        tokio::time::sleep(pause).await;
        piece.clamp(1, pending)
    }
}
