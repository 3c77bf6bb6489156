//! Forms of collections that serde's data model does not tell apart, each as a module for the
//! attribute `with` of a field.

/// Defines a module for the attribute `with`.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident: $kind:ident;)*) => {$(
        $(#[$doc])*
        pub mod $name {
            use serde::de::{Deserialize, Deserializer};
            use serde::ser::{Serialize, Serializer};

            use crate::names::NewtypeKind;

            /// Serialises a collection in this form.
            ///
            /// # Errors
            /// If it is not a collection of the right kind.
            pub fn serialize<T: Serialize + ?Sized, S: Serializer>(
                collection: &T,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(NewtypeKind::$kind.name(), collection)
            }

            /// Deserialises a collection from this form, and from any other that its type accepts.
            ///
            /// # Errors
            /// If the type does not accept it.
            pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<T, D::Error> {
                T::deserialize(deserializer)
            }
        }
    )*};
}

forms! {
    /// A sequence, such as a `HashSet`, as a `set`.
    set: Set;
    /// A sequence, such as a `BTreeSet`, as a `frozenset`.
    frozenset: FrozenSet;
    /// A sequence, such as a `Vec`, as a `tuple`.
    tuple: Tuple;
    /// A sequence, such as a `VecDeque`, as a `collections.deque`.
    deque: Deque;
    /// A map as a `collections.OrderedDict`.
    ordered_dict: OrderedDict;
    /// A map of numbers as a `collections.Counter`.
    counter: Counter;
}

/// A `Vec<u8>` as a `bytearray`.
pub mod bytearray {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::Serializer;

    use crate::names::NewtypeKind;
    use crate::value::BytesRef;

    /// Serialises bytes as a `bytearray`.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NewtypeKind::ByteArray.name(), &BytesRef(bytes))
    }

    /// Deserialises bytes from a `bytearray` or from `bytes`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        crate::value::ByteBuf::deserialize(deserializer).map(|bytes| bytes.0)
    }
}
