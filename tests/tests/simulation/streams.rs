//! Streams of the numbers from zero, so that a missing or repeated item is detected.

use farcall::Fault;
use farcall::rpc::{Stream, StreamError};
use fastrand::Rng;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::ledger::Ledger;
use super::{HANG_TIMEOUT, pause};

/// The code of the faults that callers ask for.
pub(crate) const AS_ASKED: i64 = 7;

/// The items of a stream.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Source {
    count: u64,
    /// `true` if the stream ends with a fault.
    fails: bool,
    /// The time between items in milliseconds.
    millis: u64,
}

impl Source {
    pub(crate) fn new(random: &mut Rng) -> Self {
        Self {
            count: [0, 1, 10, 60][random.usize(..4)],
            fails: random.u8(..4) == 0,
            millis: [0, 0, 1, 30][random.usize(..4)],
        }
    }

    /// Returns the stream. Its source, of one of two kinds, is dropped with it.
    pub(crate) fn stream(self, ledger: &Ledger) -> Stream<u64> {
        let Self {
            count,
            fails,
            millis,
        } = self;
        let alive = ledger.alive("stream sources");
        if count % 2 == 1 {
            let (sender, stream) = Stream::channel(2);
            tokio::spawn(async move {
                let _alive = alive;
                for number in 0..count {
                    pause(millis).await;
                    if sender.send(number).await.is_err() {
                        return;
                    }
                }
                if fails {
                    // An error means that nobody reads the stream any more.
                    let _ = sender.fail(Fault::new(AS_ASKED, "as asked")).await;
                }
            });
            return stream;
        }
        Stream::new(stream::unfold(
            (0, alive),
            move |(number, alive)| async move {
                pause(millis).await;
                let item = if number < count {
                    Ok(number)
                } else if fails && number == count {
                    Err(Fault::new(AS_ASKED, "as asked"))
                } else {
                    return None;
                };
                Some((item, (number + 1, alive)))
            },
        ))
    }
}

/// Reads a stream to its end, and checks that it yields the items of its source.
pub(crate) async fn read<P: Future<Output = ()>>(
    mut stream: Stream<u64>,
    source: Source,
    ledger: &Ledger,
    mut pause: impl FnMut() -> P,
) -> Result<u64, StreamError> {
    let mut next = 0;
    loop {
        pause().await;
        let Ok(item) = timeout(HANG_TIMEOUT, stream.next()).await else {
            ledger.violation("a stream hangs");
            return Ok(next);
        };
        match item {
            Some(Ok(number)) => {
                ledger.check(
                    number == next,
                    format_args!("a stream brings {number} where {next} was to come"),
                );
                next += 1;
            }
            Some(Err(error)) => {
                if let StreamError::Fault(fault) = &error
                    && fault.code() == AS_ASKED
                {
                    ledger.check(
                        source.fails && next == source.count,
                        format_args!("a stream failed after {next} of {} items", source.count),
                    );
                    ledger.count("stream: failed as asked");
                } else {
                    ledger.count(format_args!("stream: {error}"));
                }
                let after = timeout(HANG_TIMEOUT, stream.next()).await;
                ledger.check(matches!(after, Ok(None)), "a stream goes on after its end");
                return Err(error);
            }
            None => {
                ledger.check(
                    !source.fails && next == source.count,
                    format_args!("a stream ended after {next} of {} items", source.count),
                );
                ledger.count("stream: ended");
                return Ok(next);
            }
        }
    }
}
