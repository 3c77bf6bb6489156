//! Python values of any type.

mod class;
mod convert;
mod de;
mod display;
mod object;
mod ser;

use std::collections::HashSet;
use std::ops::Index;
use std::sync::Arc;

use num_bigint::BigInt;

use crate::error::quoted;

pub use class::Class;
pub(super) use de::{ByteBuf, ValueKind, ValueVisitor};
pub use object::{Construction, Object};
pub(super) use ser::BytesRef;

/// Name of the enum that [`Value`] is serialised as. The pickle codec recognises it, and then keeps
/// the type of every value.
pub const NAME: &str = "$farcall::pickle::Value";

/// A Python value of any type. It is lossless: a value that was read is written as the same value.
///
/// It is for programs that know types only at run time, and for values without a matching Rust
/// type. It can be a part of other types. Other codecs can encode and decode it too, as an ordinary
/// enum.
///
/// # Shared values
/// A value that a pickle refers to more than once is [`Shared`](Self::Shared), so that it is not
/// copied, and so that one object in Python is one object again. Only short texts, bytes and
/// integers (up to 64 bytes), numbers and classes are copied instead. The accessors and comparisons
/// look through `Shared`; in a `match`, use [`unshared`](Self::unshared) first. Values are shared
/// within one outermost `Value` only: two fields of a struct share nothing.
///
/// # Equality
/// Two values are equal if they have the same type and equal contents in the same order. The order
/// also counts in sets and dicts.
///
/// # Depth
/// A decoded value is at most 255 levels deep, in any codec. Encoding, comparing and dropping
/// recurse: a value that a program creates should not be much deeper.
///
/// ```
/// use farcall_pickle::{Value, from_slice, to_vec};
///
/// let point = Value::dict([("x", Value::from(1)), ("tags", Value::from(vec!["a", "b"]))]);
/// let same: Value = from_slice(&to_vec(&point)?)?;
/// assert_eq!(same, point);
/// assert_eq!(same["x"].as_i64(), Some(1));
/// assert_eq!(same["tags"][1].as_str(), Some("b"));
/// assert_eq!(same.to_string(), "{'x': 1, 'tags': ['a', 'b']}");
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Clone, Default)]
pub enum Value {
    /// `None`.
    #[default]
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of 64 bits.
    Int(i64),
    /// An `int` beyond 64 bits.
    BigInt(BigInt),
    /// A `float`.
    Float(f64),
    /// A `complex`: its real and its imaginary part.
    Complex(f64, f64),
    /// A `str`.
    Str(String),
    /// A `str` with lone surrogates, which a Rust string cannot have: UTF-8, except for surrogates,
    /// which are encoded as if they were characters (Python's `surrogatepass`). Python uses them in
    /// file names that are not UTF-8.
    SurrogateStr(Vec<u8>),
    /// A `bytes`.
    Bytes(Vec<u8>),
    /// A `bytearray`.
    ByteArray(Vec<u8>),
    /// A `list`.
    List(Vec<Self>),
    /// A `tuple`.
    Tuple(Vec<Self>),
    /// A `set`.
    Set(Vec<Self>),
    /// A `frozenset`.
    FrozenSet(Vec<Self>),
    /// A `dict`, with its entries in order.
    Dict(Vec<(Self, Self)>),
    /// A class or function.
    Class(Class),
    /// An instance of a class.
    Object(Box<Object>),
    /// A value that is referred to more than once.
    Shared(Arc<Self>),
}

static NONE: Value = Value::None;

impl Value {
    /// Creates a dict of these entries.
    #[must_use]
    pub fn dict<K: Into<Self>, V: Into<Self>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter();
        Self::Dict(
            entries
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }

    /// Returns the value within `Shared`, or the value itself if it is not shared.
    #[must_use]
    pub fn unshared(&self) -> &Self {
        let mut value = self;
        while let Self::Shared(shared) = value {
            value = shared;
        }
        value
    }

    /// Returns the name of its type in Python, for error messages.
    pub(crate) fn kind(&self) -> String {
        match self.unshared() {
            Self::None | Self::Shared(_) => "None".to_owned(),
            Self::Bool(_) => "bool".to_owned(),
            Self::Int(_) | Self::BigInt(_) => "int".to_owned(),
            Self::Float(_) => "float".to_owned(),
            Self::Complex(..) => "complex".to_owned(),
            Self::Str(_) | Self::SurrogateStr(_) => "str".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::ByteArray(_) => "bytearray".to_owned(),
            Self::List(_) => "list".to_owned(),
            Self::Tuple(_) => "tuple".to_owned(),
            Self::Set(_) => "set".to_owned(),
            Self::FrozenSet(_) => "frozenset".to_owned(),
            Self::Dict(_) => "dict".to_owned(),
            Self::Class(class) => format!("the class {}", quoted(&class.to_string())),
            Self::Object(object) => object.class().map_or_else(
                || "an object".to_owned(),
                |class| format!("an instance of {}", quoted(&class.to_string())),
            ),
        }
    }

    /// Returns `true` if it is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.unshared(), Self::None)
    }

    /// Returns the value of this key in a `dict` or an object with entries. The key is a text, a
    /// number or a `Value`. The search is linear.
    #[must_use]
    pub fn get<K: ?Sized>(&self, key: &K) -> Option<&Self>
    where
        Self: PartialEq<K>,
    {
        let mut entries = self.as_dict()?.iter();
        entries
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

/// Defines methods that return the content of a value, shared or not, if it is of the right type.
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident -> $content:ty {
        $($kind:pat $(if $condition:expr)? => $value:expr,)*
    })*) => {
        impl Value {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Option<$content> {
                match self.unshared() {
                    $($kind $(if $condition)? => Some($value),)*
                    _ => None,
                }
            }
        )*}
    };
}

accessors! {
    /// Returns the boolean, if it is a `bool`.
    as_bool -> bool {
        Value::Bool(truth) => *truth,
    }

    /// Returns the number, if it is an `int` of 64 bits.
    as_i64 -> i64 {
        Value::Int(number) => *number,
    }

    /// Returns the number, if it is an `int` of any size.
    as_big_int -> BigInt {
        Value::Int(number) => (*number).into(),
        Value::BigInt(number) => number.clone(),
    }

    /// Returns the number, if it is a `float` or an `int` of 64 bits. An `int` is converted to the
    /// nearest floating-point number.
    as_f64 -> f64 {
        Value::Float(number) => *number,
        Value::Int(number) => *number as f64,
    }

    /// Returns the text, if it is a `str` without lone surrogates.
    as_str -> &str {
        Value::Str(text) => text,
    }

    /// Returns the bytes, if it is a `bytes` or `bytearray`.
    as_bytes -> &[u8] {
        Value::Bytes(bytes) | Value::ByteArray(bytes) => bytes,
    }

    /// Returns the elements, if it is a `list`.
    as_list -> &[Value] {
        Value::List(values) => values,
    }

    /// Returns the elements, if it is a `tuple`.
    as_tuple -> &[Value] {
        Value::Tuple(values) => values,
    }

    /// Returns the elements, if it is a `set` or `frozenset`.
    as_set -> &[Value] {
        Value::Set(values) | Value::FrozenSet(values) => values,
    }

    /// Returns the elements, if it is a list, tuple or set, or an object with items such as a
    /// `deque`.
    elements -> &[Value] {
        Value::List(values)
        | Value::Tuple(values)
        | Value::Set(values)
        | Value::FrozenSet(values) => values,
        Value::Object(object) if !object.items.is_empty() => &object.items,
    }

    /// Returns the entries, if it is a `dict`, or an object with entries such as an `OrderedDict`.
    as_dict -> &[(Value, Value)] {
        Value::Dict(entries) => entries,
        Value::Object(object) if !object.entries.is_empty() => &object.entries,
    }

    /// Returns the class or function, if it is one.
    as_class -> &Class {
        Value::Class(class) => class,
    }

    /// Returns the instance, if it is one.
    as_object -> &Object {
        Value::Object(object) => object,
    }
}

/// Returns the value of this key in a dict, or [`Value::None`] if there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&NONE)
    }
}

/// Returns the element at this index, or [`Value::None`] if there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, index: usize) -> &Self {
        let elements = self.elements().unwrap_or_default();
        elements.get(index).unwrap_or(&NONE)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other, &mut HashSet::new())
    }
}

/// Compares two values. `compared` contains the pairs of shared values that were or are compared:
/// without it, the comparison of nested shared values would take exponential time.
fn equal(a: &Value, b: &Value, compared: &mut HashSet<[*const Value; 2]>) -> bool {
    use Value::*;
    if let (Shared(_), Shared(_)) = (a, b) {
        let (a, b) = (a.unshared(), b.unshared());
        return std::ptr::eq(a, b) || !compared.insert([a, b]) || equal(a, b, compared);
    }
    match (a.unshared(), b.unshared()) {
        (None, None) => true,
        (Bool(a), Bool(b)) => a == b,
        (Int(a), Int(b)) => a == b,
        (BigInt(a), BigInt(b)) => a == b,
        (Float(a), Float(b)) => a == b,
        (Complex(a, i), Complex(b, j)) => a == b && i == j,
        (Str(a), Str(b)) => a == b,
        (SurrogateStr(a), SurrogateStr(b))
        | (Bytes(a), Bytes(b))
        | (ByteArray(a), ByteArray(b)) => a == b,
        (List(a), List(b)) | (Tuple(a), Tuple(b)) | (Set(a), Set(b)) => all_equal(a, b, compared),
        (FrozenSet(a), FrozenSet(b)) => all_equal(a, b, compared),
        (Dict(a), Dict(b)) => pairs_equal(a, b, compared),
        (Class(a), Class(b)) => a == b,
        (Object(a), Object(b)) => {
            a.construction == b.construction
                && equal(&a.callable, &b.callable, compared)
                && all_equal(&a.args, &b.args, compared)
                && pairs_equal(&a.kwargs, &b.kwargs, compared)
                && all_equal(&a.items, &b.items, compared)
                && pairs_equal(&a.entries, &b.entries, compared)
                && match (&a.state, &b.state) {
                    (Some(a), Some(b)) => equal(a, b, compared),
                    (a, b) => a.is_none() && b.is_none(),
                }
        }
        _ => false,
    }
}

fn all_equal(a: &[Value], b: &[Value], compared: &mut HashSet<[*const Value; 2]>) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, compared))
}

fn pairs_equal(
    a: &[(Value, Value)],
    b: &[(Value, Value)],
    compared: &mut HashSet<[*const Value; 2]>,
) -> bool {
    let mut pairs = a.iter().zip(b);
    a.len() == b.len()
        && pairs.all(|(a, b)| equal(&a.0, &b.0, compared) && equal(&a.1, &b.1, compared))
}
