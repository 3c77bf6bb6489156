//! Dicts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use farcall_pickle::{Object, Value};
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::managers::object::{
    Answer, Key, MethodCall, Outcome, Raises, SharedObject, Stored, debug_by_repr, encode, lock,
    names, no_method,
};
use crate::managers::wire::Exception;

/// Dict, as `dict` of a `SyncManager`: in the order in which its keys were first set. Values stay
/// pickled, and keys are compared as in Python; instances of classes are equal if their contents
/// are.
///
/// ```
/// use farcall::conn::managers::Dict;
///
/// let prices = Dict::new();
/// prices.insert("apple", &1.5)?;
/// assert_eq!(prices.get::<f64>("apple")?, Some(1.5));
/// assert_eq!(prices.len(), 1);
/// # Ok::<(), farcall::conn::managers::Exception>(())
/// ```
#[derive(Default)]
pub struct Dict {
    entries: Mutex<Entries>,
}

/// The entries, in their order by number.
#[derive(Clone, Default)]
struct Entries {
    numbers: HashMap<Key, u64>,
    entries: BTreeMap<u64, Entry>,
    next: u64,
}

#[derive(Clone)]
struct Entry {
    hashed: Key,
    key: Stored,
    value: Stored,
}

impl Entries {
    fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(self.numbers.get(key)?)
    }

    /// Sets the value of a key. Returns the value that it replaces.
    fn insert(&mut self, hashed: Key, key: Stored, value: Stored) -> Option<Stored> {
        if let Some(number) = self.numbers.get(&hashed)
            && let Some(entry) = self.entries.get_mut(number)
        {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.numbers.insert(hashed.clone(), self.next);
        let entry = Entry { hashed, key, value };
        self.entries.insert(self.next, entry);
        self.next += 1;
        None
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let number = self.numbers.remove(key)?;
        self.entries.remove(&number)
    }

    fn pop_last(&mut self) -> Option<Entry> {
        let (_, entry) = self.entries.pop_last()?;
        self.numbers.remove(&entry.hashed);
        Some(entry)
    }
}

/// Serializes entries as a dict.
struct AsDict<'a>(&'a BTreeMap<u64, Entry>);

impl Serialize for AsDict<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for entry in self.0.values() {
            map.serialize_entry(&entry.key, &entry.value)?;
        }
        map.end()
    }
}

fn key_error(key: &Stored) -> Exception {
    Exception::new("KeyError").with_args([key.value().unwrap_or_default()])
}

impl Dict {
    /// Creates a dict without entries.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let dict = Self::new();
        dict.update(call)?;
        Ok(dict)
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.entries).entries.len()
    }

    /// Returns `true` if there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// `TypeError` if the key or the value cannot be pickled, or the key cannot be hashed.
    pub fn insert<K, V>(&self, key: &K, value: &V) -> Result<(), Exception>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        self.set(encode(key)?.into(), encode(value)?.into())
    }

    /// Returns the value of a key.
    ///
    /// # Errors
    /// `TypeError` if the value is not a `V`, or the key cannot be hashed.
    pub fn get<V: DeserializeOwned>(
        &self,
        key: &(impl Serialize + ?Sized),
    ) -> Result<Option<V>, Exception> {
        let value = self.find(&encode(key)?.into())?;
        value.map(|value| value.decode()).transpose()
    }

    /// Removes a key. Returns `true` if it was there.
    ///
    /// # Errors
    /// `TypeError` if the key cannot be hashed.
    pub fn remove(&self, key: &(impl Serialize + ?Sized)) -> Result<bool, Exception> {
        let key = Stored::from(encode(key)?).key()?;
        let removed = lock(&self.entries).remove(&key);
        Ok(removed.is_some())
    }

    fn find(&self, key: &Stored) -> Raises<Option<Stored>> {
        let key = key.key()?;
        let entries = lock(&self.entries);
        Ok(entries.get(&key).map(|entry| entry.value.clone()))
    }

    fn set(&self, key: Stored, value: Stored) -> Raises<()> {
        let hashed = key.key()?;
        key.charge(hashed.len())?;
        // Dropped after the lock: it may hold objects.
        let old = lock(&self.entries).insert(hashed, key, value);
        drop(old);
        Ok(())
    }

    fn update(&self, call: &mut MethodCall) -> Raises<()> {
        let mut arguments = std::mem::take(&mut call.args);
        if arguments.positional.len() > 1 {
            let given = arguments.positional.len();
            let text = format!("update expected at most 1 argument, got {given}");
            return Err(Exception::with_text("TypeError", text));
        }
        if let Some(other) = arguments.positional.pop() {
            for (key, value) in other.entries()? {
                self.set(key, value)?;
            }
        }
        for (name, value) in arguments.keywords {
            self.set(encode(&name)?.into(), value)?;
        }
        Ok(())
    }

    fn copied(&self) -> Entries {
        lock(&self.entries).clone()
    }

    /// Returns the entries of this and another dict; those of the latter in `call` win.
    fn merged(&self, other: &Stored, is_right: bool) -> Raises<Entries> {
        if !other.raw().is_dict() && other.referent().is_none() {
            let text = "unsupported operand type(s) for |: 'dict' and another type";
            return Err(Exception::with_text("TypeError", text));
        }
        let others = other.entries()?;
        let mut merged = Entries::default();
        let mut add = |key: Stored, value: Stored| -> Raises<()> {
            merged.insert(key.key()?, key, value);
            Ok(())
        };
        let own = self.copied().entries.into_values();
        let own = own.map(|entry| (entry.key, entry.value));
        if is_right {
            others
                .into_iter()
                .chain(own)
                .try_for_each(|(key, value)| add(key, value))?;
        } else {
            own.chain(others)
                .try_for_each(|(key, value)| add(key, value))?;
        }
        Ok(merged)
    }

    /// Returns the keys as an iterator that the client has all of: it needs no calls, and works
    /// for a proxy that was passed on, whose process has no manager to make other proxies with.
    fn iterate(&self, is_reversed: bool) -> Raises<Answer> {
        let keys = self.keys();
        let keys: Vec<Stored> = if is_reversed {
            keys.into_iter().rev().collect()
        } else {
            keys
        };
        iterator(&keys)
    }

    fn keys(&self) -> Vec<Stored> {
        let entries = lock(&self.entries);
        entries
            .entries
            .values()
            .map(|entry| entry.key.clone())
            .collect()
    }

    fn values(&self) -> Vec<Stored> {
        let entries = lock(&self.entries);
        entries
            .entries
            .values()
            .map(|entry| entry.value.clone())
            .collect()
    }
}

/// Returns values as `iter([…])`.
pub(super) fn iterator(values: &[Stored]) -> Raises<Answer> {
    let list: Value = Stored::from(encode(&values)?).decode()?;
    Answer::of(&Value::from(Object::call("iter").with_args([list])))
}

impl SharedObject for Dict {
    fn exposed(&self) -> Vec<String> {
        names(&[
            "__contains__",
            "__delitem__",
            "__getitem__",
            "__ior__",
            "__iter__",
            "__len__",
            "__or__",
            "__reversed__",
            "__ror__",
            "__setitem__",
            "clear",
            "copy",
            "get",
            "items",
            "keys",
            "pop",
            "popitem",
            "setdefault",
            "update",
            "values",
        ])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "__getitem__" => {
                let [key] = call.bind_all(["key"])?;
                match self.find(&key)? {
                    Some(value) => Answer::stored(value),
                    None => Err(key_error(&key)),
                }
            }
            "__setitem__" => {
                let [key, value] = call.bind_all(["key", "value"])?;
                self.set(key, value)?;
                Answer::none()
            }
            "__delitem__" => {
                let [key] = call.bind_all(["key"])?;
                let removed = lock(&self.entries).remove(&key.key()?);
                removed.map_or_else(|| Err(key_error(&key)), |_| Answer::none())
            }
            "__contains__" => {
                let [key] = call.bind_all(["key"])?;
                Answer::boolean(self.find(&key)?.is_some())
            }
            "__len__" => Answer::of(&self.len()),
            "__iter__" => self.iterate(false),
            "__reversed__" => self.iterate(true),
            "__or__" => {
                let [other] = call.bind_all(["value"])?;
                Answer::of(&AsDict(&self.merged(&other, false)?.entries))
            }
            "__ror__" => {
                let [other] = call.bind_all(["value"])?;
                Answer::of(&AsDict(&self.merged(&other, true)?.entries))
            }
            "__ior__" => {
                self.update(call)?;
                Answer::of(&AsDict(&self.copied().entries))
            }
            "get" => {
                let [key, default] = call.bind(["key", "default"], 1)?;
                let found = self.find(&key.unwrap_or_default())?;
                Answer::stored(found.or(default).unwrap_or_default())
            }
            "setdefault" => {
                let [key, default] = call.bind(["key", "default"], 1)?;
                let (key, default) = (key.unwrap_or_default(), default.unwrap_or_default());
                let hashed = key.key()?;
                let mut entries = lock(&self.entries);
                if let Some(entry) = entries.get(&hashed) {
                    return Answer::stored(entry.value.clone());
                }
                entries.insert(hashed, key, default.clone());
                Answer::stored(default)
            }
            "pop" => {
                let [key, default] = call.bind(["key", "default"], 1)?;
                let key = key.unwrap_or_default();
                let removed = lock(&self.entries).remove(&key.key()?);
                match removed.map(|entry| entry.value).or(default) {
                    Some(value) => Answer::stored(value),
                    None => Err(key_error(&key)),
                }
            }
            "popitem" => {
                call.bind_none()?;
                let removed = lock(&self.entries).pop_last();
                match removed {
                    Some(entry) => Ok(Answer::Now(Outcome::Value(
                        entry.value.part_of(encode(&(&entry.key, &entry.value))?),
                    ))),
                    None => Err(Exception::with_text(
                        "KeyError",
                        "popitem(): dictionary is empty",
                    )),
                }
            }
            "update" => {
                self.update(call)?;
                Answer::none()
            }
            "clear" => {
                let old = std::mem::take(&mut *lock(&self.entries));
                drop(old);
                Answer::none()
            }
            "copy" => Answer::stored(self.value()?),
            "keys" => Answer::of(&self.keys()),
            "values" => Answer::of(&self.values()),
            "items" => {
                let entries = self.copied();
                let items = entries.entries.values();
                let items: Vec<_> = items.map(|entry| (&entry.key, &entry.value)).collect();
                Answer::of(&items)
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let shown = self.value().and_then(|value| value.value());
        shown.map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    fn value(&self) -> Raises<Stored> {
        Ok(encode(&AsDict(&self.copied().entries))?.into())
    }
}

debug_by_repr!(Dict);
