//! Actions that a change of the state defers until the session is unlocked.

use std::sync::Arc;
use std::task::Waker;

use farcall_core::Registry;
use farcall_core::protocol::{Call, Payload};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::incoming::IncomingCall;
use super::lifecycle::SessionHandle;
use super::object::Promise;
use super::references::Export;
use super::streams::{Consumer, ProducerTask};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;

/// Actions to carry out after the lock is released. Most changes only wake tasks.
#[derive(Default)]
pub(super) struct Deferred {
    waker: Option<Waker>,
    more_wakers: Vec<Waker>,
    rare: Option<Box<RareActions>>,
}

/// The actions that few changes need, boxed to keep [`Deferred`] small.
#[derive(Default)]
pub(super) struct RareActions {
    /// Tasks to spawn.
    pub(super) producer_tasks: Vec<ProducerTask>,
    pub(super) completed_promises: Vec<Arc<Promise>>,
    pub(super) cancelled_calls: Vec<IncomingCall>,
    /// Tokens of objects that can no longer be reached.
    pub(super) lost_imports: Vec<CancellationToken>,
    dropped: Vec<Box<dyn DeferredDrop>>,
}

/// A value that was removed from the state, to be dropped later.
pub(super) trait DeferredDrop: Send {
    /// Returns `true` if the destructor runs no code of the program and takes no lock, so that the
    /// value can be dropped while the session is locked.
    fn is_trivial(&self) -> bool {
        false
    }
}

impl DeferredDrop for Payload {
    fn is_trivial(&self) -> bool {
        self.attachments().is_empty()
    }
}

impl<E: Send> DeferredDrop for Result<Payload, E> {
    fn is_trivial(&self) -> bool {
        self.as_ref().is_ok_and(DeferredDrop::is_trivial)
    }
}

impl<T: DeferredDrop> DeferredDrop for Box<T> {
    fn is_trivial(&self) -> bool {
        (**self).is_trivial()
    }
}

impl<T: DeferredDrop> DeferredDrop for Option<T> {
    fn is_trivial(&self) -> bool {
        self.as_ref().is_none_or(DeferredDrop::is_trivial)
    }
}

impl<T: Send> DeferredDrop for Vec<T> {}
impl DeferredDrop for Call<Encoding> {}
impl DeferredDrop for Encoder {}
impl DeferredDrop for Arc<SessionHandle> {}
impl DeferredDrop for Export {}
impl DeferredDrop for Registry<Encoding> {}
impl DeferredDrop for Consumer {}

impl Deferred {
    pub(super) fn rare(&mut self) -> &mut RareActions {
        self.rare.get_or_insert_default()
    }

    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.waker.is_some() => self.more_wakers.push(waker),
            Some(waker) => self.waker = Some(waker),
            None => {}
        }
    }

    /// Drops the value once the session is unlocked, unless its destructor is trivial: it may be
    /// code of the program, or take the lock.
    pub(super) fn drop(&mut self, value: impl DeferredDrop + 'static) {
        if !value.is_trivial() {
            self.rare().dropped.push(Box::new(value));
        }
    }

    /// Carries out the actions. Afterwards there are none, and the memory of the list of wakers is
    /// kept for the next ones.
    #[inline]
    pub(super) fn run(&mut self, runtime: &Handle) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
            if !self.more_wakers.is_empty() {
                self.more_wakers.drain(..).for_each(Waker::wake);
            }
        }
        if let Some(rare) = self.rare.take() {
            rare.run(runtime);
        }
    }
}

impl RareActions {
    fn run(self, runtime: &Handle) {
        for task in self.producer_tasks {
            runtime.spawn(task);
        }
        for call in self.cancelled_calls {
            call.cancel();
        }
        for token in self.lost_imports {
            token.cancel();
        }
        for promise in self.completed_promises {
            promise.notify();
        }
    }
}
