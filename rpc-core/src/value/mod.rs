//! Values whose type is known only at run time.

#[cfg(any(feature = "jiff", feature = "chrono", feature = "time"))]
mod convert;
pub(crate) mod datetime;
mod de;
mod kind;
mod map;
mod ser;

use std::fmt;
use std::ops::Index;

pub use datetime::{DateTime, DateTimeError, zero_as_none};
pub use de::from_value;
pub use kind::Kind;
pub use map::{Members, Struct};
pub use ser::to_value;

/// The newtype name by which [`Value`] requests any type, including dates, from a deserializer.
///
/// A format with a date type responds to `deserialize_newtype_struct` of this name with
/// `visit_newtype_struct`. It passes a deserializer whose `deserialize_any`, and that of all nested
/// values, delivers a date and time by `visit_newtype_struct` with its text, valid or not. Other
/// formats call `visit_newtype_struct` by default and have no dates.
pub const NEWTYPE: &str = "$farcall::Value";

/// The maximum depth of values in conversions. Deeper values would overflow the stack.
const MAX_DEPTH: u8 = 255;

/// A value of any type that every protocol can carry.
///
/// Plain Rust types are faster and more precise where the types are known; `Value` is for programs
/// that learn types only at run time. It is serialised and deserialised like any other type.
///
/// Integers beyond 64 bits are deserialised as a string, their decimal text; those of JSON, which
/// does not tell integers from other numbers, as the nearest [`Double`](Self::Double).
///
/// ```
/// use farcall::Value;
///
/// let value: Value = serde_json::from_str(r#"{"name": "Ada", "born": [1815, 12, 10]}"#).unwrap();
/// assert_eq!(value["name"].as_str(), Some("Ada"));
/// assert_eq!(value["born"][0].as_i64(), Some(1815));
/// assert_eq!(value["nothing"], Value::Nil);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    #[default]
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond `i64::MAX`. Smaller ones are [`Int`](Self::Int): `Value::from` chooses.
    /// Not every protocol can carry it: XML-RPC can be read with one (as `<ex:biginteger>`), but
    /// writing it is an error that says so.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A string.
    String(String),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A date and time.
    DateTime(DateTime),
    /// The text of an invalid date and time, such as the `00000000T00:00:00` that blogs send for
    /// "never". It is written unchanged; protocols with a date type write it as a date.
    DateTimeText(String),
    /// An array.
    Array(Vec<Self>),
    /// Named members, in their order.
    Struct(Struct),
}

impl Value {
    /// The kind of the value.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Nil,
            Self::Bool(_) => Kind::Boolean,
            Self::Int(_) | Self::Uint(_) => Kind::Int,
            Self::Double(_) => Kind::Double,
            Self::String(_) => Kind::String,
            Self::Bytes(_) => Kind::Bytes,
            Self::DateTime(_) | Self::DateTimeText(_) => Kind::DateTime,
            Self::Array(_) => Kind::Array,
            Self::Struct(_) => Kind::Struct,
        }
    }

    /// Returns `true` if it is `Nil`.
    #[must_use]
    pub const fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The number, if it is one. An integer is converted to the nearest floating-point number.
    #[must_use]
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Double(number) => Some(*number),
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The integer, if it is one and not negative.
    #[must_use]
    pub const fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number @ 0..) => Some(number.unsigned_abs()),
            Self::Uint(number) => Some(*number),
            _ => None,
        }
    }
}

/// Defines methods that return the content of one variant.
macro_rules! contents {
    ($($(#[$doc:meta])* $method:ident -> $type:ty: $variant:ident($content:ident) => $part:expr;)*) => {
        impl Value {$(
            $(#[$doc])*
            #[must_use]
            pub const fn $method(&self) -> Option<$type> {
                match self {
                    Self::$variant($content) => Some($part),
                    _ => None,
                }
            }
        )*}
    };
}

contents! {
    /// The boolean, if it is one.
    as_bool -> bool: Bool(truth) => *truth;
    /// The integer, if it is one of up to `i64::MAX`.
    as_i64 -> i64: Int(number) => *number;
    /// The string, if it is one.
    as_str -> &str: String(text) => text.as_str();
    /// The byte string, if it is one.
    as_bytes -> &[u8]: Bytes(bytes) => bytes.as_slice();
    /// The date and time, if it is one.
    as_datetime -> DateTime: DateTime(datetime) => *datetime;
    /// The array, if it is one.
    as_array -> &[Self]: Array(values) => values.as_slice();
    /// The members, if it is a struct.
    as_struct -> &Struct: Struct(members) => members;
}

/// Returns the member of this name, or `Nil` if there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, name: &str) -> &Self {
        self.as_struct()
            .and_then(|members| members.get(name))
            .unwrap_or(&Self::Nil)
    }
}

/// Returns the element at this index, or `Nil` if there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, index: usize) -> &Self {
        self.as_array()
            .and_then(|values| values.get(index))
            .unwrap_or(&Self::Nil)
    }
}

/// Displays the value for humans: like JSON, with the length of byte strings and dates in ISO 8601.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Uint(number) => number.fmt(f),
            Self::Double(number) => fmt::Debug::fmt(number, f),
            Self::String(text) => fmt::Debug::fmt(text, f),
            Self::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::DateTime(datetime) => datetime.fmt(f),
            Self::DateTimeText(text) => fmt::Debug::fmt(text, f),
            Self::Array(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    value.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Struct(members) => {
                f.write_str("{")?;
                for (i, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{name:?}: {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool;
    i8 => Int;
    i16 => Int;
    i32 => Int;
    i64 => Int;
    u16 => Int;
    u32 => Int;
    f32 => Double;
    f64 => Double;
    &str => String;
    String => String;
    &[u8] => Bytes;
    Vec<u8> => Bytes;
    DateTime => DateTime;
    Struct => Struct;
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Uint(number), Self::Int)
    }
}

// `u8` does not implement `Into<Value>`, so this does not cover `Vec<u8>`, which becomes bytes.
impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_readable() {
        let members: Struct = [
            ("a", Value::Array(vec![1.into(), "x".into()])),
            ("b", Value::Nil),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        assert_eq!(
            Value::from(members).to_string(),
            r#"{"a": [1, "x"], "b": nil}"#
        );
        assert_eq!(Value::from(1.0).to_string(), "1.0");
        assert_eq!(Value::Bytes(vec![0; 3]).to_string(), "<3 bytes>");
        assert_eq!(Value::from(u64::MAX).to_string(), "18446744073709551615");
    }

    #[test]
    fn integers_beyond_i64_are_unsigned() {
        let largest = i64::MAX.unsigned_abs();
        assert_eq!(Value::from(largest), Value::Int(i64::MAX));
        let beyond = Value::from(largest + 1);
        assert_eq!(beyond, Value::Uint(largest + 1));
        assert_eq!((beyond.as_i64(), beyond.as_u64()), (None, Some(1 << 63)));
        assert_eq!(Value::from(-1).as_u64(), None);
        assert_eq!(beyond.as_f64(), Some(9_223_372_036_854_775_808.0));
    }

    #[test]
    fn a_map_can_be_serialized_in_steps() {
        use serde::ser::{Serialize, SerializeMap as _, Serializer};

        struct Steps;

        impl Serialize for Steps {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_key("a")?;
                map.serialize_value(&1)?;
                map.end()
            }
        }

        assert_eq!(to_value(&Steps).unwrap()["a"], Value::Int(1));
    }

    #[test]
    fn bytes_do_not_become_an_array_of_integers() {
        assert_eq!(Value::from(vec![1u8, 2]), Value::Bytes(vec![1, 2]));
        assert_eq!(Value::from(&[1u8, 2][..]), Value::Bytes(vec![1, 2]));
        assert_eq!(Value::from(Some(vec![1u8])), Value::Bytes(vec![1]));
        assert_eq!(Value::from(vec![1u16]), Value::Array(vec![1.into()]));
    }
}
