//! The threads of calls with long results.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::{io, mem};

use farcall::CallError;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// Number of threads: on one of them, shorter results go on while another one decodes a long one.
const THREADS: usize = 2;

/// Times that a call over HTTP waits before it moves: for a connection, and for the head and the
/// body of an answer. The parts of a long result are more.
const WAITS: u32 = 3;

/// The threads that long results are received and decoded on, while the first thread of the command
/// has the timers and the other calls. They are started for the first of them: a call costs half as
/// much again if it goes from one thread to another.
#[derive(Default)]
pub(super) struct Workers(Mutex<Option<Runtime>>);

impl Workers {
    /// Runs a call over HTTP, which moves to another thread if it waits again and again. Dropping
    /// the future ends the call.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, CallError>> + Send + 'static,
    ) -> Result<T, CallError> {
        let mut call = Box::pin(call);
        let mut waits = 0;
        let ended = poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if waits < WAITS => {
                waits += 1;
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(None),
        });
        if let Some(ended) = pin!(ended).await {
            return ended;
        }
        let spawned = self.spawn(call);
        let moved = spawned.map_err(|error| CallError::Lost(error.into()))?;
        let ended = moved.await;
        ended.unwrap_or_else(|error| Err(CallError::Lost(error.into())))
    }

    fn spawn<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<AbortOnDropHandle<T>> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = match &mut *slot {
            Some(runtime) => runtime,
            slot => {
                let mut builder = Builder::new_multi_thread();
                slot.insert(builder.worker_threads(THREADS).enable_all().build()?)
            }
        };
        Ok(AbortOnDropHandle::new(runtime.spawn(call)))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let slot = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = mem::take(slot) {
            // Waiting would be an error here: this is a thread of asynchronous code.
            runtime.shutdown_background();
        }
    }
}
