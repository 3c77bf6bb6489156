//! What happened, in order: as a hash to compare runs by, and as text to read.

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
    /// Only for a run that somebody looks at.
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Begins now.
    pub(crate) fn new(keeps_lines: bool) -> Self {
        let state = State {
            hash: DefaultHasher::new(),
            lines: keeps_lines.then(Vec::new),
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
        if let Some(lines) = &mut state.lines {
            lines.push(format!("{:>8} ms  {event}", time.as_millis()));
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.state.lock().unwrap().hash.finish()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let mut state = self.0.state.lock().unwrap();
        state.lines.take().unwrap_or_default()
    }
}
