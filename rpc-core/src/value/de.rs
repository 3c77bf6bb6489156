//! Deserialisation of values, and of other types from values.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess,
    IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{NEWTYPE, Struct, Value, datetime};
use crate::error::FormatError;

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NEWTYPE, ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for Struct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StructVisitor;

        impl<'de> Visitor<'de> for StructVisitor {
            type Value = Struct;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a struct")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Struct, A::Error> {
                members(map)
            }
        }

        deserializer.deserialize_map(StructVisitor)
    }
}

fn members<'de, A: MapAccess<'de>>(mut map: A) -> Result<Struct, A::Error> {
    let mut members = Struct::new();
    while let Some((name, value)) = map.next_entry::<String, Value>()? {
        members.insert(name, value);
    }
    Ok(members)
}

/// Requests any type from the deserializer: see [`NEWTYPE`].
struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(AnyVisitor)
    }
}

/// Accepts any type. A newtype is a date and time: nothing else is delivered as one.
struct AnyVisitor;

macro_rules! visit {
    ($($method:ident($($content:ident: $type:ty)?) => $value:expr;)*) => {$(
        fn $method<E: de::Error>(self, $($content: $type)?) -> Result<Value, E> {
            Ok($value)
        }
    )*};
}

/// Returns an integer, or its text if it is beyond 64 bits.
fn integer<N: TryInto<i64> + TryInto<u64> + Copy + ToString>(number: N) -> Value {
    let signed: Result<i64, _> = number.try_into();
    let unsigned: Result<u64, _> = number.try_into();
    match (signed, unsigned) {
        (Ok(number), _) => Value::Int(number),
        (_, Ok(number)) => Value::Uint(number),
        _ => Value::String(number.to_string()),
    }
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit! {
        visit_none() => Value::Nil;
        visit_unit() => Value::Nil;
        visit_bool(truth: bool) => Value::Bool(truth);
        visit_i64(number: i64) => Value::Int(number);
        visit_u64(number: u64) => number.into();
        visit_i128(number: i128) => integer(number);
        visit_u128(number: u128) => integer(number);
        visit_f64(number: f64) => Value::Double(number);
        visit_str(text: &str) => Value::String(text.to_owned());
        visit_string(text: String) => Value::String(text);
        visit_bytes(bytes: &[u8]) => Value::Bytes(bytes.to_vec());
        visit_byte_buf(bytes: Vec<u8>) => Value::Bytes(bytes);
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_str(DateTimeVisitor)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        members(map).map(Value::Struct)
    }
}

/// Accepts the text of a date and time, valid or not.
struct DateTimeVisitor;

impl Visitor<'_> for DateTimeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of a date and time")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(match text.parse() {
            Ok(datetime) => Value::DateTime(datetime),
            Err(_) => Value::DateTimeText(text.to_owned()),
        })
    }
}

/// Deserialises any type from a value.
///
/// ```
/// let value: farcall::Value = vec!["a", "b"].into();
/// let texts: Vec<String> = farcall::from_value(value).unwrap();
/// assert_eq!(texts, ["a", "b"]);
/// ```
///
/// # Errors
/// If the value does not fit the type.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, FormatError> {
    T::deserialize(FromValue {
        value,
        dates: Dates::AsStrings,
    })
}

/// Deserializer of a value.
struct FromValue {
    value: Value,
    dates: Dates,
}

/// The form in which a type receives dates.
#[derive(Clone, Copy)]
enum Dates {
    /// Any type: as strings.
    AsStrings,
    /// A [`Value`]: as newtypes, which tell them from strings.
    AsNewtypes,
}

impl FromValue {
    fn seed(dates: Dates) -> impl Fn(Value) -> Self {
        move |value| Self { value, dates }
    }
}

impl Dates {
    fn deliver<'de, V: Visitor<'de>>(
        self,
        text: String,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        match self {
            Self::AsStrings => visitor.visit_string(text),
            Self::AsNewtypes => visitor.visit_newtype_struct(text.into_deserializer()),
        }
    }
}

impl IntoDeserializer<'_, FormatError> for FromValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for FromValue {
    type Error = FormatError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        let dates = self.dates;
        match self.value {
            Value::Nil => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Int(number) => visitor.visit_i64(number),
            Value::Uint(number) => visitor.visit_u64(number),
            Value::Double(number) => visitor.visit_f64(number),
            Value::String(text) => visitor.visit_string(text),
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::DateTime(datetime) => dates.deliver(datetime.to_string(), visitor),
            Value::DateTimeText(text) => dates.deliver(text, visitor),
            Value::Array(values) => {
                let mut seq = SeqDeserializer::new(values.into_iter().map(Self::seed(dates)));
                let result = visitor.visit_seq(&mut seq)?;
                seq.end()?;
                Ok(result)
            }
            Value::Struct(members) => {
                let seed = Self::seed(dates);
                let members = members.into_iter().map(|(name, value)| (name, seed(value)));
                let mut map = MapDeserializer::new(members);
                let result = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(result)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        match self.value {
            Value::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FormatError> {
        match self.value {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        match (name, self.value) {
            (datetime::NEWTYPE, Value::DateTime(datetime)) => {
                visitor.visit_string(datetime.to_string())
            }
            (datetime::NEWTYPE, Value::DateTimeText(text)) => visitor.visit_string(text),
            (datetime::NEWTYPE, value) => Err(de::Error::custom(format_args!(
                "expected dateTime.iso8601, found {}",
                value.kind()
            ))),
            (NEWTYPE, value) => visitor.visit_newtype_struct(Self {
                value,
                dates: Dates::AsNewtypes,
            }),
            (_, value) => visitor.visit_newtype_struct(Self {
                value,
                dates: self.dates,
            }),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        let dates = self.dates;
        let (variant, content) = match self.value {
            Value::String(variant) => (variant, None),
            Value::Struct(members) => {
                let mut members = members.into_iter();
                match (members.next(), members.next()) {
                    (Some((variant, content)), None) => (variant, Some(content)),
                    _ => {
                        return Err(de::Error::custom(
                            "expected a variant, found a struct that has not exactly one member",
                        ));
                    }
                }
            }
            other => {
                let kind = other.kind();
                return Err(de::Error::custom(format_args!(
                    "expected a variant, found {kind}"
                )));
            }
        };
        let content = content.map(Self::seed(dates));
        visitor.visit_enum(Variant { variant, content })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple_struct map struct identifier ignored_any
    }
}

/// The variant of an enum, and its content if it has any.
struct Variant {
    variant: String,
    content: Option<FromValue>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = FormatError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), FormatError> {
        let name = seed.deserialize(self.variant.as_str().into_deserializer())?;
        Ok((name, self))
    }
}

impl Variant {
    fn content(self) -> Result<FromValue, FormatError> {
        let variant = self.variant;
        let missing = || de::Error::custom(format_args!("the variant `{variant}` needs content"));
        self.content.ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = FormatError;

    fn unit_variant(self) -> Result<(), FormatError> {
        match self.content {
            None => Ok(()),
            Some(content) => <()>::deserialize(content),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, FormatError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, FormatError> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FormatError> {
        self.content()?.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::value::{DateTime, to_value};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        unit: (),
        truth: bool,
        number: i32,
        double: f64,
        text: String,
        letter: char,
        bytes: Vec<u8>,
        no_bytes: Vec<u8>,
        when: DateTime,
        list: Vec<Option<i64>>,
        tuple: (u8, String),
        shapes: Vec<Shape>,
        any: Value,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Dot,
        Circle(f64),
        Line(i32, i32),
        Rectangle { width: i32, height: i32 },
    }

    fn everything() -> Everything {
        Everything {
            unit: (),
            truth: true,
            number: -7,
            double: 0.5,
            text: "text".to_owned(),
            letter: 'ß',
            bytes: vec![0, 255],
            no_bytes: Vec::new(),
            when: "20261120T21:40:00".parse().unwrap(),
            list: vec![Some(1), None],
            tuple: (1, "two".to_owned()),
            shapes: vec![
                Shape::Dot,
                Shape::Circle(1.5),
                Shape::Line(1, 2),
                Shape::Rectangle {
                    width: 3,
                    height: 4,
                },
            ],
            any: Value::DateTime("19980717T14:08:55Z".parse().unwrap()),
        }
    }

    #[test]
    fn any_type_survives_being_a_value() {
        let value = to_value(&everything()).unwrap();
        assert_eq!(value["bytes"], Value::Bytes(vec![0, 255]));
        assert_eq!(value["no_bytes"], Value::Bytes(Vec::new()));
        assert!(value["when"].as_datetime().is_some());
        assert!(value["any"].as_datetime().is_some());
        assert_eq!(value["shapes"][0].as_str(), Some("Dot"));
        let same: Value = from_value(value.clone()).unwrap();
        assert_eq!(same, value, "a value is read as itself, dates included");
        assert_eq!(from_value::<Everything>(value).unwrap(), everything());
    }

    #[test]
    fn values_of_other_formats() {
        let json = r#"{"z":[1,2.5,"x",null,true],"a":{"big":18446744073709551615}}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(value["a"]["big"], Value::Uint(u64::MAX));
        assert_eq!(
            from_value::<u64>(value["a"]["big"].clone()).unwrap(),
            u64::MAX
        );
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(value["z"][3], Value::Nil);
        let back = serde_json::to_string(&value["z"]).unwrap();
        assert_eq!(back, r#"[1,2.5,"x",null,true]"#);
        let when = Value::DateTime("20261120T21:40:00".parse().unwrap());
        let as_json: serde_json::Value = from_value(vec![when].into()).unwrap();
        assert_eq!(as_json[0], "2026-11-20T21:40:00");
    }

    #[test]
    fn an_invalid_date_keeps_its_text() {
        let never = Value::DateTimeText("00000000T00:00:00".to_owned());
        let values = Value::Array(vec![never.clone(), Value::Nil]);
        assert_eq!(from_value::<Value>(values.clone()).unwrap(), values);
        assert_eq!(to_value(&values).unwrap(), values);
        assert_eq!(never.kind().to_string(), "dateTime.iso8601");
        assert_eq!(never.as_datetime(), None);
        assert_eq!(never.to_string(), r#""00000000T00:00:00""#);
        assert_eq!(
            from_value::<String>(never.clone()).unwrap(),
            "00000000T00:00:00"
        );
        let error = from_value::<DateTime>(never).unwrap_err();
        assert!(error.to_string().contains("month"), "{error}");
    }

    #[test]
    fn a_value_that_does_not_fit_the_type_is_an_error() {
        assert_eq!(to_value(&u64::MAX).unwrap(), Value::Uint(u64::MAX));
        assert!(to_value(&u128::MAX).is_err());
        assert!(to_value(&std::collections::HashMap::from([((), 1)])).is_err());
        assert!(from_value::<i32>("1".into()).is_err());
        assert!(from_value::<Shape>(0.into()).is_err(), "no position");
        assert!(from_value::<(i32, i32)>(vec![1, 2, 3].into()).is_err());
        assert!(from_value::<u8>(256.into()).is_err());
        assert!(
            from_value::<f64>(2.into()).is_ok(),
            "a whole number is a number"
        );
        let text = from_value::<DateTime>("20000101T00:00:00".into()).unwrap_err();
        assert_eq!(text.to_string(), "expected dateTime.iso8601, found string");
    }

    #[test]
    fn depth_is_limited() {
        let nest = |depth| (0..depth).fold(Value::Nil, |value, _| Value::Array(vec![value]));
        assert!(to_value(&nest(255)).is_ok());
        let error = to_value(&nest(256)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the values are nested more than 255 deep"
        );
    }
}
