//! Serializers that accept few types.

/// Implements the methods of a serde `Serializer` for the types that it refuses, with the error
/// that `self.refuse()` returns. `wrapper` stands for `Some` and newtypes, and `compound` for
/// everything with names or variants.
#[doc(hidden)]
#[macro_export]
macro_rules! refuse_to_serialize {
    (@bool) => { $crate::refuse_to_serialize! { @fn serialize_bool(bool) -> Ok; } };
    (@u8) => { $crate::refuse_to_serialize! { @fn serialize_u8(u8) -> Ok; } };
    (@other_integer) => { $crate::refuse_to_serialize! { @fn
        serialize_i8(i8) -> Ok;
        serialize_i16(i16) -> Ok;
        serialize_i32(i32) -> Ok;
        serialize_i64(i64) -> Ok;
        serialize_u16(u16) -> Ok;
        serialize_u32(u32) -> Ok;
        serialize_u64(u64) -> Ok;
    } };
    (@float) => { $crate::refuse_to_serialize! { @fn
        serialize_f32(f32) -> Ok;
        serialize_f64(f64) -> Ok;
    } };
    (@text) => { $crate::refuse_to_serialize! { @fn
        serialize_char(char) -> Ok;
        serialize_str(&str) -> Ok;
        serialize_unit_variant(&'static str, u32, &'static str) -> Ok;
    } };
    (@bytes) => { $crate::refuse_to_serialize! { @fn serialize_bytes(&[u8]) -> Ok; } };
    (@unit) => { $crate::refuse_to_serialize! { @fn
        serialize_none() -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(&'static str) -> Ok;
    } };
    (@wrapper) => { $crate::refuse_to_serialize! { @generic
        serialize_some();
        serialize_newtype_struct(&'static str);
    } };
    (@list) => {
        type SerializeSeq = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeTuple = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        $crate::refuse_to_serialize! { @fn
            serialize_seq(Option<usize>) -> SerializeSeq;
            serialize_tuple(usize) -> SerializeTuple;
        }
    };
    (@compound) => {
        type SerializeTupleStruct = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeTupleVariant = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeMap = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeStruct = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        type SerializeStructVariant = ::serde::ser::Impossible<Self::Ok, Self::Error>;
        $crate::refuse_to_serialize! { @generic
            serialize_newtype_variant(&'static str, u32, &'static str);
        }
        $crate::refuse_to_serialize! { @fn
            serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> SerializeTupleVariant;
            serialize_map(Option<usize>) -> SerializeMap;
            serialize_struct(&'static str, usize) -> SerializeStruct;
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> SerializeStructVariant;
        }
    };
    (@fn $($method:ident($($argument:ty),*) -> $ok:ident;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Self::$ok, Self::Error> {
            Err(self.refuse())
        }
    )*};
    (@generic $($method:ident($($argument:ty),*);)*) => {$(
        fn $method<T: ::serde::Serialize + ?Sized>(
            self,
            $(_: $argument,)*
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err(self.refuse())
        }
    )*};
    ($($type:ident)*) => {$( $crate::refuse_to_serialize! { @$type } )*};
}
