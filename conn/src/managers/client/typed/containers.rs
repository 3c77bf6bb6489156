//! Lists, arrays and dicts.

use farcall_core::{CallError, Caller as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{typed_proxy, unless_raised};

const INDEX_ERROR: &str = "IndexError";
const KEY_ERROR: &str = "KeyError";
const VALUE_ERROR: &str = "ValueError";

typed_proxy! {
    /// A `list` of a manager. Indexes may be negative, and then count from the end.
    ListProxy
}

typed_proxy! {
    /// A `dict` of a manager. Keys are of any type that Python can hash.
    DictProxy
}

typed_proxy! {
    /// An `Array` of a manager.
    ArrayProxy
}

impl ListProxy {
    /// Returns an element, if there is one at the index.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn get<T: DeserializeOwned>(&self, index: i64) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("__getitem__", (index,)).await, INDEX_ERROR)
    }

    /// Replaces an element.
    ///
    /// # Errors
    /// See [`CallError`]. A fault of `IndexError` if there is none at the index.
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn set<T: Serialize + Sync + ?Sized>(
        &self,
        index: i64,
        value: &T,
    ) -> Result<(), CallError> {
        self.0.call("__setitem__", (index, value)).await
    }

    /// Returns the number of elements.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn len(&self) -> Result<usize, CallError> {
        self.0.call("__len__", ()).await
    }

    /// Returns `true` if there is no element.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// Returns a copy of all elements.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn to_vec<T: DeserializeOwned>(&self) -> Result<Vec<T>, CallError> {
        self.0.value().await
    }

    /// Adds an element at the end.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn append<T: Serialize + Sync + ?Sized>(&self, value: &T) -> Result<(), CallError> {
        self.0.call("append", (value,)).await
    }

    /// Adds elements at the end.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn extend<T: Serialize + Sync>(&self, values: &[T]) -> Result<(), CallError> {
        self.0.call("extend", (values,)).await
    }

    /// Inserts an element before the one at the index.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn insert<T: Serialize + Sync + ?Sized>(
        &self,
        index: i64,
        value: &T,
    ) -> Result<(), CallError> {
        self.0.call("insert", (index, value)).await
    }

    /// Takes the last element, if there is one.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn pop<T: DeserializeOwned>(&self) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("pop", ()).await, INDEX_ERROR)
    }

    /// Takes an element, if there is one at the index.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn remove_at<T: DeserializeOwned>(&self, index: i64) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("pop", (index,)).await, INDEX_ERROR)
    }

    /// Removes the first element that is equal to a value. `false` if there is none.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn remove<T: Serialize + Sync + ?Sized>(&self, value: &T) -> Result<bool, CallError> {
        Ok(unless_raised::<()>(self.0.call("remove", (value,)).await, VALUE_ERROR)?.is_some())
    }

    /// Returns `true` if an element is equal to a value.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn contains<T: Serialize + Sync + ?Sized>(
        &self,
        value: &T,
    ) -> Result<bool, CallError> {
        self.0.call("__contains__", (value,)).await
    }

    /// Returns the index of the first element that is equal to a value.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn position<T: Serialize + Sync + ?Sized>(
        &self,
        value: &T,
    ) -> Result<Option<usize>, CallError> {
        unless_raised(self.0.call("index", (value,)).await, VALUE_ERROR)
    }

    /// Reverses the order.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn reverse(&self) -> Result<(), CallError> {
        self.0.call("reverse", ()).await
    }

    /// Sorts the elements.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn sort(&self) -> Result<(), CallError> {
        self.0.call("sort", ()).await
    }
}

impl ArrayProxy {
    /// Returns an element, if there is one at the index.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn get<T: DeserializeOwned>(&self, index: i64) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("__getitem__", (index,)).await, INDEX_ERROR)
    }

    /// Replaces an element.
    ///
    /// # Errors
    /// See [`CallError`]. A fault of `IndexError` if there is none at the index.
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn set<T: Serialize + Sync + ?Sized>(
        &self,
        index: i64,
        value: &T,
    ) -> Result<(), CallError> {
        self.0.call("__setitem__", (index, value)).await
    }

    /// Returns the number of elements.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn len(&self) -> Result<usize, CallError> {
        self.0.call("__len__", ()).await
    }

    /// Returns `true` if there is no element.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }
}

impl DictProxy {
    /// Returns the value of a key, if there is one.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn get<T: DeserializeOwned>(
        &self,
        key: &(impl Serialize + Sync + ?Sized),
    ) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("__getitem__", (key,)).await, KEY_ERROR)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn insert<T: Serialize + Sync + ?Sized>(
        &self,
        key: &(impl Serialize + Sync + ?Sized),
        value: &T,
    ) -> Result<(), CallError> {
        self.0.call("__setitem__", (key, value)).await
    }

    /// Removes a key. Returns its value, if there was one.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn remove<T: DeserializeOwned>(
        &self,
        key: &(impl Serialize + Sync + ?Sized),
    ) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("pop", (key,)).await, KEY_ERROR)
    }

    /// Returns the value of a key, which becomes `default` if there is none.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn or_insert<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &(impl Serialize + Sync + ?Sized),
        default: &T,
    ) -> Result<T, CallError> {
        self.0.call("setdefault", (key, default)).await
    }

    /// Returns `true` if there is a key.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn contains(
        &self,
        key: &(impl Serialize + Sync + ?Sized),
    ) -> Result<bool, CallError> {
        self.0.call("__contains__", (key,)).await
    }

    /// Returns the number of keys.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn len(&self) -> Result<usize, CallError> {
        self.0.call("__len__", ()).await
    }

    /// Returns `true` if there is no key.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        Ok(self.len().await? == 0)
    }

    /// Returns a copy of the keys.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn keys<K: DeserializeOwned>(&self) -> Result<Vec<K>, CallError> {
        self.0.call("keys", ()).await
    }

    /// Returns a copy of the values.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>, CallError> {
        self.0.call("values", ()).await
    }

    /// Returns a copy of the keys and values.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn items<K: DeserializeOwned, T: DeserializeOwned>(
        &self,
    ) -> Result<Vec<(K, T)>, CallError> {
        self.0.call("items", ()).await
    }

    /// Sets the values of several keys: of a map, or of a list of pairs.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn update<T: Serialize + Sync + ?Sized>(&self, entries: &T) -> Result<(), CallError> {
        self.0.call("update", (entries,)).await
    }

    /// Removes all keys.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be changed nevertheless.
    pub async fn clear(&self) -> Result<(), CallError> {
        self.0.call("clear", ()).await
    }
}
