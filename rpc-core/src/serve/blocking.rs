//! Servers of programs without async code.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use super::{ShutdownReport, StopHandle};
use crate::blocking::{CannotBlock, check_allowed, wait_in};

/// A bound server of a protocol, for a [`BlockingServer`].
pub trait Serve {
    /// Serves until `stop` completes, then stops gracefully.
    fn serve_until(self, stop: impl Future<Output = ()>) -> impl Future<Output = ShutdownReport>;
}

/// The blocking form of a bound server `B`. It dereferences to `B`, which has the address.
///
/// It has a runtime of its own, with one thread for each core, that starts when it is bound. Plain
/// and async handlers run on these threads: a handler that blocks or computes for long stalls the
/// connections of its thread, and must be registered with
/// [`register_blocking`](crate::Registry::register_blocking).
#[derive(Debug)]
#[must_use = "it accepts connections when it serves"]
pub struct BlockingServer<B> {
    bound: B,
    stop: StopHandle,
    // Declared after the server, whose listener is registered with it.
    runtime: BlockingRuntime,
}

impl<B: Serve> BlockingServer<B> {
    /// Starts a runtime, and waits in it until the server is bound. For authors of protocols.
    ///
    /// # Errors
    /// Those of binding; also in async code, or if the runtime cannot be started.
    pub fn bind<E: From<CannotBlock>>(
        binding: impl Future<Output = Result<B, E>>,
    ) -> Result<Self, E> {
        let runtime = BlockingRuntime::start()?;
        let bound = runtime.wait(binding)??;
        Ok(Self {
            bound,
            stop: StopHandle::new(),
            runtime,
        })
    }

    /// Returns a handle that stops the server from another thread.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Serves until a [stop handle](Self::stop_handle) stops it, then stops gracefully, as
    /// `serve_until` of the async form does. Tasks that handlers have spawned end when it returns.
    ///
    /// # Errors
    /// In async code. The server is closed then.
    pub fn serve(self) -> Result<ShutdownReport, CannotBlock> {
        let Self {
            bound,
            stop,
            runtime,
        } = self;
        runtime.wait(async move { bound.serve_until(stop.stopped()).await })
    }
}

impl<B> Deref for BlockingServer<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.bound
    }
}

/// The runtime of one server, with one thread for each core, as `#[tokio::main]` has. It can be
/// dropped anywhere: it then stops without waiting for its tasks.
#[derive(Debug)]
struct BlockingRuntime {
    /// Taken by `drop`.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl BlockingRuntime {
    fn start() -> Result<Self, CannotBlock> {
        check_allowed()?;
        let started = Builder::new_multi_thread().enable_all().build();
        let runtime = started.map_err(|error| CannotBlock::NoRuntime(Arc::new(error)))?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Blocks the thread until the future completes, in this runtime.
    fn wait<F: Future>(&self, future: F) -> Result<F::Output, CannotBlock> {
        check_allowed()?;
        Ok(wait_in(&self.handle, future))
    }
}

impl Drop for BlockingRuntime {
    fn drop(&mut self) {
        // A runtime that is simply dropped waits, and panics in async code.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn a_runtime_can_be_dropped_in_async_code() {
        let one = Builder::new_current_thread().build().unwrap();
        for runtime in [one, Runtime::new().unwrap()] {
            let own = BlockingRuntime::start().unwrap();
            assert_eq!(own.wait(async { 5 }).unwrap(), 5);
            let task = own.handle.spawn(pending::<()>());
            runtime.block_on(async move {
                assert!(own.wait(async {}).is_err());
                assert!(BlockingRuntime::start().is_err());
                drop(own);
                assert!(task.await.unwrap_err().is_cancelled());
            });
        }
    }
}
