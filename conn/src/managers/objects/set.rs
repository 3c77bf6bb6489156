//! Sets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use farcall_pickle::Value;

use super::dict::iterator;
use crate::managers::object::{
    Answer, Key, MethodCall, Raises, SharedObject, Stored, debug_by_repr, encode, lock, names,
    no_method,
};
use crate::managers::wire::Exception;

type Elements = BTreeMap<Key, Stored>;

/// Set, as `set` of a `SyncManager` of CPython 3.14. Its elements are compared as the keys of a
/// [`Dict`](super::Dict).
#[derive(Default)]
pub struct Set {
    elements: Mutex<Elements>,
}

impl Set {
    /// Creates a set without elements.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let [elements] = call.bind(["iterable"], 0)?;
        Ok(Arc::new(Self {
            elements: Mutex::new(match elements {
                Some(elements) => elements_of(&elements)?,
                None => Elements::new(),
            }),
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

    fn copied(&self) -> Elements {
        lock(&self.elements).clone()
    }

    /// Replaces the elements.
    fn replace(&self, elements: Elements) {
        let old = std::mem::replace(&mut *lock(&self.elements), elements);
        drop(old);
    }

    fn add(&self, element: Stored) -> Raises<()> {
        let key = element.key()?;
        element.charge(key.len())?;
        lock(&self.elements).entry(key).or_insert(element);
        Ok(())
    }

    fn remove(&self, call: &mut MethodCall) -> Raises<(Stored, bool)> {
        let [element] = call.bind_all(["elem"])?;
        let old = lock(&self.elements).remove(&element.key()?);
        Ok((element, old.is_some()))
    }

    /// Returns the arguments, each as a set.
    fn others(call: &mut MethodCall) -> Raises<Vec<Elements>> {
        let arguments = std::mem::take(&mut call.args);
        arguments.positional.iter().map(elements_of).collect()
    }

    /// Returns the result of an operation, by the name of its method or operator.
    fn combined(&self, name: &str, others: Vec<Elements>) -> Elements {
        let mut result = self.copied();
        for other in others {
            result = match name {
                "and" | "intersection" => intersection(result, &other),
                "or" | "union" => union(result, other),
                "sub" | "difference" => difference(result, &other),
                // Operands in the other order: that of the difference counts.
                "rsub" => difference(other, &result),
                _ => union(
                    difference(result.clone(), &other),
                    difference(other, &result),
                ),
            };
        }
        result
    }

    fn compared(&self, name: &str, other: &Elements) -> bool {
        let own = self.copied();
        let is_subset = own.keys().all(|key| other.contains_key(key));
        let is_superset = other.keys().all(|key| own.contains_key(key));
        match name {
            "__le__" | "issubset" => is_subset,
            "__lt__" => is_subset && !is_superset,
            "__ge__" | "issuperset" => is_superset,
            "__gt__" => is_superset && !is_subset,
            _ => !own.keys().any(|key| other.contains_key(key)),
        }
    }
}

fn elements_of(stored: &Stored) -> Raises<Elements> {
    let elements = stored.elements()?.into_iter();
    elements
        .map(|element| {
            let key = element.key()?;
            element.charge(key.len())?;
            Ok((key, element))
        })
        .collect()
}

fn intersection(mut own: Elements, other: &Elements) -> Elements {
    own.retain(|key, _| other.contains_key(key));
    own
}

fn difference(mut own: Elements, other: &Elements) -> Elements {
    own.retain(|key, _| !other.contains_key(key));
    own
}

fn union(mut own: Elements, other: Elements) -> Elements {
    for (key, element) in other {
        own.entry(key).or_insert(element);
    }
    own
}

/// Encodes elements as a set.
fn as_set(elements: &Elements) -> Raises<Stored> {
    let values: Raises<Vec<Value>> = elements.values().map(Stored::value).collect();
    Ok(encode(&Value::Set(values?))?.into())
}

/// The operators, each with the name of its operation.
const OPERATORS: [(&str, &str); 8] = [
    ("__and__", "and"),
    ("__or__", "or"),
    ("__sub__", "sub"),
    ("__xor__", "xor"),
    ("__rand__", "and"),
    ("__ror__", "or"),
    ("__rsub__", "rsub"),
    ("__rxor__", "xor"),
];

impl SharedObject for Set {
    fn exposed(&self) -> Vec<String> {
        names(&[
            "__and__",
            "__contains__",
            "__ge__",
            "__gt__",
            "__iand__",
            "__ior__",
            "__isub__",
            "__iter__",
            "__ixor__",
            "__le__",
            "__len__",
            "__lt__",
            "__or__",
            "__rand__",
            "__ror__",
            "__rsub__",
            "__rxor__",
            "__sub__",
            "__xor__",
            "add",
            "clear",
            "copy",
            "difference",
            "difference_update",
            "discard",
            "intersection",
            "intersection_update",
            "isdisjoint",
            "issubset",
            "issuperset",
            "pop",
            "remove",
            "symmetric_difference",
            "symmetric_difference_update",
            "union",
            "update",
        ])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        let method = call.method.clone();
        if let Some((_, name)) = OPERATORS.iter().find(|(operator, _)| *operator == method) {
            return Answer::stored(as_set(&self.combined(name, Self::others(call)?))?);
        }
        match &*method {
            "__contains__" => {
                let [element] = call.bind_all(["elem"])?;
                let key = element.key()?;
                Answer::of(&lock(&self.elements).contains_key(&key))
            }
            "__len__" => Answer::of(&self.len()),
            "__iter__" => iterator(&self.copied().into_values().collect::<Vec<_>>()),
            "__ge__" | "__gt__" | "__le__" | "__lt__" | "isdisjoint" | "issubset"
            | "issuperset" => {
                let [other] = call.bind_all(["other"])?;
                Answer::of(&self.compared(&method, &elements_of(&other)?))
            }
            "__iand__" | "__ior__" | "__isub__" | "__ixor__" => {
                let name = method.trim_matches('_').trim_start_matches('i');
                self.replace(self.combined(name, Self::others(call)?));
                Answer::stored(self.value()?)
            }
            "difference" | "intersection" | "symmetric_difference" | "union" => {
                Answer::stored(as_set(&self.combined(&method, Self::others(call)?))?)
            }
            "difference_update" | "intersection_update" | "symmetric_difference_update" => {
                let name = method.trim_end_matches("_update");
                self.replace(self.combined(name, Self::others(call)?));
                Answer::none()
            }
            "update" => {
                self.replace(self.combined("union", Self::others(call)?));
                Answer::none()
            }
            "add" => {
                let [element] = call.bind_all(["elem"])?;
                self.add(element)?;
                Answer::none()
            }
            "discard" => {
                self.remove(call)?;
                Answer::none()
            }
            "remove" => match self.remove(call)? {
                (_, true) => Answer::none(),
                (element, false) => Err(Exception::new("KeyError").with_args([element.value()?])),
            },
            "pop" => {
                let popped = lock(&self.elements).pop_first();
                match popped {
                    Some((_, element)) => Answer::stored(element),
                    None => Err(Exception::with_text("KeyError", "pop from an empty set")),
                }
            }
            "clear" => {
                self.replace(Elements::new());
                Answer::none()
            }
            "copy" => Answer::stored(self.value()?),
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let shown = self.value().and_then(|value| value.value());
        shown.map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    fn value(&self) -> Raises<Stored> {
        as_set(&self.copied())
    }
}

debug_by_repr!(Set);
