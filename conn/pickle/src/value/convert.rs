//! Conversions from Rust types, and comparisons with them.

use num_bigint::BigInt;

use super::{Class, Object, Value};

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
    f32 => Float;
    f64 => Float;
    char => Str;
    &str => Str;
    String => Str;
    &[u8] => Bytes;
    Vec<u8> => Bytes;
    Class => Class;
    Object => Object;
}

macro_rules! from_large {
    ($($from:ty)*) => {$(
        impl From<$from> for Value {
            fn from(number: $from) -> Self {
                i64::try_from(number).map_or_else(|_| Self::BigInt(number.into()), Self::Int)
            }
        }
    )*};
}

from_large! { u64 i128 u128 isize usize }

/// Creates an `Int` if the number fits in 64 bits, or else a `BigInt`.
impl From<BigInt> for Value {
    fn from(number: BigInt) -> Self {
        i64::try_from(&number).map_or(Self::BigInt(number), Self::Int)
    }
}

/// Creates a list. There is no `From<u8>`, so that this conversion does not apply to bytes.
impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

/// Creates a list.
impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::None
    }
}

macro_rules! from_tuple {
    ($($name:ident)*) => {
        impl<$($name: Into<Self>),*> From<($($name,)*)> for Value {
            #[allow(non_snake_case, reason = "one letter is both the type and its value")]
            fn from(($($name,)*): ($($name,)*)) -> Self {
                Self::Tuple(vec![$($name.into()),*])
            }
        }
    };
}

from_tuple! { A }
from_tuple! { A B }
from_tuple! { A B C }
from_tuple! { A B C D }

macro_rules! compare {
    ($($type:ty: $value:ident, $other:ident => $is_equal:expr;)*) => {$(
        impl PartialEq<$type> for Value {
            fn eq(&self, $other: &$type) -> bool {
                let $value = self;
                $is_equal
            }
        }
    )*};
}

compare! {
    str: value, text => value.as_str() == Some(text);
    &str: value, text => value.as_str() == Some(*text);
    i64: value, number => value.as_i64() == Some(*number);
    f64: value, number => matches!(value.unshared(), Self::Float(own) if own == number);
    bool: value, truth => value.as_bool() == Some(*truth);
}
