//! Serialisation of values, and conversion of other types to values.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{MAX_DEPTH, Struct, Value, datetime};
use crate::error::{FormatError, FormatErrorKind};
use crate::type_identity::TypeIdentity;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_none(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uint(number) => serializer.serialize_u64(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::DateTime(datetime) => datetime.serialize(serializer),
            Self::DateTimeText(text) => serializer.serialize_newtype_struct(datetime::TEXT, text),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Struct(members) => members.serialize(serializer),
        }
    }
}

impl Serialize for Struct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Converts any serialisable type to a value.
///
/// ```
/// let value = farcall::to_value(&(1, "two", [3.0])).unwrap();
/// assert_eq!(value.to_string(), r#"[1, "two", [3.0]]"#);
/// ```
///
/// # Errors
/// If an integer does not fit into 64 bits, a key of a map is not a string, integer or boolean, or
/// the values are nested more than 255 deep.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, FormatError> {
    into_value(value, MAX_DEPTH)
}

fn into_value<T: Serialize + ?Sized>(value: &T, depth: u8) -> Result<Value, FormatError> {
    let converted = value.serialize(ToValue { depth })?;
    Ok(match converted {
        // Serde serialises a vector of bytes as a sequence of numbers.
        Value::Array(values) if TypeIdentity::of::<T>().is_bytes() => {
            let byte = |value: &Value| value.as_i64().and_then(|n| u8::try_from(n).ok());
            match values.iter().map(byte).collect() {
                Some(bytes) => Value::Bytes(bytes),
                None => Value::Array(values),
            }
        }
        converted => converted,
    })
}

fn unrepresentable(message: impl Into<String>) -> FormatError {
    FormatError::new(FormatErrorKind::Unrepresentable, message)
}

fn beyond(number: impl std::fmt::Display) -> FormatError {
    unrepresentable(format!("the integer {number} is beyond 64 bits"))
}

struct ToValue {
    depth: u8,
}

impl ToValue {
    fn nested_depth(&self) -> Result<u8, FormatError> {
        self.depth.checked_sub(1).ok_or_else(|| {
            unrepresentable(format!("the values are nested more than {MAX_DEPTH} deep"))
        })
    }

    fn list(&self, variant: Option<&'static str>) -> Result<ListSerializer, FormatError> {
        Ok(ListSerializer {
            values: Vec::new(),
            variant,
            depth: self.nested_depth()?,
        })
    }

    fn members(&self, variant: Option<&'static str>) -> Result<MembersSerializer, FormatError> {
        Ok(MembersSerializer {
            members: Struct::new(),
            name: String::new(),
            variant,
            depth: self.nested_depth()?,
        })
    }
}

macro_rules! plain {
    ($($method:ident($($content:ident: $type:ty),*) => $value:expr;)*) => {$(
        fn $method(self, $($content: $type),*) -> Result<Value, FormatError> {
            Ok($value)
        }
    )*};
}

macro_rules! compound {
    ($($method:ident($($part:ident: $type:ty),*) => $new:ident($variant:expr) -> $parts:ty;)*) => {$(
        fn $method(self, $($part: $type),*) -> Result<$parts, FormatError> {
            self.$new($variant)
        }
    )*};
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = FormatError;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = ListSerializer;
    type SerializeMap = MembersSerializer;
    type SerializeStruct = MembersSerializer;
    type SerializeStructVariant = MembersSerializer;

    plain! {
        serialize_none() => Value::Nil;
        serialize_unit() => Value::Nil;
        serialize_unit_struct(_name: &'static str) => Value::Nil;
        serialize_unit_variant(_name: &'static str, _index: u32, variant: &'static str)
            => variant.into();
        serialize_bool(truth: bool) => truth.into();
        serialize_i8(number: i8) => number.into();
        serialize_i16(number: i16) => number.into();
        serialize_i32(number: i32) => number.into();
        serialize_i64(number: i64) => number.into();
        serialize_u8(number: u8) => Value::Int(number.into());
        serialize_u16(number: u16) => number.into();
        serialize_u32(number: u32) => number.into();
        serialize_u64(number: u64) => number.into();
        serialize_f32(number: f32) => number.into();
        serialize_f64(number: f64) => number.into();
        serialize_char(character: char) => Value::String(character.into());
        serialize_str(text: &str) => text.into();
        serialize_bytes(bytes: &[u8]) => bytes.into();
    }

    compound! {
        serialize_seq(_len: Option<usize>) => list(None) -> ListSerializer;
        serialize_tuple(_len: usize) => list(None) -> ListSerializer;
        serialize_tuple_struct(_name: &'static str, _len: usize) => list(None) -> ListSerializer;
        serialize_tuple_variant(
            _name: &'static str, _index: u32, variant: &'static str, _len: usize
        ) => list(Some(variant)) -> ListSerializer;
        serialize_map(_len: Option<usize>) => members(None) -> MembersSerializer;
        serialize_struct(_name: &'static str, _len: usize) => members(None) -> MembersSerializer;
        serialize_struct_variant(
            _name: &'static str, _index: u32, variant: &'static str, _len: usize
        ) => members(Some(variant)) -> MembersSerializer;
    }

    fn serialize_i128(self, number: i128) -> Result<Value, FormatError> {
        match i64::try_from(number) {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => u64::try_from(number)
                .map(Value::Uint)
                .map_err(|_| beyond(number)),
        }
    }

    fn serialize_u128(self, number: u128) -> Result<Value, FormatError> {
        u64::try_from(number)
            .map(Value::from)
            .map_err(|_| beyond(number))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, FormatError> {
        into_value(value, self.depth)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, FormatError> {
        match into_value(value, self.depth)? {
            Value::String(text) if name == datetime::TEXT => Ok(Value::DateTimeText(text)),
            Value::String(text) if name == datetime::NEWTYPE => {
                let datetime = text
                    .parse()
                    .map_err(|error: datetime::DateTimeError| unrepresentable(error.to_string()))?;
                Ok(Value::DateTime(datetime))
            }
            value => Ok(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, FormatError> {
        let value = into_value(value, self.nested_depth()?)?;
        Ok(wrap(Some(variant), value))
    }
}

/// Wraps the content of a variant in a struct with the variant's name; other values are unchanged.
fn wrap(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Struct([(variant.to_owned(), value)].into_iter().collect()),
        None => value,
    }
}

struct ListSerializer {
    values: Vec<Value>,
    variant: Option<&'static str>,
    depth: u8,
}

macro_rules! as_list {
    ($($part:ident: $method:ident;)*) => {$(
        impl $part for ListSerializer {
            type Ok = Value;
            type Error = FormatError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
                self.values.push(into_value(value, self.depth)?);
                Ok(())
            }

            fn end(self) -> Result<Value, FormatError> {
                Ok(wrap(self.variant, Value::Array(self.values)))
            }
        }
    )*};
}

struct MembersSerializer {
    members: Struct,
    name: String,
    variant: Option<&'static str>,
    depth: u8,
}

impl SerializeMap for MembersSerializer {
    type Ok = Value;
    type Error = FormatError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), FormatError> {
        self.name = match into_value(key, self.depth)? {
            Value::String(name) => name,
            Value::Int(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            other => {
                let kind = other.kind();
                return Err(unrepresentable(format!(
                    "a {kind} cannot be the name of a member"
                )));
            }
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormatError> {
        self.members.insert(
            std::mem::take(&mut self.name),
            into_value(value, self.depth)?,
        );
        Ok(())
    }

    fn end(self) -> Result<Value, FormatError> {
        Ok(wrap(self.variant, Value::Struct(self.members)))
    }
}

macro_rules! as_members {
    ($($part:ident)*) => {$(
        impl $part for MembersSerializer {
            type Ok = Value;
            type Error = FormatError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), FormatError> {
                self.members.insert(name, into_value(value, self.depth)?);
                Ok(())
            }

            fn end(self) -> Result<Value, FormatError> {
                SerializeMap::end(self)
            }
        }
    )*};
}

as_list! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}
as_members! { SerializeStruct SerializeStructVariant }
