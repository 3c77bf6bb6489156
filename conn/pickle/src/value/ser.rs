//! Serialisation of values.
//!
//! A value is serialised as an enum, which the pickle codec recognises by its name. The first
//! occurrence of a shared value is written as `Shared`, and each later one as `Reference` with its
//! number. Shared values are numbered from 0, in the order of their `Shared`. So the sharing
//! survives every codec.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::ser::{Serialize, Serializer};

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
        match value {
            Value::None => serializer.serialize_unit_variant(NAME, ValueKind::None as u32, "None"),
            Value::Bool(truth) => variant(serializer, ValueKind::Bool, truth),
            Value::Int(number) => variant(serializer, ValueKind::Int, number),
            Value::BigInt(number) => {
                bytes(serializer, ValueKind::BigInt, &number.to_signed_bytes_le())
            }
            Value::Float(number) => variant(serializer, ValueKind::Float, number),
            Value::Complex(real, imaginary) => {
                variant(serializer, ValueKind::Complex, &(real, imaginary))
            }
            Value::Str(text) => variant(serializer, ValueKind::Str, text),
            Value::SurrogateStr(text) => bytes(serializer, ValueKind::SurrogateStr, text),
            Value::Bytes(content) => bytes(serializer, ValueKind::Bytes, content),
            Value::ByteArray(content) => bytes(serializer, ValueKind::ByteArray, content),
            Value::List(values) => part(serializer, ValueKind::List, &values[..], numbers),
            Value::Tuple(values) => part(serializer, ValueKind::Tuple, &values[..], numbers),
            Value::Set(values) => part(serializer, ValueKind::Set, &values[..], numbers),
            Value::FrozenSet(values) => {
                part(serializer, ValueKind::FrozenSet, &values[..], numbers)
            }
            Value::Dict(entries) => part(serializer, ValueKind::Dict, &entries[..], numbers),
            Value::Class(class) => {
                let names = (class.module(), class.name());
                variant(serializer, ValueKind::Class, &names)
            }
            Value::Object(object) => {
                let kind = match object.construction {
                    Construction::Call => ValueKind::Reduced,
                    Construction::New => ValueKind::Object,
                };
                part(serializer, kind, &**object, numbers)
            }
            Value::Shared(_) => {
                let value = value.unshared();
                let next = numbers.borrow().len() as u32;
                let known = *numbers.borrow_mut().entry(value).or_insert(next);
                if known < next {
                    return variant(serializer, ValueKind::Reference, &known);
                }
                part(serializer, ValueKind::Shared, value, numbers)
            }
        }
    }
}

fn variant<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    kind: ValueKind,
    content: &T,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_variant(NAME, kind as u32, kind.name(), content)
}

fn bytes<S: Serializer>(serializer: S, kind: ValueKind, bytes: &[u8]) -> Result<S::Ok, S::Error> {
    variant(serializer, kind, &BytesRef(bytes))
}

fn part<'a, S: Serializer, T: ?Sized>(
    serializer: S,
    kind: ValueKind,
    content: &'a T,
    numbers: &'a SharedNumbers,
) -> Result<S::Ok, S::Error>
where
    PartRef<'a, T>: Serialize,
{
    variant(serializer, kind, &PartRef(content, numbers))
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
        let parts = (
            PartRef(&object.callable, numbers),
            PartRef(&object.args[..], numbers),
            PartRef(&object.kwargs[..], numbers),
            PartRef(&object.items[..], numbers),
            PartRef(&object.entries[..], numbers),
            object.state.as_ref().map(|state| PartRef(state, numbers)),
        );
        parts.serialize(serializer)
    }
}

pub(crate) struct BytesRef<'a>(pub(crate) &'a [u8]);

impl Serialize for BytesRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
