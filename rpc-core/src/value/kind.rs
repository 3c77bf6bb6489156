//! Kinds of values, as introspection names them.

use std::any::type_name;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use super::{DateTime, Struct};

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

/// The names of these types, as the compiler gives them.
macro_rules! names {
    ($($type:ty),*) => { &[$(type_name::<$type>()),*] };
}

impl Kind {
    /// Guesses the kind that a result of type `T` is serialized as. Types of the standard library
    /// and of this crate are known; others are [`Kind::Any`].
    ///
    /// `Serialize` cannot be probed without a value, and there is none before the first call. A
    /// wrong guess only affects the introspection text, never a result.
    #[must_use]
    pub fn of_result<T: ?Sized>() -> Self {
        Self::of_type_name(type_name::<T>())
    }

    /// Compares a name with those of known types, paths included: two types of different modules
    /// have different names. Of a generic type with any parameters there is no identity to compare.
    fn of_type_name(name: &str) -> Self {
        let name = name.trim_start_matches('&').trim_start_matches("mut ");
        let known: [(Self, &[&str]); 9] = [
            (Self::Nil, names![()]),
            (Self::Boolean, names![bool]),
            (
                Self::Int,
                names![
                    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
                ],
            ),
            (Self::Double, names![f32, f64]),
            (Self::String, names![str, char, String, Path, PathBuf]),
            (Self::Bytes, names![[u8], Vec<u8>, Bytes]),
            (Self::Bytes, &["serde_bytes::bytebuf::ByteBuf"]),
            (Self::DateTime, names![DateTime]),
            (Self::Struct, names![Struct]),
        ];
        if let Some((kind, _)) = known.iter().find(|(_, names)| names.contains(&name)) {
            return *kind;
        }
        let (path, generics) = name.split_once('<').unwrap_or((name, ""));
        let is_one_of = |names: &[&str]| {
            let mut paths = names.iter().filter_map(|name| name.split_once('<'));
            paths.any(|(other, _)| other == path)
        };
        if is_one_of(names![Box<()>, Arc<()>, Rc<()>, Cow<'static, ()>]) {
            let content = generics.trim_start_matches("'_, ");
            return Self::of_type_name(content.strip_suffix('>').unwrap_or(content));
        }
        let is_list = is_one_of(names![
            Vec<()>,
            VecDeque<()>,
            LinkedList<()>,
            HashSet<()>,
            BTreeSet<()>
        ]);
        // The names of slices, arrays and tuples have no path.
        if is_list || name.starts_with(['[', '(']) {
            return Self::Array;
        }
        let is_map = is_one_of(names![HashMap<(), ()>, BTreeMap<(), ()>]);
        if is_map || path == "indexmap::map::IndexMap" {
            Self::Struct
        } else {
            Self::Any
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn results_are_described_by_their_types() {
        let cases = [
            (Kind::of_result::<()>(), Kind::Nil),
            (Kind::of_result::<u8>(), Kind::Int),
            (Kind::of_result::<&str>(), Kind::String),
            (Kind::of_result::<String>(), Kind::String),
            (Kind::of_result::<Vec<u8>>(), Kind::Bytes),
            (Kind::of_result::<Vec<Vec<u8>>>(), Kind::Array),
            (Kind::of_result::<[f64; 3]>(), Kind::Array),
            (Kind::of_result::<(i32, String)>(), Kind::Array),
            (Kind::of_result::<HashSet<i32>>(), Kind::Array),
            (Kind::of_result::<Cow<'_, [u8]>>(), Kind::Bytes),
            (Kind::of_result::<Box<[u8]>>(), Kind::Bytes),
            (Kind::of_result::<Box<u8>>(), Kind::Int),
            (Kind::of_result::<&Arc<str>>(), Kind::String),
            (Kind::of_result::<Rc<()>>(), Kind::Nil),
            (Kind::of_result::<&mut BTreeMap<u8, u8>>(), Kind::Struct),
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

    /// Fails if a type of a program is taken for a known one that is only called alike.
    #[test]
    fn types_that_are_called_alike_are_not_confused() {
        #[allow(dead_code, reason = "only the types count")]
        mod vec {
            pub(super) struct Vec<T>(T);
            pub(super) struct Box<T>(T);
            pub(super) struct HashMap<K, V>(K, V);
            pub(super) struct String;
            pub(super) struct Bytes;
            pub(super) struct DateTime;
            pub(super) struct Struct;
        }
        for kind in [
            Kind::of_result::<vec::Vec<u8>>(),
            Kind::of_result::<vec::Vec<String>>(),
            Kind::of_result::<vec::Box<String>>(),
            Kind::of_result::<vec::HashMap<String, u8>>(),
            Kind::of_result::<vec::String>(),
            Kind::of_result::<vec::Bytes>(),
            Kind::of_result::<vec::DateTime>(),
            Kind::of_result::<vec::Struct>(),
            Kind::of_result::<Box<vec::String>>(),
        ] {
            assert_eq!(kind, Kind::Any);
        }
        let names: HashSet<_> = [
            type_name::<Vec<u8>>(),
            type_name::<vec::Vec<u8>>(),
            type_name::<VecDeque<u8>>(),
            type_name::<Box<u8>>(),
            type_name::<vec::Box<u8>>(),
        ]
        .into();
        assert_eq!(names.len(), 5, "{names:?}");
    }
}
