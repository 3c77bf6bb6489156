//! Objects that a manager holds, as its server calls them.

mod arguments;
mod key;
mod kinds;
mod python;
mod stored;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farcall_core::Context;
use farcall_core::protocol::blocking;
use farcall_pickle::RawValue;
use serde::Serialize;

pub(crate) use arguments::{Arguments, timeout_of, within};
pub(crate) use key::Key;
pub(crate) use kinds::type_name;
pub(crate) use python::{Slice, compare, equal, index_of, is_true, iterate, slice_of};
pub(crate) use stored::{Reference, Stored, StoredGuard};

use super::wire::Exception;

/// Result of a function of Python: its value, or the exception that it raises.
pub(crate) type Raises<T> = Result<T, Exception>;

/// Object that the clients of a manager share.
pub(crate) trait SharedObject: Any + Send + Sync {
    /// Returns the names of its methods.
    fn exposed(&self) -> Vec<String>;

    /// Calls a method, one of the exposed.
    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer>;

    /// Returns its `repr`, as Python would show it.
    fn repr(&self) -> String;

    /// Returns a copy of the object as a value, if it is one.
    fn value(&self) -> Raises<Stored> {
        let text = format!("cannot pickle {}", self.repr());
        Err(Exception::with_text("TypeError", text))
    }

    /// Returns a line for each of its methods, for people.
    fn descriptions(&self) -> Vec<String> {
        Vec::new()
    }

    /// Releases what this caller owns: its connection has ended.
    fn release(&self, _caller: u64) {}
}

/// A call of a method.
pub(crate) struct MethodCall {
    pub(crate) method: String,
    pub(crate) args: Arguments,
    /// The number of the connection, which stands for a thread of a process.
    pub(crate) caller: u64,
    /// The context, for methods of the program.
    pub(crate) context: Context,
}

impl MethodCall {
    /// Binds the arguments to parameters of these names, of which the first `required` must be
    /// given.
    pub(crate) fn bind<const N: usize>(
        &mut self,
        names: [&str; N],
        required: usize,
    ) -> Raises<[Option<Stored>; N]> {
        std::mem::take(&mut self.args).bind(&self.method, names, required)
    }

    /// Binds the arguments to parameters that must all be given.
    pub(crate) fn bind_all<const N: usize>(&mut self, names: [&str; N]) -> Raises<[Stored; N]> {
        let bound = self.bind(names, N)?;
        // All are required, so that none is missing.
        Ok(bound.map(Option::unwrap_or_default))
    }

    /// Returns an error if there are arguments.
    pub(crate) fn bind_none(&mut self) -> Raises<()> {
        self.bind([], 0).map(|[]| ())
    }
}

/// Answer to a call: at once, or when whatever it waits for happens. Dropping the future ends the
/// wait.
pub(crate) enum Answer {
    Now(Outcome),
    Later(Pin<Box<dyn Future<Output = Raises<Outcome>> + Send>>),
}

impl Answer {
    pub(crate) fn later(
        answer: impl Future<Output = Raises<Outcome>> + Send + 'static,
    ) -> Raises<Self> {
        Ok(Self::Later(Box::pin(answer)))
    }

    /// Returns a value that is encoded here.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Raises<Self> {
        Outcome::of(value).map(Self::Now)
    }

    pub(crate) fn none() -> Raises<Self> {
        Outcome::none().map(Self::Now)
    }

    /// Returns a truth value, which needs no encoding.
    pub(crate) fn boolean(value: bool) -> Raises<Self> {
        Outcome::boolean(value).map(Self::Now)
    }

    pub(crate) fn stored(value: Stored) -> Raises<Self> {
        Ok(Self::Now(Outcome::Value(value)))
    }
}

/// Result of a method.
pub(crate) enum Outcome {
    /// A value, which the client gets a copy of.
    Value(Stored),
    /// An object that stays here: the client gets a proxy.
    Object {
        typeid: String,
        object: Arc<dyn SharedObject>,
    },
}

impl Outcome {
    /// Returns a value that is encoded here.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Raises<Self> {
        encode(value).map(|value| Self::Value(value.into()))
    }

    pub(crate) fn none() -> Raises<Self> {
        Ok(Self::Value(Stored::default()))
    }

    pub(crate) fn boolean(value: bool) -> Raises<Self> {
        Ok(Self::Value(RawValue::from(value).into()))
    }
}

/// Encodes a value.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Raises<RawValue> {
    RawValue::of(value).map_err(|error| Exception::with_text("TypeError", error.to_string()))
}

/// Returns the exception for a method that does not exist.
pub(crate) fn no_method(method: &str) -> Exception {
    let text = format!("there is no method {method:?}");
    Exception::with_text("AttributeError", text)
}

/// Locks a mutex whose content is intact even if a holder panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a future on the calling thread.
pub(crate) fn block_on<F: Future>(future: F) -> Raises<F::Output> {
    blocking::wait(future).map_err(|error| Exception::with_text("RuntimeError", error.to_string()))
}

/// Implements `Debug` for objects, by their `repr`.
macro_rules! debug_by_repr {
    ($($object:ty),*) => {$(
        impl std::fmt::Debug for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&crate::managers::object::SharedObject::repr(self))
            }
        }
    )*};
}
pub(crate) use debug_by_repr;

/// Returns these names as texts.
pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
