//! Tasks and timers of a run, on one thread and in simulated time. A task is polled after it was
//! woken, and rarely without reason.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use fastrand::Rng;

struct Task {
    name: &'static str,
    /// Taken while it is polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    woken: Arc<Woken>,
}

/// The flag of a task that is to be polled, or of a side that is to write.
#[derive(Default)]
pub(super) struct Woken(AtomicBool);

impl Woken {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, woken: bool) {
        self.0.store(woken, Ordering::Relaxed);
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.set(true);
    }
}

struct Tasks {
    tasks: RefCell<Vec<Task>>,
    timers: RefCell<BTreeMap<(Duration, u64), Waker>>,
    begin: Instant,
    time: Cell<Duration>,
    /// Number of timers so far.
    last_timer: Cell<u64>,
}

thread_local! {
    static TASKS: Tasks = Tasks {
        tasks: RefCell::default(),
        timers: RefCell::default(),
        begin: Instant::now(),
        time: Cell::default(),
        last_timer: Cell::default(),
    };
}

/// Returns the time since the beginning of the run.
pub(super) fn time() -> Duration {
    TASKS.with(|run| run.time.get())
}

pub(super) fn now() -> Instant {
    TASKS.with(|run| run.begin + run.time.get())
}

pub(super) fn spawn(name: &'static str, future: impl Future<Output = ()> + 'static) {
    let woken = Arc::new(Woken::default());
    woken.set(true);
    let future = Some(Box::pin(future) as _);
    TASKS.with(|run| {
        run.tasks.borrow_mut().push(Task {
            name,
            future,
            woken,
        });
    });
}

/// Completes after this time.
pub(super) async fn sleep(time: Duration) {
    sleep_until(now() + time).await;
}

pub(super) async fn sleep_until(end: Instant) {
    poll_fn(|cx| {
        if end <= now() {
            return Poll::Ready(());
        }
        TASKS.with(|run| {
            let number = run.last_timer.get() + 1;
            run.last_timer.set(number);
            let waker = cx.waker().clone();
            run.timers
                .borrow_mut()
                .insert((end - run.begin, number), waker);
        });
        Poll::Pending
    })
    .await;
}

/// Returns `true` if a task is woken.
pub(super) fn is_any_woken() -> bool {
    TASKS.with(|run| run.tasks.borrow().iter().any(|task| task.woken.is_set()))
}

/// Polls a woken task, or now and then any task.
pub(super) fn poll_one(random: &mut Rng) {
    let taken = TASKS.with(|run| {
        let mut tasks = run.tasks.borrow_mut();
        let any = random.u8(..16) == 0;
        let ready = tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| any || task.woken.is_set());
        let ready: Vec<usize> = ready.map(|(index, _)| index).collect();
        let index = random.choice(ready)?;
        let task = &mut tasks[index];
        task.woken.set(false);
        let waker = Waker::from(Arc::clone(&task.woken));
        Some((index, task.future.take()?, waker))
    });
    let Some((index, mut future, waker)) = taken else {
        return;
    };
    let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
    TASKS.with(|run| {
        let mut tasks = run.tasks.borrow_mut();
        if polled.is_pending() {
            tasks[index].future = Some(future);
        } else {
            drop(tasks.swap_remove(index));
        }
    });
}

/// Goes on to the next timer. Returns `false` if there is none.
pub(super) fn advance() -> bool {
    TASKS.with(|run| {
        let Some(((time, _), waker)) = run.timers.borrow_mut().pop_first() else {
            return false;
        };
        run.time.set(run.time.get().max(time));
        waker.wake();
        true
    })
}

/// Drops all tasks and timers, resets the time, and returns the names of the tasks.
pub(super) fn end() -> Vec<&'static str> {
    TASKS.with(|run| {
        let tasks = run.tasks.take();
        run.timers.take();
        run.time.set(Duration::ZERO);
        tasks.iter().map(|task| task.name).collect()
    })
}
