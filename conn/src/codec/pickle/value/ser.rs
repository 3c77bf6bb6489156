//! Writing values.
//!
//! A value is an enum, which the pickle codec recognises by its name. What is shared is written where it
//! is first met, as `Shared`, and from then on as `Reference` with its number: the how-manieth
//! `Shared` it was. So the sharing survives every codec.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::{Construction, Kind, NAME, Object, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = RefCell::default();
        serializer.serialize_newtype_struct(NAME, &Part(self, &numbers))
    }
}

/// The numbers of what was shared so far.
type Numbers = RefCell<HashMap<*const Value, u32>>;

/// A part of a value, with the numbers of the whole.
struct Part<'a, T: ?Sized>(&'a T, &'a Numbers);

impl Serialize for Part<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value, numbers) = *self;
        let (kind, content) = match value {
            Value::None => {
                return serializer.serialize_unit_variant(NAME, Kind::None as u32, "None");
            }
            Value::Bool(truth) => return variant(serializer, Kind::Bool, truth),
            Value::Int(number) => return variant(serializer, Kind::Int, number),
            Value::BigInt(number) => {
                return variant(
                    serializer,
                    Kind::BigInt,
                    &Bytes(&number.to_signed_bytes_le()),
                );
            }
            Value::Float(number) => return variant(serializer, Kind::Float, number),
            Value::Complex(real, imaginary) => {
                return variant(serializer, Kind::Complex, &(real, imaginary));
            }
            Value::Str(text) => return variant(serializer, Kind::Str, text),
            Value::SurrogateStr(bytes) => {
                return variant(serializer, Kind::SurrogateStr, &Bytes(bytes));
            }
            Value::Bytes(bytes) => return variant(serializer, Kind::Bytes, &Bytes(bytes)),
            Value::ByteArray(bytes) => return variant(serializer, Kind::ByteArray, &Bytes(bytes)),
            Value::Dict(entries) => {
                return variant(serializer, Kind::Dict, &Part(&entries[..], numbers));
            }
            Value::Class(class) => {
                return variant(serializer, Kind::Class, &(class.module(), class.name()));
            }
            Value::Object(object) => {
                let kind = match object.construction {
                    Construction::Call => Kind::Reduced,
                    Construction::New => Kind::Object,
                };
                return variant(serializer, kind, &Part(&**object, numbers));
            }
            Value::Shared(_) => {
                let value = value.unshared();
                let next = numbers.borrow().len() as u32;
                let known = *numbers.borrow_mut().entry(value).or_insert(next);
                if known < next {
                    return variant(serializer, Kind::Reference, &known);
                }
                return variant(serializer, Kind::Shared, &Part(value, numbers));
            }
            Value::List(values) => (Kind::List, values),
            Value::Tuple(values) => (Kind::Tuple, values),
            Value::Set(values) => (Kind::Set, values),
            Value::FrozenSet(values) => (Kind::FrozenSet, values),
        };
        variant(serializer, kind, &Part(&content[..], numbers))
    }
}

fn variant<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    kind: Kind,
    content: &T,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_variant(NAME, kind as u32, kind.name(), content)
}

impl Serialize for Part<'_, [Value]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| Part(value, self.1)))
    }
}

impl Serialize for Part<'_, [(Value, Value)]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = self.1;
        let pairs = self.0.iter();
        serializer.collect_seq(pairs.map(|(key, value)| (Part(key, numbers), Part(value, numbers))))
    }
}

impl Serialize for Part<'_, Object> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(object, numbers) = *self;
        let mut parts = serializer.serialize_tuple(6)?;
        parts.serialize_element(&Part(&object.callable, numbers))?;
        parts.serialize_element(&Part(&object.args[..], numbers))?;
        parts.serialize_element(&Part(&object.kwargs[..], numbers))?;
        parts.serialize_element(&Part(&object.items[..], numbers))?;
        parts.serialize_element(&Part(&object.entries[..], numbers))?;
        parts.serialize_element(&object.state.as_ref().map(|state| Part(state, numbers)))?;
        parts.end()
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
