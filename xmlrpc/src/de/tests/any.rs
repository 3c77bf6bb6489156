//! A type that deserializes from any value.

use serde::Deserialize;

/// Deserializes from any value, as self-describing types do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Any {
    Scalar(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Any;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }
            fn visit_i64<E>(self, v: i64) -> Result<Any, E> {
                Ok(Any::Scalar(format!("int {v}")))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Any, E> {
                Ok(Any::Scalar(format!("double {v}")))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Any, E> {
                Ok(Any::Scalar(format!("boolean {v}")))
            }
            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any::Scalar("nil".to_owned()))
            }
            fn visit_str<E>(self, v: &str) -> Result<Any, E> {
                Ok(Any::Scalar(format!("string {v}")))
            }
            fn visit_byte_buf<E>(self, v: Vec<u8>) -> Result<Any, E> {
                Ok(Any::Bytes(v))
            }
            fn visit_newtype_struct<D: serde::Deserializer<'de>>(
                self,
                d: D,
            ) -> Result<Any, D::Error> {
                String::deserialize(d).map(|text| Any::Scalar(format!("date {text}")))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = seq.next_element()? {
                    list.push(value);
                }
                Ok(Any::List(list))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    list.push(entry);
                }
                Ok(Any::Map(list))
            }
        }
        deserializer.deserialize_any(V)
    }
}
