//! Pipelining: calls on the promised result of a call.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use farcall_core::CallError;

use super::remote::Remote;
use super::session::{ObjectHandle, capture_promise};

/// Pipelining of calls: the object that a call returns can be called before the call completes.
///
/// Implemented for the futures of calls that return a [`Remote`]: those of `#[client]` traits and
/// of [`Caller::call`](farcall_core::Caller::call).
pub trait Pipelined<T: ?Sized> {
    /// Makes the call and returns a promise of the object that it will return. Calls on the promise
    /// are sent to the peer at once, so that a chain of calls of any length takes one round trip.
    ///
    /// This function sends the call; nothing needs to be awaited. If the call fails, each call on
    /// the promise fails as [`CallError::NotSent`] with [`PromiseFailed`](super::PromiseFailed) as
    /// its source, or as a fault of kind [`Gone`](farcall_core::FaultKind::Gone). If all references
    /// to the object are dropped before the call completes, the call is cancelled.
    ///
    /// ```no_run
    /// # use farcall::rpc::{Pipelined as _, Remote};
    /// # use farcall::{CallError, client};
    /// #[client]
    /// trait Library {
    ///     async fn shelf(&self, name: &str) -> Result<Remote<dyn Shelf>, CallError>;
    /// }
    ///
    /// #[client]
    /// trait Shelf {
    ///     async fn books(&self) -> Result<Vec<String>, CallError>;
    /// }
    ///
    /// # async fn example(library: farcall::rpc::Client) -> Result<(), CallError> {
    /// // One round trip, not two.
    /// let books = library.shelf("poetry").pipelined().books().await?;
    /// # Ok(())
    /// # }
    /// ```
    fn pipelined(self) -> Remote<T>;
}

impl<T, F> Pipelined<T> for F
where
    T: ?Sized,
    F: Future<Output = Result<Remote<T>, CallError>>,
{
    fn pipelined(self) -> Remote<T> {
        let future = pin!(self);
        let mut cx = Context::from_waker(Waker::noop());
        match capture_promise(|| future.poll(&mut cx)) {
            (_, Some(promise)) => Remote::from_object(ObjectHandle::Promised(promise)),
            // A call that needs no connection completes at once, and so does one that cannot be
            // sent.
            (Poll::Ready(Ok(remote)), None) => remote,
            (Poll::Ready(Err(error)), None) => {
                Remote::from_object(ObjectHandle::Failed(Arc::new(error)))
            }
            (Poll::Pending, None) => Remote::from_object(ObjectHandle::Failed(Arc::new(
                CallError::NotSent("the pipelined future does not begin with a call".into()),
            ))),
        }
    }
}
