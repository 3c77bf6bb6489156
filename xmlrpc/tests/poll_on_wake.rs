//! Model checking of `PollOnWake`: all orders in which threads can wake its future.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../src/server/poll_on_wake.rs"]
#[expect(dead_code, reason = "the tests use only a part of it")]
mod poll_on_wake;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::future::{AtomicWaker, block_on};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// The model checker's types, in the place of the crate's `sync` module.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
}

use poll_on_wake::PollOnWake;

/// A waker that wakes nothing.
struct NoopWaker;

impl Wake for NoopWaker {
    fn wake(self: Arc<Self>) {}
}

/// A waker that wakes the task of the model.
struct TaskWaker(Waker);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// Waits for a future, and polls it with the same waker each time, as runtimes do. The wakers of
/// the model do not compare equal.
fn wait_for(mut future: impl Future<Output = ()> + Unpin) {
    let mut task = None;
    block_on(poll_fn(|cx| {
        let task = task.get_or_insert_with(|| Waker::from(Arc::new(TaskWaker(cx.waker().clone()))));
        Pin::new(&mut future).poll(&mut Context::from_waker(task))
    }));
}

/// A counter of wakes. A future completes at the last of them.
struct WakeCounter {
    count: AtomicUsize,
    waker: AtomicWaker,
}

impl WakeCounter {
    fn new() -> loom::sync::Arc<Self> {
        loom::sync::Arc::new(Self {
            count: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
        })
    }

    fn add(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Waits for `count` wakes.
    fn reach(&self, count: usize) -> impl Future<Output = ()> + Unpin {
        poll_fn(move |cx| {
            self.waker.register_by_ref(cx.waker());
            if self.count.load(Ordering::Acquire) == count {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }
}

/// Tries all orders with at most three preemptions: more take minutes.
fn all_orders(model_run: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(model_run);
}

#[test]
fn no_wake_of_one_thread_is_lost() {
    all_orders(|| {
        let wakes = WakeCounter::new();
        let adding = {
            let wakes = loom::sync::Arc::clone(&wakes);
            thread::spawn(move || {
                wakes.add();
                wakes.add();
            })
        };
        wait_for(PollOnWake::new(wakes.reach(2)));
        adding.join().unwrap();
    });
}

#[test]
fn no_wake_of_two_threads_is_lost() {
    all_orders(|| {
        let wakes = WakeCounter::new();
        let adding = [(); 2].map(|()| {
            let wakes = loom::sync::Arc::clone(&wakes);
            thread::spawn(move || wakes.add())
        });
        wait_for(PollOnWake::new(wakes.reach(2)));
        for thread in adding {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_future_is_polled_when_woken_or_when_the_task_changes() {
    loom::model(|| {
        let mut polls = 0;
        let mut counted = poll_fn(|_| {
            polls += 1;
            Poll::<()>::Pending
        });
        let mut future = PollOnWake::new(&mut counted);
        let [one, other] = [(); 2].map(|()| Waker::from(Arc::new(NoopWaker)));
        for waker in [&one, &one, &other, &other, &one, &one] {
            let polled = Pin::new(&mut future).poll(&mut Context::from_waker(waker));
            assert!(polled.is_pending());
        }
        assert_eq!(polls, 3);
    });
}
