//! The record of a run: calls, executions, outcomes, and objects that are still alive.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use farcall::{CallError, Execution};

use super::trace::Trace;

/// Both sides record here, by the number of the call, which is one of its arguments.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Shared>);

struct Shared {
    books: Mutex<Books>,
    trace: Trace,
}

#[derive(Default)]
struct Books {
    calls: Vec<Call>,
    alive: BTreeMap<&'static str, usize>,
    made: u64,
    violations: Vec<String>,
    counts: BTreeMap<String, u64>,
}

/// The record of one call.
struct Call {
    method: &'static str,
    idempotent: bool,
    one_way: bool,
    started: u32,
    running: u32,
    completed: u32,
    ended: Option<End>,
}

/// The outcome of a call for its caller.
#[derive(Debug)]
enum End {
    Succeeded,
    Failed(Execution),
    Cancelled,
}

impl Ledger {
    pub(crate) fn new(trace: Trace) -> Self {
        Self(Arc::new(Shared {
            books: Mutex::default(),
            trace,
        }))
    }

    /// Records a new call. If the entry is dropped before its outcome is recorded, the call was
    /// cancelled.
    pub(crate) fn call(&self, method: &'static str) -> Entry {
        self.enter(method, false, false)
    }

    /// Records a new call that may run more than once.
    pub(crate) fn idempotent_call(&self, method: &'static str) -> Entry {
        self.enter(method, true, false)
    }

    /// Records a new call that succeeds as soon as it is sent.
    pub(crate) fn one_way_call(&self, method: &'static str) -> Entry {
        self.enter(method, false, true)
    }

    fn enter(&self, method: &'static str, idempotent: bool, one_way: bool) -> Entry {
        let mut books = self.books();
        books.calls.push(Call {
            method,
            idempotent,
            one_way,
            started: 0,
            running: 0,
            completed: 0,
            ended: None,
        });
        let number = books.calls.len() - 1;
        drop(books);
        self.event(format_args!("call {number} of {method} begins"));
        Entry {
            ledger: self.clone(),
            number,
            ended: false,
        }
    }

    /// Records that the method of the call is running, until the result is dropped.
    pub(crate) fn run(&self, number: u64) -> Running {
        let number = number as usize;
        let mut books = self.books();
        let call = &mut books.calls[number];
        call.started += 1;
        call.running += 1;
        drop(books);
        self.event(format_args!("call {number} runs"));
        Running {
            ledger: self.clone(),
            number,
        }
    }

    /// Returns `true` if the method of the call is running.
    pub(crate) fn runs(&self, number: u64) -> bool {
        self.books().calls[number as usize].running > 0
    }

    /// Records that something of this kind exists, until the result is dropped.
    pub(crate) fn alive(&self, kind: &'static str) -> Alive {
        let mut books = self.books();
        *books.alive.entry(kind).or_default() += 1;
        books.made += 1;
        let number = books.made;
        drop(books);
        self.count(format_args!("{kind} made"));
        self.event(format_args!("{number} of the {kind} is made"));
        Alive {
            ledger: self.clone(),
            kind,
            number,
        }
    }

    /// Counts an event over all runs: what never happens is not tested.
    pub(crate) fn count(&self, what: impl fmt::Display) {
        *self.books().counts.entry(what.to_string()).or_default() += 1;
    }

    pub(crate) fn violation(&self, violation: impl fmt::Display) {
        self.event(format_args!("VIOLATION: {violation}"));
        self.books().violations.push(violation.to_string());
    }

    /// Checks that an invariant holds.
    pub(crate) fn check(&self, holds: bool, violation: impl fmt::Display) {
        if !holds {
            self.violation(violation);
        }
    }

    pub(crate) fn event(&self, event: impl fmt::Display) {
        self.0.trace.event(|| event.to_string());
    }

    /// Checks that nothing is left that only peers referred to.
    pub(crate) fn check_nothing_is_alive(&self, except: &[&str]) {
        let alive: Vec<_> = self
            .books()
            .alive
            .iter()
            .filter(|(kind, count)| **count > 0 && !except.contains(kind))
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        self.check(
            alive.is_empty(),
            format_args!("still alive at the end: {}", alive.join(", ")),
        );
    }

    /// Checks the outcome of each call against its executions.
    pub(crate) fn check_calls(&self) {
        let books = self.books();
        let violations: Vec<_> = books
            .calls
            .iter()
            .enumerate()
            .filter_map(|(number, call)| {
                let violation = call.violation()?;
                Some(format!("call {number} of {}: {violation}", call.method))
            })
            .collect();
        drop(books);
        violations.iter().for_each(|v| self.violation(v));
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        std::mem::take(&mut self.books().violations)
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.books().counts)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap()
    }
}

impl Call {
    fn violation(&self) -> Option<String> {
        let Self {
            started, completed, ..
        } = *self;
        let ran = format!("it was started {started} times, and completed {completed} times");
        match &self.ended {
            None => Some("it never completed for its caller".to_owned()),
            _ if started > 1 && !self.idempotent => Some(ran),
            _ if self.running > 0 => Some("its method still runs".to_owned()),
            Some(End::Failed(Execution::Never)) if started > 0 => {
                Some(format!("its error reports that it did not run, but {ran}"))
            }
            Some(End::Succeeded) if completed == 0 && !self.one_way => {
                Some(format!("it succeeded, but {ran}"))
            }
            Some(End::Failed(Execution::Completed)) if completed == 0 => {
                Some(format!("its error reports that it completed, but {ran}"))
            }
            _ => None,
        }
    }
}

/// A call, as its caller sees it.
pub(crate) struct Entry {
    ledger: Ledger,
    number: usize,
    ended: bool,
}

impl Entry {
    pub(crate) const fn number(&self) -> u64 {
        self.number as u64
    }

    /// Records the outcome.
    pub(crate) fn ended<T>(mut self, result: &Result<T, CallError>) {
        let end = match result {
            Ok(_) => End::Succeeded,
            Err(error) => End::Failed(error.execution()),
        };
        let kind = match result {
            Ok(_) => "succeeded".to_owned(),
            Err(CallError::Fault(fault)) => format!("{:?}", fault.kind()),
            Err(error) => error.to_string(),
        };
        self.end(end, &kind);
    }

    fn end(&mut self, end: End, kind: &str) {
        self.ended = true;
        let (ledger, number) = (&self.ledger, self.number);
        let mut books = ledger.books();
        let call = &mut books.calls[number];
        let method = call.method;
        call.ended = Some(end);
        let again = call.started > 1;
        drop(books);
        ledger.event(format_args!("call {number} ends: {kind}"));
        ledger.count(format_args!("{method}: {kind}"));
        if again {
            ledger.count(format_args!("{method}: ran again"));
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.end(End::Cancelled, "cancelled");
        }
    }
}

/// A running method.
pub(crate) struct Running {
    ledger: Ledger,
    number: usize,
}

impl Running {
    pub(crate) fn complete(self) {
        self.ledger.books().calls[self.number].completed += 1;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ledger.books().calls[self.number].running -= 1;
        let number = self.number;
        self.ledger
            .event(format_args!("call {number} runs no more"));
    }
}

/// Something that must not outlive the last reference to it.
pub(crate) struct Alive {
    ledger: Ledger,
    kind: &'static str,
    number: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(count) = self.ledger.books().alive.get_mut(self.kind) {
            *count -= 1;
        }
        let Self { kind, number, .. } = self;
        self.ledger
            .event(format_args!("{number} of the {kind} goes"));
    }
}
