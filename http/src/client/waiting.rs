//! Completion of the futures of a client, in async code and without it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use farcall_core::CallError;
use farcall_core::protocol::blocking::check_allowed;
use tokio::runtime::Handle;

/// Returns an error that names the type to use `instead`, unless a tokio runtime is running, which
/// the sockets of an async client need.
///
/// # Errors
/// [`CallError::NotSent`].
pub fn require_runtime(instead: &str) -> Result<(), CallError> {
    match Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => {
            let error = format!("no tokio runtime is running: use `{instead}` instead");
            Err(CallError::NotSent(error.into()))
        }
    }
}

/// Completes a future of a client with a [`BlockingConnector`](super::BlockingConnector): it blocks
/// the thread on sockets and never returns `Pending`.
///
/// # Errors
/// Those of the future, and [`CallError::NotSent`] in async code.
pub fn complete<T>(future: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    check_allowed()?;
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a blocking transport is ready when it is polled"),
    }
}
