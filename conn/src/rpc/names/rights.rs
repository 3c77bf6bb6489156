//! Who may do what with names.

use std::fmt;
use std::sync::Arc;

use rpc_core::Context;

/// What a caller asks of [`Names`](super::Names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// To learn the names that begin with a prefix.
    List,
    /// To get the object of a name.
    Lookup,
    /// To give an object a name, or another object the name that one has.
    Bind,
    /// To take a name away from its object.
    Unbind,
}

/// What a caller may do with names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Nothing: the call is refused as [`Denied`](rpc_core::FaultKind::Denied).
    None,
    /// To look up and list names, to bind those that are free, and to unbind and rebind those that its own session
    /// bound.
    Own,
    /// To unbind and rebind the names of other sessions as well.
    All,
}

type DecideFn = dyn Fn(&Context, Operation, &str) -> Right + Send + Sync;

/// What decides about the [`Right`] of a caller.
#[derive(Clone)]
pub(super) struct Policy(Option<Arc<DecideFn>>);

impl Policy {
    /// Everyone who can call has the right to its own names.
    pub(super) const fn own() -> Self {
        Self(None)
    }

    pub(super) fn new(
        decide: impl Fn(&Context, Operation, &str) -> Right + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(decide)))
    }

    pub(super) fn right(&self, context: &Context, operation: Operation, name: &str) -> Right {
        let decide = self.0.as_deref();
        decide.map_or(Right::Own, |decide| decide(context, operation, name))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "Own",
            Some(_) => "Policy(..)",
        })
    }
}
