//! Values as JSON writes them: bytes as base64, and no numbers that JSON lacks.

use std::cell::Cell;
use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    Serializer,
};

use crate::error::{FormatError, FormatErrorKind};
use crate::output::excerpt;
use crate::refuse_to_serialize;
use crate::type_identity::TypeIdentity;

/// The error of a value, with the path to it: the errors of serde_json have none.
#[derive(Default)]
pub(super) struct Failure(Cell<Option<FormatError>>);

impl Failure {
    /// Returns the error of writing a value.
    pub(super) fn of(&self, error: &impl Display) -> FormatError {
        let new = || FormatError::new(FormatErrorKind::Unrepresentable, error.to_string());
        self.0.take().unwrap_or_else(new)
    }

    /// Adds a step to the path of an error.
    fn within<T, E: Display>(
        &self,
        written: Result<T, E>,
        step: impl FnOnce() -> String,
    ) -> Result<T, E> {
        written.inspect_err(|error| {
            let error = self.of(error);
            self.0.set(Some(error.within(step)));
        })
    }
}

/// A value, and the place of its error.
pub(super) struct Written<'a, T: ?Sized> {
    value: &'a T,
    failure: &'a Failure,
}

impl<'a, T: ?Sized> Written<'a, T> {
    pub(super) const fn new(value: &'a T, failure: &'a Failure) -> Self {
        Self { value, failure }
    }
}

impl<T: Serialize + ?Sized> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // serde presents a vector of bytes as a sequence of numbers.
        if TypeIdentity::of::<T>().is_bytes()
            && let Ok(bytes) = self.value.serialize(ByteCollector(Vec::new()))
        {
            return serializer.serialize_str(&STANDARD.encode(bytes));
        }
        self.value.serialize(Writer {
            inner: serializer,
            failure: self.failure,
        })
    }
}

/// Serializer of what is within a [`Written`].
struct Writer<'a, S> {
    inner: S,
    failure: &'a Failure,
}

/// The parts of a list or an object.
struct Parts<'a, C> {
    inner: C,
    failure: &'a Failure,
    /// The number of elements so far.
    count: usize,
}

impl<S: Serializer> Writer<'_, S> {
    /// Refuses a number that serde_json would write as `null`.
    fn number(number: f64) -> Result<(), S::Error> {
        if number.is_finite() {
            return Ok(());
        }
        Err(S::Error::custom(format_args!(
            "JSON has no number {number}"
        )))
    }
}

macro_rules! forward {
    ($($method:ident($($content:ident: $type:ty),*);)*) => {$(
        fn $method(self, $($content: $type),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($content),*)
        }
    )*};
}

macro_rules! compound {
    ($($method:ident($($content:ident: $type:ty),*) -> $part:ident;)*) => {$(
        fn $method(self, $($content: $type),*) -> Result<Self::$part, S::Error> {
            let failure = self.failure;
            let inner = self.inner.$method($($content),*)?;
            Ok(Parts {
                inner,
                failure,
                count: 0,
            })
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Writer<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<'a, S::SerializeSeq>;
    type SerializeTuple = Parts<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Parts<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<'a, S::SerializeTupleVariant>;
    type SerializeMap = Parts<'a, S::SerializeMap>;
    type SerializeStruct = Parts<'a, S::SerializeStruct>;
    type SerializeStructVariant = Parts<'a, S::SerializeStructVariant>;

    forward! {
        serialize_bool(truth: bool);
        serialize_i8(number: i8);
        serialize_i16(number: i16);
        serialize_i32(number: i32);
        serialize_i64(number: i64);
        serialize_i128(number: i128);
        serialize_u8(number: u8);
        serialize_u16(number: u16);
        serialize_u32(number: u32);
        serialize_u64(number: u64);
        serialize_u128(number: u128);
        serialize_char(character: char);
        serialize_str(text: &str);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    compound! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeStructVariant;
    }

    fn serialize_f32(self, number: f32) -> Result<S::Ok, S::Error> {
        Self::number(number.into())?;
        self.inner.serialize_f32(number)
    }

    fn serialize_f64(self, number: f64) -> Result<S::Ok, S::Error> {
        Self::number(number)?;
        self.inner.serialize_f64(number)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<S::Ok, S::Error> {
        self.inner.serialize_str(&STANDARD.encode(bytes))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner
            .serialize_some(&Written::new(value, self.failure))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = Written::new(value, self.failure);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = Written::new(value, self.failure);
        let inner = self.inner;
        let written = inner.serialize_newtype_variant(name, index, variant, &value);
        self.failure
            .within(written, || format!("variant `{variant}`"))
    }

    fn collect_str<T: Display + ?Sized>(self, text: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(text)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! elements {
    ($($part:ident: $method:ident;)*) => {$(
        impl<C: $part> $part for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.count += 1;
                let written = self.inner.$method(&Written::new(value, self.failure));
                self.failure.within(written, || format!("element {}", self.count))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

macro_rules! members {
    ($($part:ident)*) => {$(
        impl<C: $part> $part for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let value = Written::new(value, self.failure);
                let written = self.inner.serialize_field(name, &value);
                self.failure.within(written, || format!("member `{name}`"))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}
members! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Parts<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.count += 1;
        let value = Written::new(value, self.failure);
        let written = self.inner.serialize_value(&value);
        self.failure
            .within(written, || format!("the value of entry {}", self.count))
    }

    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), C::Error> {
        let written = {
            let value = Written::new(value, self.failure);
            self.inner.serialize_entry(key, &value)
        };
        self.failure
            .within(written, || match serde_json::to_value(key) {
                Ok(serde_json::Value::String(name)) => format!("member `{}`", excerpt(&name)),
                Ok(other) => format!("member `{other}`"),
                Err(_) => "the name of a member".to_owned(),
            })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

/// Collects the bytes of a vector, which serde presents as a sequence of numbers.
struct ByteCollector(Vec<u8>);

/// The error of what is no sequence of bytes.
type NotBytes = serde::de::value::Error;

impl ByteCollector {
    fn refuse(&self) -> NotBytes {
        NotBytes::custom("these are no bytes")
    }
}

impl Serializer for ByteCollector {
    type Ok = Vec<u8>;
    type Error = NotBytes;
    type SerializeSeq = Self;
    type SerializeTuple = Impossible<Vec<u8>, NotBytes>;

    fn serialize_seq(mut self, length: Option<usize>) -> Result<Self, NotBytes> {
        self.0.reserve(length.unwrap_or(0));
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotBytes> {
        Err(self.refuse())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Vec<u8>, NotBytes> {
        Ok(bytes.to_vec())
    }

    refuse_to_serialize! { bool u8 other_integer float text unit wrapper compound }
}

impl SerializeSeq for ByteCollector {
    type Ok = Vec<u8>;
    type Error = NotBytes;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotBytes> {
        self.0.push(value.serialize(ByteOf)?);
        Ok(())
    }

    fn end(self) -> Result<Vec<u8>, NotBytes> {
        Ok(self.0)
    }
}

/// Returns the byte that a value is.
struct ByteOf;

impl ByteOf {
    fn refuse(&self) -> NotBytes {
        NotBytes::custom("this is no byte")
    }
}

impl Serializer for ByteOf {
    type Ok = u8;
    type Error = NotBytes;

    fn serialize_u8(self, byte: u8) -> Result<u8, NotBytes> {
        Ok(byte)
    }

    refuse_to_serialize! { bool other_integer float text bytes unit wrapper list compound }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;
    use crate::Json;
    use crate::value::Value;

    fn written<T: Serialize>(value: T) -> Result<String, String> {
        let mut out = Vec::new();
        let result = Json::default().write(&value, &mut out);
        result.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[derive(serde::Serialize)]
    struct Reading {
        name: &'static str,
        values: Vec<Option<f64>>,
        shape: Option<Shape>,
    }

    #[derive(serde::Serialize)]
    enum Shape {
        Circle(f32),
        Line(f64, f64),
        Box { width: f64 },
    }

    #[test]
    fn bytes_are_base64_wherever_they_are() {
        let bytes = vec![0_u8, 255];
        assert_eq!(written(&bytes).unwrap(), r#""AP8=""#);
        assert_eq!(written(&bytes[..]).unwrap(), r#""AP8=""#);
        assert_eq!(written(Value::Bytes(bytes.clone())).unwrap(), r#""AP8=""#);
        assert_eq!(written(Vec::<u8>::new()).unwrap(), r#""""#);
        let nested = BTreeMap::from([("a", (Some(&bytes), vec![bytes.clone()]))]);
        assert_eq!(written(nested).unwrap(), r#"{"a":["AP8=",["AP8="]]}"#);
        // Lists of other numbers, and arrays of a fixed length, are what serde says.
        assert_eq!(written(vec![1_u16, 2]).unwrap(), "[1,2]");
        assert_eq!(written([1_u8, 2]).unwrap(), "[1,2]");
    }

    #[test]
    fn numbers_that_json_lacks_are_errors_with_their_path() {
        let reading = |values, shape| Reading {
            name: "n",
            values,
            shape,
        };
        let good = reading(vec![Some(1.5), None], Some(Shape::Line(1.0, 2.0)));
        assert_eq!(
            written(good).unwrap(),
            r#"{"name":"n","values":[1.5,null],"shape":{"Line":[1.0,2.0]}}"#
        );
        for (value, expected) in [
            (
                reading(vec![Some(1.5), Some(f64::NAN)], None),
                "element 2 of member `values`: JSON has no number NaN",
            ),
            (
                reading(vec![], Some(Shape::Circle(f32::INFINITY))),
                "variant `Circle` of member `shape`: JSON has no number inf",
            ),
            (
                reading(vec![], Some(Shape::Line(1.0, f64::NEG_INFINITY))),
                "element 2 of member `shape`: JSON has no number -inf",
            ),
            (
                reading(vec![], Some(Shape::Box { width: f64::NAN })),
                "member `width` of member `shape`: JSON has no number NaN",
            ),
        ] {
            assert_eq!(written(value).unwrap_err(), expected);
        }
        assert_eq!(written(f32::NAN).unwrap_err(), "JSON has no number NaN");
        let map = HashMap::from([("a", Value::Array(vec![Value::Double(f64::NAN)]))]);
        assert_eq!(
            written(map).unwrap_err(),
            "element 1 of member `a`: JSON has no number NaN"
        );
    }

    #[test]
    fn parts_that_are_json_already_stay_as_they_are() {
        let raw = serde_json::value::RawValue::from_string("[ 1e400 ]".to_owned()).unwrap();
        assert_eq!(written(vec![raw]).unwrap(), "[[ 1e400 ]]");
        assert_eq!(
            written(serde_json::json!({"a": [1, null]})).unwrap(),
            r#"{"a":[1,null]}"#
        );
    }
}
