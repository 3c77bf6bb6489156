//! Rights of callers to names.

use std::fmt;
use std::sync::Arc;

use farcall_core::Context;

/// Operation of a caller on [`Names`](super::Names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// List the names that begin with a prefix.
    List,
    /// Look up the object of a name.
    Lookup,
    /// Bind or rebind a name to an object.
    Bind,
    /// Unbind a name.
    Unbind,
}

/// Right of a caller to perform an [`Operation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// None: the call is refused as [`Denied`](farcall_core::FaultKind::Denied).
    None,
    /// The right to look up and list names, to bind free ones, and to unbind and rebind those that
    /// the caller's own session bound.
    Own,
    /// The same, and the right to unbind and rebind names of other sessions.
    All,
}

type DecideFn = dyn Fn(&Context, Operation, &str) -> Right + Send + Sync;

/// Function that decides the [`Right`] of a caller; `None` decides [`Right::Own`].
#[derive(Clone)]
pub(super) struct Policy(Option<Arc<DecideFn>>);

impl Policy {
    /// Creates the default policy: every caller has [`Right::Own`].
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
