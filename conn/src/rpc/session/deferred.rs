//! What a change of the state entails.

use std::sync::Arc;
use std::task::Waker;

use rpc_core::{Call, Payload, Registry};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::incoming::Answering;
use super::object::Promise;
use super::references::Export;
use super::streams::{Consumer, Pump};
use crate::frame::Encoder;
use crate::rpc::encoding::Encoding;

/// What is to be done once the lock is free. Most changes entail no more than that tasks are woken.
#[derive(Default)]
pub(super) struct Effects {
    wake: Option<Waker>,
    wake_too: Vec<Waker>,
    more: Option<Box<More>>,
}

#[derive(Default)]
pub(super) struct More {
    pub(super) pumps: Vec<Pump>,
    pub(super) settled: Vec<Arc<Promise>>,
    pub(super) given_up: Vec<Answering>,
    pub(super) gone: Vec<CancellationToken>,
    drop: Vec<Box<dyn Discard>>,
}

/// What a change takes out of the state.
pub(super) trait Discard: Send {
    /// Whether its destructor runs nothing of the program's and takes no lock, so that it need not wait
    /// until the lock is free.
    fn is_plain(&self) -> bool {
        false
    }
}

impl Discard for Payload {
    fn is_plain(&self) -> bool {
        self.attachments().is_empty()
    }
}

impl<E: Send> Discard for Result<Payload, E> {
    fn is_plain(&self) -> bool {
        self.as_ref().is_ok_and(Discard::is_plain)
    }
}

impl<T: Discard> Discard for Box<T> {
    fn is_plain(&self) -> bool {
        (**self).is_plain()
    }
}

impl<T: Discard> Discard for Option<T> {
    fn is_plain(&self) -> bool {
        self.as_ref().is_none_or(Discard::is_plain)
    }
}

impl<T: Send> Discard for Vec<T> {}
impl Discard for Call<Encoding> {}
impl Discard for Encoder {}
impl Discard for Export {}
impl Discard for Registry<Encoding> {}
impl Discard for Consumer {}

impl Effects {
    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.wake.is_some() => self.wake_too.push(waker),
            Some(waker) => self.wake = Some(waker),
            None => {}
        }
    }

    /// Drops it later: its destructor may be the program's, or need the lock.
    pub(super) fn drop(&mut self, value: impl Discard + 'static) {
        if !value.is_plain() {
            self.more().drop.push(Box::new(value));
        }
    }

    /// Does it. There is nothing left to do then, and room for as much again.
    #[inline]
    pub(super) fn run(&mut self, runtime: &Handle) {
        if let Some(waker) = self.wake.take() {
            waker.wake();
            if !self.wake_too.is_empty() {
                self.wake_too.drain(..).for_each(Waker::wake);
            }
        }
        if let Some(more) = self.more.take() {
            more.run(runtime);
        }
    }
}

impl More {
    fn run(self, runtime: &Handle) {
        for pump in self.pumps {
            runtime.spawn(pump);
        }
        for answering in self.given_up {
            answering.give_up();
        }
        for references in self.gone {
            references.cancel();
        }
        for promise in self.settled {
            promise.notify();
        }
    }
}
