//! Serialisation of values.
//!
//! A value is serialised as an enum, which the pickle codec recognises by its name. The first
//! occurrence of a shared value is written as `Shared`, and each later one as `Reference` with its
//! number. Shared values are numbered from 0, in the order of their `Shared`. So the sharing
//! survives every codec.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::{Construction, NAME, Object, Value, ValueKind};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = RefCell::default();
        serializer.serialize_newtype_struct(NAME, &PartRef(self, &numbers))
    }
}

/// The numbers of the values shared so far.
type SharedNumbers = RefCell<HashMap<*const Value, u32>>;

/// A part of a value, with the numbers of the whole value.
struct PartRef<'a, T: ?Sized>(&'a T, &'a SharedNumbers);

impl Serialize for PartRef<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value, numbers) = *self;
        let (kind, content) = match value {
            Value::None => {
                return serializer.serialize_unit_variant(NAME, ValueKind::None as u32, "None");
            }
            Value::Bool(truth) => return variant(serializer, ValueKind::Bool, truth),
            Value::Int(number) => return variant(serializer, ValueKind::Int, number),
            Value::BigInt(number) => {
                return variant(
                    serializer,
                    ValueKind::BigInt,
                    &BytesRef(&number.to_signed_bytes_le()),
                );
            }
            Value::Float(number) => return variant(serializer, ValueKind::Float, number),
            Value::Complex(real, imaginary) => {
                return variant(serializer, ValueKind::Complex, &(real, imaginary));
            }
            Value::Str(text) => return variant(serializer, ValueKind::Str, text),
            Value::SurrogateStr(bytes) => {
                return variant(serializer, ValueKind::SurrogateStr, &BytesRef(bytes));
            }
            Value::Bytes(bytes) => return variant(serializer, ValueKind::Bytes, &BytesRef(bytes)),
            Value::ByteArray(bytes) => {
                return variant(serializer, ValueKind::ByteArray, &BytesRef(bytes));
            }
            Value::Dict(entries) => {
                return variant(serializer, ValueKind::Dict, &PartRef(&entries[..], numbers));
            }
            Value::Class(class) => {
                return variant(
                    serializer,
                    ValueKind::Class,
                    &(class.module(), class.name()),
                );
            }
            Value::Object(object) => {
                let kind = match object.construction {
                    Construction::Call => ValueKind::Reduced,
                    Construction::New => ValueKind::Object,
                };
                return variant(serializer, kind, &PartRef(&**object, numbers));
            }
            Value::Shared(_) => {
                let value = value.unshared();
                let next = numbers.borrow().len() as u32;
                let known = *numbers.borrow_mut().entry(value).or_insert(next);
                if known < next {
                    return variant(serializer, ValueKind::Reference, &known);
                }
                return variant(serializer, ValueKind::Shared, &PartRef(value, numbers));
            }
            Value::List(values) => (ValueKind::List, values),
            Value::Tuple(values) => (ValueKind::Tuple, values),
            Value::Set(values) => (ValueKind::Set, values),
            Value::FrozenSet(values) => (ValueKind::FrozenSet, values),
        };
        variant(serializer, kind, &PartRef(&content[..], numbers))
    }
}

fn variant<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    kind: ValueKind,
    content: &T,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_variant(NAME, kind as u32, kind.name(), content)
}

impl Serialize for PartRef<'_, [Value]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| PartRef(value, self.1)))
    }
}

impl Serialize for PartRef<'_, [(Value, Value)]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = self.1;
        let pairs = self.0.iter();
        serializer
            .collect_seq(pairs.map(|(key, value)| (PartRef(key, numbers), PartRef(value, numbers))))
    }
}

impl Serialize for PartRef<'_, Object> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(object, numbers) = *self;
        let mut parts = serializer.serialize_tuple(6)?;
        parts.serialize_element(&PartRef(&object.callable, numbers))?;
        parts.serialize_element(&PartRef(&object.args[..], numbers))?;
        parts.serialize_element(&PartRef(&object.kwargs[..], numbers))?;
        parts.serialize_element(&PartRef(&object.items[..], numbers))?;
        parts.serialize_element(&PartRef(&object.entries[..], numbers))?;
        parts.serialize_element(&object.state.as_ref().map(|state| PartRef(state, numbers)))?;
        parts.end()
    }
}

struct BytesRef<'a>(&'a [u8]);

impl Serialize for BytesRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
