//! Barriers: `threading.Barrier`.

use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::managers::object::{
    Answer, MethodCall, Outcome, Raises, SharedObject, block_on, debug_by_repr, lock, names,
    no_method, timeout_of, within,
};
use crate::managers::wire::Exception;

/// Point that a number of callers wait for until all have reached it, as `threading.Barrier` in
/// Python. A caller whose connection ends while it waits no longer counts.
pub struct Barrier {
    parties: usize,
    timeout: Option<f64>,
    state: Mutex<BarrierState>,
}

#[derive(Default)]
struct BarrierState {
    /// Those who wait: each is told whether all have come.
    waiting: Vec<oneshot::Sender<bool>>,
    is_broken: bool,
}

impl BarrierState {
    /// Ends all waits.
    fn end(&mut self, have_come: bool) {
        for waiter in self.waiting.drain(..) {
            // It fails if its client has gone.
            let _ = waiter.send(have_come);
        }
    }
}

/// Place of a caller at the barrier.
enum Place {
    Last,
    Waits(usize, oneshot::Receiver<bool>),
}

impl Barrier {
    /// Creates a barrier for this number of callers; at least one.
    #[must_use]
    pub fn new(parties: usize) -> Arc<Self> {
        Self::with_timeout(parties, None)
    }

    fn with_timeout(parties: usize, timeout: Option<f64>) -> Arc<Self> {
        Arc::new(Self {
            parties: parties.max(1),
            timeout,
            state: Mutex::default(),
        })
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let [parties, action, timeout] = call.bind(["parties", "action", "timeout"], 1)?;
        if action.is_some_and(|action| !action.is_none()) {
            let text = "a barrier of this manager cannot have an action: it runs no code of Python";
            return Err(Exception::with_text("TypeError", text));
        }
        let parties = parties.unwrap_or_default().value()?.as_i64();
        match parties.and_then(|parties| usize::try_from(parties).ok()) {
            Some(parties) if parties > 0 => {
                Ok(Self::with_timeout(parties, timeout_of(timeout.as_ref())?))
            }
            _ => Err(Exception::with_text("ValueError", "parties must be > 0")),
        }
    }

    /// Waits until all have come. Returns the place in the order in which they came, from 0.
    ///
    /// # Errors
    /// `threading.BrokenBarrierError` if the barrier is broken, or is reset meanwhile.
    ///
    /// # Cancel safety
    /// A dropped wait no longer counts.
    pub async fn wait(&self) -> Result<usize, Exception> {
        self.wait_within(self.timeout).await
    }

    /// Waits like [`wait`](Self::wait), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// As with [`wait`](Self::wait), or `RuntimeError` within async code.
    pub fn blocking_wait(&self) -> Result<usize, Exception> {
        block_on(self.wait())?
    }

    async fn wait_within(&self, timeout: Option<f64>) -> Raises<usize> {
        let place = {
            let mut state = lock(&self.state);
            if state.is_broken {
                return Err(broken());
            }
            state.waiting.retain(|waiter| !waiter.is_closed());
            let index = state.waiting.len();
            if index + 1 >= self.parties {
                state.end(true);
                Place::Last
            } else {
                let (waiter, end) = oneshot::channel();
                state.waiting.push(waiter);
                Place::Waits(index, end)
            }
        };
        let (index, mut end) = match place {
            Place::Last => return Ok(self.parties - 1),
            Place::Waits(index, end) => (index, end),
        };
        let have_come = match within(timeout, &mut end).await {
            Some(ended) => ended.unwrap_or(false),
            None => {
                let mut state = lock(&self.state);
                // It may have ended at the same moment.
                end.try_recv().unwrap_or_else(|_| {
                    state.is_broken = true;
                    state.end(false);
                    false
                })
            }
        };
        if have_come { Ok(index) } else { Err(broken()) }
    }

    fn attribute(&self, name: &str) -> Raises<Answer> {
        let mut state = lock(&self.state);
        match name {
            "parties" => Answer::of(&self.parties),
            "n_waiting" => {
                state.waiting.retain(|waiter| !waiter.is_closed());
                Answer::of(&state.waiting.len())
            }
            "broken" => Answer::of(&state.is_broken),
            name => Err(Exception::with_text(
                "AttributeError",
                format!("'Barrier' object has no attribute '{name}'"),
            )),
        }
    }
}

fn broken() -> Exception {
    Exception::new("threading.BrokenBarrierError")
}

impl SharedObject for Barrier {
    fn exposed(&self) -> Vec<String> {
        names(&["__getattribute__", "abort", "reset", "wait"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "wait" => {
                let [timeout] = call.bind(["timeout"], 0)?;
                let timeout = timeout_of(timeout.as_ref())?.or(self.timeout);
                Answer::later(async move { Outcome::of(&self.wait_within(timeout).await?) })
            }
            "reset" => {
                let mut state = lock(&self.state);
                state.end(false);
                state.is_broken = false;
                Answer::none()
            }
            "abort" => {
                let mut state = lock(&self.state);
                state.end(false);
                state.is_broken = true;
                Answer::none()
            }
            "__getattribute__" => {
                let [name] = call.bind_all(["name"])?;
                self.attribute(&name.text()?)
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let state = lock(&self.state);
        if state.is_broken {
            return "<threading.Barrier: broken>".to_owned();
        }
        let waiting = state.waiting.len();
        format!("<threading.Barrier: waiters={waiting}/{}>", self.parties)
    }
}

debug_by_repr!(Barrier);
