//! Streams, as results of calls over connections and as subscriptions of JSON-RPC.

use std::time::Duration;

use farcall::rpc::Stream;
use farcall::{Fault, service};

/// An object whose method returns a stream.
#[derive(Clone, Copy, Debug)]
pub struct Ticks;

#[service]
impl Ticks {
    /// Counts from 1 to `count`, a number each `seconds`.
    pub fn subscribe_ticks(&self, count: u64, seconds: f64) -> Result<Stream<u64>, Fault> {
        let pause = Duration::try_from_secs_f64(seconds)
            .map_err(|_| Fault::invalid_params("the seconds are not negative"))?;
        let (sender, ticks) = Stream::channel(1);
        tokio::spawn(async move {
            for tick in 1..=count {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = sender.closed() => return,
                }
                if sender.send(tick).await.is_err() {
                    return;
                }
            }
        });
        Ok(ticks)
    }
}
