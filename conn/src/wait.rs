//! Waiting on many connections at once.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;

/// The types that [`wait`] accepts: [`Connection`](crate::Connection) and
/// [`Receiver`](crate::Receiver), with any type parameters.
pub trait Wait: Sealed {}

impl<T: Sealed> Wait for T {}

#[allow(unnameable_types, reason = "`Wait` is sealed")]
pub trait Sealed: Send {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// Waits until at least one of the connections has input or is closed, and returns the indices of
/// all that do. It waits for at most `time`, or forever if `time` is `None`; after a timeout the
/// list is empty.
///
/// This is CPython's `multiprocessing.connection.wait`. A program that runs one task per connection
/// does not need it.
///
/// # Cancel safety
///
/// No message is lost.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use farcall::conn::{Connection, pipe, wait};
///
/// let (mut here, mut there): (Connection<u32>, Connection<u32>) = pipe()?;
/// let (mut silent, _other): (Connection<String>, Connection<String>) = pipe()?;
/// there.send(&7).await?;
/// let ready = wait(&mut [&mut silent, &mut here], None).await;
/// assert_eq!(ready, [1]);
/// assert_eq!(here.recv().await?, 7);
/// # Ok(())
/// # }
/// ```
pub async fn wait(connections: &mut [&mut dyn Wait], time: Option<Duration>) -> Vec<usize> {
    let ready = poll_fn(|cx| {
        let mut ready = Vec::new();
        for (position, connection) in connections.iter_mut().enumerate() {
            if connection.poll_readable(cx).is_ready() {
                ready.push(position);
            }
        }
        if ready.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(ready)
        }
    });
    match time {
        None => ready.await,
        Some(time) => timeout(time, ready).await.unwrap_or_default(),
    }
}
