//! All orders in which threads can ring and hear a bell, tried by a model checker.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

#[path = "../src/rpc/session/bell.rs"]
mod bell;

/// What the file above knows as the crate's own.
mod shared {
    pub(crate) use std::sync::PoisonError;

    pub(crate) use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
}

use bell::Bell;

/// Waits for causes, as a task does that looks for them only when the bell rang.
fn await_causes(bell: &Bell, causes: &AtomicUsize, count: usize) {
    block_on(poll_fn(|cx| {
        bell.wakes(cx.waker());
        // Relaxed: it is the bell that has to make the causes seen.
        if bell.hear() && causes.load(Ordering::Relaxed) == count {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
}

fn ring(bell: &Arc<Bell>, causes: &AtomicUsize) {
    causes.fetch_add(1, Ordering::Relaxed);
    Waker::from(Arc::clone(bell)).wake();
}

/// Tries all orders in which no thread is interrupted more than three times: more take minutes.
fn all_orders(scene: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(scene);
}

#[test]
fn no_ring_of_one_thread_is_lost() {
    all_orders(|| {
        let bell = Arc::new(Bell::new());
        let causes = loom::sync::Arc::new(AtomicUsize::new(0));
        let ringing = {
            let (bell, causes) = (Arc::clone(&bell), loom::sync::Arc::clone(&causes));
            thread::spawn(move || {
                ring(&bell, &causes);
                ring(&bell, &causes);
            })
        };
        await_causes(&bell, &causes, 2);
        ringing.join().unwrap();
    });
}

#[test]
fn no_ring_of_two_threads_is_lost() {
    all_orders(|| {
        let bell = Arc::new(Bell::new());
        let causes = loom::sync::Arc::new(AtomicUsize::new(0));
        let ringing = [(); 2].map(|()| {
            let (bell, causes) = (Arc::clone(&bell), loom::sync::Arc::clone(&causes));
            thread::spawn(move || ring(&bell, &causes))
        });
        await_causes(&bell, &causes, 2);
        for thread in ringing {
            thread.join().unwrap();
        }
    });
}
