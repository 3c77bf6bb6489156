//! Namespaces, values and iterators.

use farcall_core::{CallError, Caller as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{typed_proxy, unless_raised};

const ATTRIBUTE_ERROR: &str = "AttributeError";

typed_proxy! {
    /// A `Namespace` of a manager.
    NamespaceProxy
}

typed_proxy! {
    /// A `Value` of a manager.
    ValueProxy
}

typed_proxy! {
    /// An `Iterator` of a manager: a generator of Python, or a stream of Rust.
    IteratorProxy
}

impl NamespaceProxy {
    /// Returns an attribute, if there is one of this name.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CallError> {
        unless_raised(
            self.0.call("__getattribute__", (name,)).await,
            ATTRIBUTE_ERROR,
        )
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn set<T: Serialize + Sync + ?Sized>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), CallError> {
        self.0.call("__setattr__", (name, value)).await
    }

    /// Removes an attribute. `false` if there is none of this name.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn remove(&self, name: &str) -> Result<bool, CallError> {
        let removed = self.0.call("__delattr__", (name,)).await;
        Ok(unless_raised::<()>(removed, ATTRIBUTE_ERROR)?.is_some())
    }
}

impl ValueProxy {
    /// Returns the value.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn get<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.0.call("get", ()).await
    }

    /// Sets the value.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn set<T: Serialize + Sync + ?Sized>(&self, value: &T) -> Result<(), CallError> {
        self.0.call("set", (value,)).await
    }
}

impl IteratorProxy {
    /// Returns the next item. `None` at the end.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// If the future is dropped, an item may be lost.
    pub async fn next<T: DeserializeOwned>(&self) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("__next__", ()).await, "StopIteration")
    }
}
