//! Typed proxies of the objects that every manager has.

mod containers;
mod events;
mod locks;
mod pool;
mod queue;
mod values;

use farcall_core::CallError;

pub use containers::{ArrayProxy, DictProxy, ListProxy};
pub use events::{BarrierProxy, EventProxy};
pub use locks::{ConditionGuard, ConditionProxy, LockGuard, LockProxy};
pub use pool::PoolProxy;
pub use queue::QueueProxy;
pub use values::{IteratorProxy, NamespaceProxy, ValueProxy};

use crate::managers::wire::Exception;

/// Declares a typed proxy.
macro_rules! typed_proxy {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name($crate::managers::client::proxy::Proxy);

        impl $name {
            /// Returns the untyped proxy, which calls methods by name.
            #[must_use]
            pub const fn as_proxy(&self) -> &$crate::managers::client::proxy::Proxy {
                &self.0
            }
        }

        impl From<$crate::managers::client::proxy::Proxy> for $name {
            fn from(proxy: $crate::managers::client::proxy::Proxy) -> Self {
                Self(proxy)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(deserializer).map(Self)
            }
        }
    };
}
use typed_proxy;

/// Returns `None` if the method raised this exception.
fn unless_raised<T>(result: Result<T, CallError>, class: &str) -> Result<Option<T>, CallError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if raised(&error).is_some_and(|exception| exception.is(class)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn raised(error: &CallError) -> Option<&Exception> {
    Exception::of(error)
}
