//! Lists.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex};

use farcall_pickle::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::dict::iterator;
use crate::managers::object::{
    Answer, MethodCall, Raises, SharedObject, Slice, Stored, compare, debug_by_repr, encode, equal,
    index_of, is_true, lock, names, no_method, slice_of, type_name,
};
use crate::managers::wire::Exception;

/// Maximum elements of a list that is repeated, as in `list * 1000`.
const MAX_REPEATED: usize = 10_000_000;

/// List, as `list` of a `SyncManager`. Its elements stay pickled.
#[derive(Default)]
pub struct List {
    elements: Mutex<Vec<Stored>>,
}

impl List {
    /// Creates a list without elements.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let [elements] = call.bind(["iterable"], 0)?;
        let elements = elements.map(|elements| elements.elements()).transpose()?;
        Ok(Arc::new(Self {
            elements: Mutex::new(elements.unwrap_or_default()),
        }))
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.elements).len()
    }

    /// Returns `true` if there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an element at the end.
    ///
    /// # Errors
    /// `TypeError` if the value cannot be pickled.
    pub fn push<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Exception> {
        let value = encode(value)?.into();
        lock(&self.elements).push(value);
        Ok(())
    }

    /// Returns all elements.
    ///
    /// # Errors
    /// `TypeError` if one of them is not a `T`.
    pub fn to_vec<T: DeserializeOwned>(&self) -> Result<Vec<T>, Exception> {
        let elements = self.copied();
        elements.iter().map(Stored::decode).collect()
    }

    fn copied(&self) -> Vec<Stored> {
        lock(&self.elements).clone()
    }

    fn get(&self, index: &Value) -> Raises<Answer> {
        let elements = lock(&self.elements);
        if let Some(slice) = slice_of(index, elements.len())? {
            let selected: Vec<&Stored> = slice.indices.iter().map(|at| &elements[*at]).collect();
            return Answer::of(&selected);
        }
        match index_of(index, elements.len(), "list")? {
            Some(index) => Answer::stored(elements[index].clone()),
            None => Err(out_of_range("list index out of range")),
        }
    }

    fn set(&self, index: &Value, value: Stored) -> Raises<()> {
        let len = self.len();
        if slice_of(index, len)?.is_some() {
            // Outside of the lock: the values may come from this list.
            let values = value
                .elements()
                .map_err(|_| Exception::with_text("TypeError", "can only assign an iterable"))?;
            return self.set_slice(index, values);
        }
        let mut elements = lock(&self.elements);
        let Some(index) = index_of(index, elements.len(), "list")? else {
            return Err(out_of_range("list assignment index out of range"));
        };
        let old = std::mem::replace(&mut elements[index], value);
        drop(elements);
        drop(old);
        Ok(())
    }

    fn set_slice(&self, index: &Value, values: Vec<Stored>) -> Raises<()> {
        let mut elements = lock(&self.elements);
        let Some(slice) = slice_of(index, elements.len())? else {
            return Ok(());
        };
        let Slice {
            start,
            indices,
            step,
        } = slice;
        if step == 1 {
            let old: Vec<Stored> = elements
                .splice(start..start + indices.len(), values)
                .collect();
            drop(elements);
            drop(old);
            return Ok(());
        }
        if values.len() != indices.len() {
            let text = format!(
                "attempt to assign sequence of size {} to extended slice of size {}",
                values.len(),
                indices.len()
            );
            return Err(Exception::with_text("ValueError", text));
        }
        let mut old = Vec::new();
        for (index, value) in indices.into_iter().zip(values) {
            old.push(std::mem::replace(&mut elements[index], value));
        }
        drop(elements);
        drop(old);
        Ok(())
    }

    fn remove_at(&self, index: &Value) -> Raises<()> {
        let mut elements = lock(&self.elements);
        let mut indices = match slice_of(index, elements.len())? {
            Some(slice) => slice.indices,
            None => match index_of(index, elements.len(), "list")? {
                Some(index) => vec![index],
                None => return Err(out_of_range("list assignment index out of range")),
            },
        };
        indices.sort_unstable();
        let mut next = indices.into_iter().peekable();
        let (mut kept, mut old) = (Vec::with_capacity(elements.len()), Vec::new());
        for (index, element) in std::mem::take(&mut *elements).into_iter().enumerate() {
            if next.next_if_eq(&index).is_some() {
                old.push(element);
            } else {
                kept.push(element);
            }
        }
        *elements = kept;
        drop(elements);
        drop(old);
        Ok(())
    }

    /// Returns the place of the first element that equals the value, from `start` to `end`.
    fn find(&self, value: &Value, start: usize, end: usize) -> Raises<Option<usize>> {
        let elements = self.copied();
        for (index, element) in elements.iter().enumerate().take(end).skip(start) {
            if equal(&element.value()?, value) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn pop(&self, index: Option<&Stored>) -> Raises<Answer> {
        let index = match index {
            Some(index) => index.value()?,
            None => (-1).into(),
        };
        let mut elements = lock(&self.elements);
        if elements.is_empty() {
            return Err(out_of_range("pop from empty list"));
        }
        match index_of(&index, elements.len(), "list")? {
            Some(index) => Answer::stored(elements.remove(index)),
            None => Err(out_of_range("pop index out of range")),
        }
    }

    fn sort(&self, call: &mut MethodCall) -> Raises<Answer> {
        let [key, reverse] = call.bind(["key", "reverse"], 0)?;
        if key.is_some_and(|key| !key.is_none()) {
            let text =
                "a list of this manager cannot be sorted by a key: it runs no code of Python";
            return Err(Exception::with_text("TypeError", text));
        }
        let reverse = match reverse {
            Some(reverse) => is_true(&reverse.value()?),
            None => false,
        };
        let mut elements = lock(&self.elements);
        let ranks: Raises<Vec<Value>> = elements.iter().map(Stored::value).collect();
        let mut ranked: Vec<(Value, Stored)> = ranks?.into_iter().zip(elements.clone()).collect();
        let mut failed = None;
        // Stable in either direction, as in Python.
        ranked.sort_by(|(a, _), (b, _)| {
            let order = if reverse {
                compare(b, a)
            } else {
                compare(a, b)
            };
            order.unwrap_or_else(|exception| {
                failed.get_or_insert(exception);
                Ordering::Equal
            })
        });
        if let Some(exception) = failed {
            return Err(exception);
        }
        *elements = ranked.into_iter().map(|(_, element)| element).collect();
        Answer::none()
    }

    fn repeated(&self, argument: &Stored) -> Raises<Vec<Stored>> {
        let times = argument.value()?;
        let Some(count) = times.as_i64() else {
            let text = format!(
                "can't multiply sequence by non-int of type '{}'",
                type_name(&times)
            );
            return Err(Exception::with_text("TypeError", text));
        };
        let count = usize::try_from(count).unwrap_or(0);
        let elements = self.copied();
        let len = elements.len().saturating_mul(count);
        if len > MAX_REPEATED {
            return Err(Exception::new("MemoryError"));
        }
        // Elements share their bytes, but all of them are written out.
        let bytes: usize = elements.iter().map(|one| one.raw().code().len()).sum();
        argument.charge(bytes.saturating_mul(count))?;
        argument.charge_elements(len)?;
        Ok(std::iter::repeat_n(elements, count).flatten().collect())
    }

    fn extend(&self, call: &mut MethodCall) -> Raises<()> {
        let [added] = call.bind_all(["iterable"])?;
        let added = added.elements()?;
        lock(&self.elements).extend(added);
        Ok(())
    }

    fn index(&self, call: &mut MethodCall) -> Raises<Answer> {
        let [value, start, stop] = call.bind(["value", "start", "stop"], 1)?;
        let value = value.unwrap_or_default().value()?;
        let len = self.len();
        let bound = |bound: Option<Stored>, default: usize| -> Raises<usize> {
            let Some(bound) = bound else {
                return Ok(default);
            };
            let bound = bound.value()?.as_i64().unwrap_or(0);
            let bound = if bound < 0 { bound + len as i64 } else { bound };
            Ok(usize::try_from(bound).unwrap_or(0).min(len))
        };
        let (start, end) = (bound(start, 0)?, bound(stop, len)?);
        match self.find(&value, start, end)? {
            Some(index) => Answer::of(&index),
            None => {
                let text = format!("{value} is not in list");
                Err(Exception::with_text("ValueError", text))
            }
        }
    }
}

fn out_of_range(text: &str) -> Exception {
    Exception::with_text("IndexError", text)
}

impl SharedObject for List {
    fn exposed(&self) -> Vec<String> {
        names(&[
            "__add__",
            "__contains__",
            "__delitem__",
            "__getitem__",
            "__iadd__",
            "__imul__",
            "__iter__",
            "__len__",
            "__mul__",
            "__reversed__",
            "__rmul__",
            "__setitem__",
            "append",
            "clear",
            "copy",
            "count",
            "extend",
            "index",
            "insert",
            "pop",
            "remove",
            "reverse",
            "sort",
        ])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "__getitem__" => {
                let [index] = call.bind_all(["index"])?;
                self.get(&index.value()?)
            }
            "__setitem__" => {
                let [index, value] = call.bind_all(["index", "value"])?;
                self.set(&index.value()?, value)?;
                Answer::none()
            }
            "__delitem__" => {
                let [index] = call.bind_all(["index"])?;
                self.remove_at(&index.value()?)?;
                Answer::none()
            }
            "__len__" => Answer::of(&self.len()),
            "__contains__" => {
                let [value] = call.bind_all(["value"])?;
                let found = self.find(&value.value()?, 0, usize::MAX)?;
                Answer::of(&found.is_some())
            }
            "__iter__" => iterator(&self.copied()),
            "__reversed__" => {
                let mut elements = self.copied();
                elements.reverse();
                iterator(&elements)
            }
            "__add__" => {
                let [other] = call.bind_all(["value"])?;
                if !other.raw().is_list() && other.referent().is_none() {
                    let found = other.value()?;
                    let text = format!(
                        "can only concatenate list (not \"{}\") to list",
                        type_name(&found)
                    );
                    return Err(Exception::with_text("TypeError", text));
                }
                let mut elements = self.copied();
                elements.extend(other.elements()?);
                Answer::of(&elements)
            }
            "__mul__" | "__rmul__" => {
                let [times] = call.bind_all(["value"])?;
                Answer::of(&self.repeated(&times)?)
            }
            "__imul__" => {
                let [times] = call.bind_all(["value"])?;
                let repeated = encode(&self.repeated(&times)?)?;
                let elements = times.admit(repeated.clone())?.elements()?;
                let old = std::mem::replace(&mut *lock(&self.elements), elements);
                drop(old);
                Answer::stored(repeated.into())
            }
            "__iadd__" => {
                self.extend(call)?;
                Answer::of(&self.copied())
            }
            "extend" => {
                self.extend(call)?;
                Answer::none()
            }
            "append" => {
                let [value] = call.bind_all(["object"])?;
                lock(&self.elements).push(value);
                Answer::none()
            }
            "insert" => {
                let [index, value] = call.bind_all(["index", "object"])?;
                let index = index
                    .value()?
                    .as_i64()
                    .ok_or_else(|| Exception::with_text("TypeError", "the index must be an int"))?;
                let mut elements = lock(&self.elements);
                let len = elements.len() as i64;
                let index = if index < 0 { index + len } else { index };
                elements.insert(index.clamp(0, len) as usize, value);
                Answer::none()
            }
            "pop" => {
                let [index] = call.bind(["index"], 0)?;
                self.pop(index.as_ref())
            }
            "remove" => {
                let [value] = call.bind_all(["value"])?;
                match self.find(&value.value()?, 0, usize::MAX)? {
                    Some(index) => self.remove_at(&(index as i64).into())?,
                    None => {
                        let text = "list.remove(x): x not in list";
                        return Err(Exception::with_text("ValueError", text));
                    }
                }
                Answer::none()
            }
            "count" => {
                let [value] = call.bind_all(["value"])?;
                let value = value.value()?;
                let mut count = 0;
                for element in self.copied() {
                    count += usize::from(equal(&element.value()?, &value));
                }
                Answer::of(&count)
            }
            "index" => self.index(call),
            "sort" => self.sort(call),
            "reverse" => {
                lock(&self.elements).reverse();
                Answer::none()
            }
            "clear" => {
                let old = std::mem::take(&mut *lock(&self.elements));
                drop(old);
                Answer::none()
            }
            "copy" => Answer::of(&self.copied()),
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let shown = self.value().and_then(|value| value.value());
        shown.map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    fn value(&self) -> Raises<Stored> {
        Ok(encode(&self.copied())?.into())
    }
}

debug_by_repr!(List);
