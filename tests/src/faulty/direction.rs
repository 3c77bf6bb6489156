//! One direction of a connection.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::plan::{Fault, Pace, Schedule};

/// How a direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its sender has no more to send, and its receiver was told so. The other direction may go on.
    Finished,
    /// The connection is to be closed.
    Close,
    /// The connection is to be reset.
    Reset,
}

/// Carries the bytes from one end to the other, with what is to happen to them.
pub(super) async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    schedule: &Schedule,
    passed: &AtomicU64,
    faults: &AtomicU64,
) -> End {
    let mut pacer = Pacer::new(&schedule.pace);
    let mut fault = schedule.fault;
    let mut position = 0;
    let mut buffer = vec![0; 16 << 10];
    let mut read = 0;
    loop {
        let mut waiting = &mut buffer[..read];
        loop {
            if let Some((at, now)) = fault
                && at == position
                && (!waiting.is_empty() || !matches!(now, Fault::Flip(_)))
            {
                faults.fetch_add(1, Ordering::Relaxed);
                match now {
                    Fault::Close => return End::Close,
                    Fault::Reset => return End::Reset,
                    Fault::HalfClose => {
                        // A receiver that is gone needs not be told.
                        let _ = to.shutdown().await;
                        return swallow(from).await;
                    }
                    Fault::Stall => {
                        swallow(from).await;
                        return End::Close;
                    }
                    Fault::Flip(bit) => {
                        waiting[0] ^= 1 << (bit % 8);
                        fault = None;
                    }
                }
            }
            if waiting.is_empty() {
                break;
            }
            let until_fault = fault.map_or(u64::MAX, |(at, _)| at - position);
            let piece = pacer.next(waiting.len()).await;
            let piece = piece.min(usize::try_from(until_fault).unwrap_or(usize::MAX));
            let (now, later) = waiting.split_at_mut(piece);
            position += piece as u64;
            // Counted before it arrives, so that whoever has received it finds it counted.
            passed.fetch_add(piece as u64, Ordering::Relaxed);
            if to.write_all(now).await.is_err() {
                // What the other direction still carries arrives all the same.
                return swallow(from).await;
            }
            waiting = later;
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

/// Reads what is to arrive nowhere.
async fn swallow(mut from: impl AsyncRead + Unpin) -> End {
    let copied: io::Result<u64> = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    copied.map_or(End::Reset, |_| End::Finished)
}

/// Decides how many bytes go when.
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

    /// Waits until some of the bytes may go, and tells how many.
    async fn next(&mut self, waiting: usize) -> usize {
        let (piece, pause) = match self {
            Self::AtOnce => return waiting,
            Self::Pieces(piece, pause) => (*piece, *pause),
            Self::Random(random, piece, pause) => {
                (random.usize(1..=*piece), pause.mul_f64(random.f64()))
            }
        };
        tokio::time::sleep(pause).await;
        piece.clamp(1, waiting)
    }
}
