//! Values that objects hold.

use std::fmt;
use std::sync::Arc;

use farcall_pickle::{Pickle, RawValue, Value};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::key::Key;
use super::python::iterate;
use super::{Raises, SharedObject};
use crate::managers::wire::Exception;

/// Reference to an object of this manager, out of a value. It keeps the object alive.
pub(crate) trait Reference: Send + Sync {
    fn object(&self) -> &Arc<dyn SharedObject>;
}

/// The things that a stored value holds besides its bytes: it is released with the last clone.
pub(crate) trait StoredGuard: Send + Sync {
    /// Returns the object, if the whole value is a proxy of it.
    fn referent(&self) -> Option<&Arc<dyn SharedObject>>;

    /// Counts more bytes in the budget, until the value is released.
    fn charge(&self, bytes: usize) -> Raises<()>;

    /// Takes another value into the budget, with references to the objects whose proxies are in it.
    fn store(&self, raw: RawValue) -> Raises<Stored>;
}

/// Bytes that an element counts for when it is taken out of a value, beside those of its code: what
/// a container needs for it.
const ELEMENT: usize = 64;

/// A value that stays pickled, with references to the objects whose proxies are in it.
#[derive(Clone)]
pub(crate) struct Stored {
    raw: RawValue,
    guard: Option<Arc<dyn StoredGuard>>,
}

impl Stored {
    pub(crate) fn new(raw: RawValue, guard: Option<Arc<dyn StoredGuard>>) -> Self {
        Self { raw, guard }
    }

    /// Returns a value with the references of another one, which it is a part of.
    pub(crate) fn part_of(&self, raw: RawValue) -> Self {
        Self::new(raw, self.guard.clone())
    }

    pub(crate) const fn raw(&self) -> &RawValue {
        &self.raw
    }

    /// Returns the object that the value is a proxy of.
    pub(crate) fn referent(&self) -> Option<&Arc<dyn SharedObject>> {
        self.guard.as_ref()?.referent()
    }

    /// Returns the hold on the budget and on objects, which outlives the value.
    pub(crate) fn guard(&self) -> Option<Arc<dyn StoredGuard>> {
        self.guard.clone()
    }

    /// Counts memory that is made of this argument in the budget of the manager.
    pub(crate) fn charge(&self, bytes: usize) -> Raises<()> {
        self.guard
            .as_ref()
            .map_or(Ok(()), |guard| guard.charge(bytes))
    }

    /// Counts this number of elements, which are made of this argument.
    pub(crate) fn charge_elements(&self, count: usize) -> Raises<()> {
        self.charge(count.saturating_mul(ELEMENT))
    }

    /// Takes a value into the budget that this argument is in.
    pub(crate) fn admit(&self, raw: RawValue) -> Raises<Self> {
        match &self.guard {
            Some(guard) => guard.store(raw),
            None => Ok(raw.into()),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.raw.is_none()
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Raises<T> {
        let pickle = Pickle::default().max_depth(255);
        self.raw.decode(&pickle).map_err(|error| {
            Exception::with_text("TypeError", format!("the value cannot be read: {error}"))
        })
    }

    /// Decodes the value. Numbers and texts are read without a pickle around them.
    pub(crate) fn value(&self) -> Raises<Value> {
        if let Some(text) = self.raw.as_str() {
            return Ok(text.into());
        }
        match self.raw.code() {
            [b'N'] => Ok(Value::None),
            [0x88] => Ok(true.into()),
            [0x89] => Ok(false.into()),
            _ => match self.raw.as_i32() {
                Some(number) => Ok(number.into()),
                None => self.decode(),
            },
        }
    }

    /// Returns the value as a key of a dict.
    pub(crate) fn key(&self) -> Raises<Key> {
        match self.raw.as_str() {
            Some(text) => Ok(Key::of_text(text)),
            None => Key::of(&self.value()?),
        }
    }

    /// Returns the text of a name.
    pub(crate) fn text(&self) -> Raises<String> {
        match self.raw.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(Exception::with_text("TypeError", "a name must be a str")),
        }
    }

    /// Returns the elements of a list, tuple or set, or of another iterable, or those of a shared
    /// object.
    pub(crate) fn elements(&self) -> Raises<Vec<Self>> {
        if let Some(object) = self.referent() {
            let copy = Arc::clone(object).value()?;
            return self.admit(copy.raw)?.elements();
        }
        if !self.raw.is_dict()
            && let Ok(Some(parts)) = self.raw.parts()
        {
            self.charge_elements(parts.len())?;
            return Ok(parts.into_iter().map(|part| self.part_of(part)).collect());
        }
        let value = self.value()?;
        // Each has a code of its own.
        iterate(&value, &|count| {
            self.charge_elements(count.saturating_mul(2))
        })?
        .iter()
        .map(|element| Ok(self.part_of(super::encode(element)?)))
        .collect()
    }

    /// Returns the entries of a dict, or of an iterable of pairs.
    pub(crate) fn entries(&self) -> Raises<Vec<(Self, Self)>> {
        if let Some(object) = self.referent() {
            let copy = Arc::clone(object).value()?;
            return self.admit(copy.raw)?.entries();
        }
        if self.raw.is_dict()
            && let Ok(Some(parts)) = self.raw.parts()
        {
            // An entry also has a hashed key, and a place in the table.
            self.charge_elements(parts.len().saturating_mul(2))?;
            let mut parts = parts.into_iter().map(|part| self.part_of(part));
            let mut entries = Vec::with_capacity(parts.len() / 2);
            while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                entries.push((key, value));
            }
            return Ok(entries);
        }
        let value = self.value()?;
        if let Some(entries) = value.as_dict() {
            self.charge_elements(entries.len().saturating_mul(4))?;
            return entries
                .iter()
                .map(|(key, value)| {
                    let (key, value) = (super::encode(key)?, super::encode(value)?);
                    Ok((self.part_of(key), self.part_of(value)))
                })
                .collect();
        }
        let pairs = self.elements()?;
        let pairs = pairs.into_iter().enumerate().map(|(index, pair)| {
            let mut pair = pair.elements()?.into_iter();
            match (pair.next(), pair.next(), pair.next()) {
                (Some(key), Some(value), None) => Ok((key, value)),
                _ => Err(Exception::with_text(
                    "ValueError",
                    format!("dictionary update sequence element #{index} is not a pair"),
                )),
            }
        });
        pairs.collect()
    }
}

impl Default for Stored {
    fn default() -> Self {
        Self::new(RawValue::none(), None)
    }
}

impl From<RawValue> for Stored {
    fn from(raw: RawValue) -> Self {
        Self::new(raw, None)
    }
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
