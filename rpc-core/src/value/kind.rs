//! Kinds of values, as introspection names them.

use std::any::type_name;
use std::fmt;

/// The kind of a value, as introspection names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Any kind, or a kind that the type does not determine.
    #[default]
    Any,
    /// No value.
    Nil,
    /// A boolean.
    Boolean,
    /// An integer.
    Int,
    /// A floating-point number.
    Double,
    /// A string.
    String,
    /// Bytes.
    Bytes,
    /// A date and time.
    DateTime,
    /// A list.
    Array,
    /// A struct: named members.
    Struct,
}

/// The type names of XML-RPC's `system.methodSignature`; `undef` for [`Kind::Any`].
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "undef",
            Self::Nil => "nil",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "base64",
            Self::DateTime => "dateTime.iso8601",
            Self::Array => "array",
            Self::Struct => "struct",
        })
    }
}

impl Kind {
    /// Guesses the kind that a result of type `T` is serialized as, from the name of the type.
    /// Types of the standard library and of this crate are known; others are [`Kind::Any`].
    ///
    /// `Serialize` cannot be probed without a value, and there is none before the first call. A
    /// wrong guess only affects the introspection text, never a result.
    #[must_use]
    pub fn of_result<T: ?Sized>() -> Self {
        Self::of_type_name(type_name::<T>())
    }

    fn of_type_name(name: &str) -> Self {
        let name = name.trim_start_matches('&').trim_start_matches("mut ");
        let (path, generics) = name.split_once('<').unwrap_or((name, ""));
        match path.rsplit("::").next().unwrap_or(path) {
            "()" => Self::Nil,
            "bool" => Self::Boolean,
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64"
            | "u128" | "usize" => Self::Int,
            "f32" | "f64" => Self::Double,
            "str" | "char" | "String" | "PathBuf" | "Path" => Self::String,
            "DateTime" if path.starts_with("farcall_core::") => Self::DateTime,
            "Vec" | "Box" if generics == "u8>" || generics == "[u8]>" => Self::Bytes,
            "[u8]" | "ByteBuf" | "Bytes" => Self::Bytes,
            "Vec" | "VecDeque" | "HashSet" | "BTreeSet" | "LinkedList" => Self::Array,
            "HashMap" | "BTreeMap" | "IndexMap" => Self::Struct,
            "Struct" if path.starts_with("farcall_core::") => Self::Struct,
            "Box" | "Arc" | "Rc" | "Cow" => {
                Self::of_type_name(generics.strip_suffix('>').unwrap_or(generics))
            }
            _ if name.starts_with('[') || (name.starts_with('(') && name != "()") => Self::Array,
            _ => Self::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::value::{DateTime, Struct, Value};

    #[test]
    fn results_are_described_from_the_type_name() {
        let cases = [
            (Kind::of_result::<()>(), Kind::Nil),
            (Kind::of_result::<u8>(), Kind::Int),
            (Kind::of_result::<&str>(), Kind::String),
            (Kind::of_result::<String>(), Kind::String),
            (Kind::of_result::<Vec<u8>>(), Kind::Bytes),
            (Kind::of_result::<Vec<Vec<u8>>>(), Kind::Array),
            (Kind::of_result::<[f64; 3]>(), Kind::Array),
            (Kind::of_result::<(i32, String)>(), Kind::Array),
            (
                Kind::of_result::<Box<HashMap<String, Vec<i32>>>>(),
                Kind::Struct,
            ),
            (Kind::of_result::<Struct>(), Kind::Struct),
            (Kind::of_result::<DateTime>(), Kind::DateTime),
            (Kind::of_result::<Value>(), Kind::Any),
        ];
        for (kind, expected) in cases {
            assert_eq!(kind, expected);
        }
    }
}
