//! Waiting on many connections at once.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;

/// What [`wait`] can wait for: a [`Connection`](crate::Connection) or a
/// [`Receiver`](crate::Receiver), whatever their types.
pub trait Wait: Sealed {}

impl<T: Sealed> Wait for T {}

#[allow(unnameable_types, reason = "nobody else is to implement `Wait`")]
pub trait Sealed: Send {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// Waits until one of the connections has input or has ended, but no longer than `time` (for ever where
/// it is `None`), and returns the positions of all that have. None has after a timeout.
///
/// As CPython's `multiprocessing.connection.wait`. Programs whose connections each have a task of their
/// own do not need it.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use conn::{Connection, pipe, wait};
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
