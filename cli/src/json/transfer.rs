//! Serde implementations of `Json`, for the formats of calls.

use std::fmt;

use farcall::DateTime;
use farcall::protocol::VALUE_NEWTYPE;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};

use super::{Json, Number, double};

/// Encodes an argument in any format. [`Json::check`] first refuses numbers that do not fit.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(digits) => match Number::of(digits) {
                Number::Signed(number) => serializer.serialize_i64(number),
                Number::Unsigned(number) => serializer.serialize_u64(number),
                Number::Double(number) => serializer.serialize_f64(number),
                Number::OutOfRange => Err(ser::Error::custom(format_args!(
                    "the integer {digits} does not fit into 64 bits"
                ))),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

/// Decodes a result of any format.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE_NEWTYPE, NewtypeVisitor)
    }
}

/// Asks the deserializer for a value of any type, dates included: see [`VALUE_NEWTYPE`].
struct NewtypeVisitor;

impl<'de> Visitor<'de> for NewtypeVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Json, D::Error> {
        source.deserialize_any(ValueVisitor)
    }
}

/// Accepts a value of any type. A newtype is a date and time, the only type delivered as one.
struct ValueVisitor;

macro_rules! visit {
    ($($method:ident($($content:ident: $type:ty)?) => $json:expr;)*) => {$(
        fn $method<E: de::Error>(self, $($content: $type)?) -> Result<Json, E> {
            Ok($json)
        }
    )*};
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit! {
        visit_none() => Json::Null;
        visit_unit() => Json::Null;
        visit_bool(truth: bool) => Json::Bool(truth);
        visit_i64(number: i64) => Json::Number(number.to_string());
        visit_u64(number: u64) => Json::Number(number.to_string());
        visit_i128(number: i128) => Json::Number(number.to_string());
        visit_u128(number: u128) => Json::Number(number.to_string());
        visit_f64(number: f64) => double(number);
        visit_str(text: &str) => Json::String(text.to_owned());
        visit_string(text: String) => Json::String(text);
        visit_bytes(bytes: &[u8]) => Json::Bytes(bytes.to_vec());
        visit_byte_buf(bytes: Vec<u8>) => Json::Bytes(bytes);
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Json, D::Error> {
        source.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Json, D::Error> {
        let text = String::deserialize(source)?;
        let date: Result<DateTime, _> = text.parse();
        Ok(Json::String(date.map_or(text, |date| date.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use farcall::Value;

    use super::*;

    #[test]
    fn bytes_and_dates_become_text() {
        let json = |value| farcall::from_value::<Json>(value).unwrap().write();
        assert_eq!(json(Value::Bytes(vec![1, 2, 3])), r#""AQID""#);
        let date = "19980717T14:08:55".parse().unwrap();
        assert_eq!(json(Value::DateTime(date)), r#""1998-07-17T14:08:55""#);
        let values = vec![Value::Nil, Value::Int(-1), Value::Double(f64::INFINITY)];
        assert_eq!(json(Value::Array(values)), r#"[null,-1,"inf"]"#);
    }
}
