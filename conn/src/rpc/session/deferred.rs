//! Actions that a change of the state defers until the session is unlocked.

use std::task::Waker;

use farcall_core::Registry;
use farcall_core::protocol::{Call, Payload};

use super::item_source::ItemSource;
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
struct RareActions {
    /// Streams to be sent, with their ids.
    streams: Vec<(u64, Box<dyn ItemSource>)>,
    actions: Vec<Box<dyn FnOnce() + Send>>,
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

impl<T: Send> DeferredDrop for Vec<T> {
    fn is_trivial(&self) -> bool {
        self.is_empty()
    }
}

/// Dropping a waker may drop its task.
impl DeferredDrop for Waker {}
impl DeferredDrop for Call<Encoding> {}
impl DeferredDrop for Registry<Encoding> {}

/// Stores the waker of the task that waits now. Returns the waker that it replaces, which must be
/// dropped once the session is unlocked.
#[inline]
pub(super) fn replace_waker(stored: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    let is_same = |stored: &Waker| stored.will_wake(waker);
    if stored.as_ref().is_some_and(is_same) {
        None
    } else {
        stored.replace(waker.clone())
    }
}

impl Deferred {
    fn rare(&mut self) -> &mut RareActions {
        self.rare.get_or_insert_default()
    }

    /// Returns `true` if there are no actions.
    pub(super) const fn is_empty(&self) -> bool {
        // The first waker is never among the others.
        self.waker.is_none() && self.rare.is_none()
    }

    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.waker.is_some() => self.more_wakers.push(waker),
            Some(waker) => self.waker = Some(waker),
            None => {}
        }
    }

    /// Starts to send a stream once the session is unlocked.
    pub(super) fn start_stream(&mut self, id: u64, source: Box<dyn ItemSource>) {
        self.rare().streams.push((id, source));
    }

    /// Runs `action` once the session is unlocked.
    pub(super) fn later(&mut self, action: impl FnOnce() + Send + 'static) {
        self.rare().actions.push(Box::new(action));
    }

    /// Drops the value once the session is unlocked, unless its destructor is trivial: it may be
    /// code of the program, or take the lock.
    pub(super) fn drop(&mut self, value: impl DeferredDrop + 'static) {
        if !value.is_trivial() {
            self.rare().dropped.push(Box::new(value));
        }
    }

    /// Moves the actions to the empty `other`. The memory of the list of wakers stays, or is
    /// exchanged.
    #[inline]
    pub(super) fn move_to(&mut self, other: &mut Self) {
        other.waker = self.waker.take();
        if self.rare.is_some() {
            other.rare = self.rare.take();
        }
        if !self.more_wakers.is_empty() {
            std::mem::swap(&mut self.more_wakers, &mut other.more_wakers);
        }
    }

    /// Carries out the actions. Afterwards there are none, and the memory of the list of wakers is
    /// kept for the next ones.
    #[inline]
    pub(super) fn run(&mut self, start_stream: impl FnMut((u64, Box<dyn ItemSource>))) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
            if !self.more_wakers.is_empty() {
                self.more_wakers.drain(..).for_each(Waker::wake);
            }
        }
        if let Some(rare) = self.rare.take() {
            rare.streams.into_iter().for_each(start_stream);
            rare.actions.into_iter().for_each(|action| action());
        }
    }
}
