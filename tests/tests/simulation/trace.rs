//! The events of a run in order: as a hash, to compare runs, and as text.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

#[derive(Clone)]
pub(crate) struct Trace(Arc<Shared>);

struct Shared {
    begin: Instant,
    state: Mutex<State>,
}

struct State {
    hash: DefaultHasher,
    text: Text,
    lines: Vec<String>,
}

/// The treatment of the text of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Dropped,
    Kept,
    /// Printed at once, as the run may hang.
    Printed,
}

impl Trace {
    /// Starts a trace at the current time.
    pub(crate) fn new(text: Text) -> Self {
        let state = State {
            hash: DefaultHasher::new(),
            text,
            lines: Vec::new(),
        };
        Self(Arc::new(Shared {
            begin: Instant::now(),
            state: Mutex::new(state),
        }))
    }

    pub(crate) fn event(&self, event: impl FnOnce() -> String) {
        let event = event();
        let time = self.0.begin.elapsed();
        let mut state = self.0.state.lock().unwrap();
        time.hash(&mut state.hash);
        event.hash(&mut state.hash);
        if state.text == Text::Dropped {
            return;
        }
        let line = format!("{:>8} ms  {event}", time.as_millis());
        match state.text {
            Text::Printed => println!("{line}"),
            _ => state.lines.push(line),
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.state.lock().unwrap().hash.finish()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.state.lock().unwrap().lines)
    }
}
