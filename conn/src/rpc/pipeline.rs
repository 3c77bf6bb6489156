//! Calls on objects that are still to come.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rpc_core::CallError;

use super::remote::Remote;
use super::session::{ObjectHandle, capture_promise};

/// Calls that return an object, which can be called before it is there.
///
/// Implemented for the futures of calls that give a [`Remote`]: those of `#[client]` traits and of
/// [`Caller::call`](rpc_core::Caller::call).
pub trait Pipelined<T: ?Sized> {
    /// Makes the call and gives the object it will return. Calls on the object follow the first one to the
    /// other side at once: a chain of calls takes one round trip, however long it is.
    ///
    /// The call is sent here, not when something is awaited. If it fails, so does each call on the object,
    /// as [`CallError::NotSent`] with [`PromiseFailed`](super::PromiseFailed) as its source, or as a
    /// fault that says so. If all handles of the object are dropped before it is there, the call is given
    /// up.
    ///
    /// ```no_run
    /// # use conn::rpc::{Pipelined as _, Remote};
    /// # use rpc_core::{CallError, client};
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
    /// # async fn example(library: conn::rpc::Client) -> Result<(), CallError> {
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
            // A call that needs no connection ends at once, as does one that cannot be sent.
            (Poll::Ready(Ok(remote)), None) => remote,
            (Poll::Ready(Err(error)), None) => {
                Remote::from_object(ObjectHandle::Failed(Arc::new(error)))
            }
            (Poll::Pending, None) => Remote::from_object(ObjectHandle::Failed(Arc::new(
                CallError::NotSent("what is awaited first is not a call over a connection".into()),
            ))),
        }
    }
}
