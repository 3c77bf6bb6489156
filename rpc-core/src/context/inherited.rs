//! The deadline and trace of the call that a thread is handling, which the calls of its handler
//! inherit.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use crate::trace::{self, TraceContext};

/// The deadline and trace that calls made within a handler inherit from its own call.
#[derive(Clone, Default)]
pub(crate) struct Heritage {
    pub(super) deadline: Option<Instant>,
    pub(super) trace: Option<Arc<TraceContext>>,
}

/// The part of a [`Heritage`] that every call reads. The trace, which few have, is elsewhere.
#[derive(Clone, Copy)]
struct Inherited {
    deadline: Option<Instant>,
    has_trace: bool,
}

thread_local! {
    /// The deadline of the call that this thread is handling, and whether it has a trace.
    static INHERITED: Cell<Inherited> = const {
        Cell::new(Inherited {
            deadline: None,
            has_trace: false,
        })
    };
}

/// Returns the deadline and trace that calls made now inherit.
pub(crate) fn inherited() -> Heritage {
    let Inherited {
        deadline,
        has_trace,
    } = INHERITED.get();
    let trace = has_trace.then(trace::current).flatten();
    Heritage { deadline, trace }
}

/// Runs a part of a handler, with what its calls inherit.
// Inlined, since moving a call into the closure takes as long as finding its method.
#[inline(always)]
pub(crate) fn within<T>(heritage: &Heritage, run: impl FnOnce() -> T) -> T {
    /// Restores what was inherited before, also after a panic.
    struct Restore(Inherited);

    impl Drop for Restore {
        fn drop(&mut self) {
            INHERITED.set(self.0);
        }
    }

    let inherited = Inherited {
        deadline: heritage.deadline,
        has_trace: heritage.trace.is_some(),
    };
    let _restore = Restore(INHERITED.replace(inherited));
    match &heritage.trace {
        None => run(),
        Some(trace) => within_trace(trace, run),
    }
}

#[cold]
fn within_trace<T>(trace: &Arc<TraceContext>, run: impl FnOnce() -> T) -> T {
    /// Restores the previous trace, also after a panic.
    struct Restore(Option<Arc<TraceContext>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            trace::replace_current(self.0.take());
        }
    }

    let _restore = Restore(trace::replace_current(Some(Arc::clone(trace))));
    run()
}
