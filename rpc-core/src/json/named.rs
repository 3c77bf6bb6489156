//! Arguments by name: the members of an object.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::{decode_error, shifted};
use crate::args::FromArgs;
use crate::describe::{Description, Parameter};
use crate::error::{FormatError, FormatErrorKind, Position};
use crate::limits::{DecodeLimiter, Limited};
use crate::output::excerpt;

const NO_NAMES: &str = "the parameters of this method have no names: pass an array";

/// Decodes the arguments of a method from an object with a member for each parameter. Optional
/// parameters can be missing wherever they are. Each value is decoded where it is in the document.
///
/// # Errors
/// If a parameter is missing, unknown or given twice, or as for an array of arguments.
pub(super) fn decode<A: FromArgs>(
    document: &[u8],
    description: &Description,
    limiter: &DecodeLimiter,
    start: impl Fn() -> Position,
) -> Result<A, FormatError> {
    let params = &description.params;
    let mut values = vec![None; params.len()];
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    deserializer.disable_recursion_limit();
    let members = Members {
        params,
        values: &mut values,
    };
    deserializer
        .deserialize_map(members)
        .and_then(|()| deserializer.end())
        .map_err(|error| decode_error(&error, limiter).map_position(|at| shifted(start(), at)))?;
    for (param, value) in params.iter().zip(&values) {
        if value.is_none() && !param.optional {
            let message = match &param.name {
                Some(name) => format!("parameter `{name}` is missing"),
                None => NO_NAMES.to_owned(),
            };
            return Err(FormatError::new(FormatErrorKind::Mismatch, message));
        }
    }
    let current = Cell::new(0);
    let arguments = NamedArguments {
        values: &values,
        current: &current,
    };
    A::deserialize_args(Limited::new(arguments, limiter)).map_err(|error| {
        let index = current.get().saturating_sub(1);
        let error = decode_error(&error, limiter).map_position(|at| {
            let value = values.get(index).copied().flatten();
            let offset = value.map_or(0, |value| {
                value.get().as_ptr().addr() - document.as_ptr().addr()
            });
            shifted(start().after(&document[..offset]), at)
        });
        match params.get(index).and_then(|param| param.name.as_ref()) {
            Some(name) => error.within(|| format!("parameter `{name}`")),
            None => error,
        }
    })
}

/// Visitor of the object, which sorts its members into the declared order.
struct Members<'a, 'de> {
    params: &'a [Parameter],
    values: &'a mut [Option<&'de RawValue>],
}

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(index) = members.next_key_seed(ParameterIndex(self.params))? {
            let value = members.next_value()?;
            if self.values[index].replace(value).is_some() {
                let name = self.params[index].name.as_deref().unwrap_or_default();
                return Err(M::Error::custom(format_args!(
                    "parameter `{name}` is given twice"
                )));
            }
        }
        Ok(())
    }
}

/// The index of the parameter that a member names.
struct ParameterIndex<'a>(&'a [Parameter]);

impl<'de> DeserializeSeed<'de> for ParameterIndex<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ParameterIndex<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a parameter")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        let mut names = self.0.iter().map(|param| param.name.as_deref());
        names
            .position(|other| other == Some(name))
            .ok_or_else(|| match self.0 {
                [param, ..] if param.name.is_some() => {
                    E::custom(format_args!("there is no parameter `{}`", excerpt(name)))
                }
                _ => E::custom(NO_NAMES),
            })
    }
}

/// Deserializer of the arguments as a sequence in the declared order.
struct NamedArguments<'a, 'de> {
    values: &'a [Option<&'de RawValue>],
    /// Number of values that were taken.
    current: &'a Cell<usize>,
}

impl<'de> Deserializer<'de> for NamedArguments<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for NamedArguments<'_, 'de> {
    type Error = serde_json::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, serde_json::Error> {
        let index = self.current.get();
        let Some(value) = self.values.get(index) else {
            return Ok(None);
        };
        self.current.set(index + 1);
        // A missing value is optional.
        let text = value.map_or("null", RawValue::get);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.disable_recursion_limit();
        seed.deserialize(&mut deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::format::Format as _;
    use crate::json::Json;
    use crate::payload::Payload;
    use crate::value::Value;

    fn decode<A: FromArgs>(document: &str, names: &[&str]) -> Result<A, FormatError> {
        let mut params = A::describe();
        for (param, name) in params.iter_mut().zip(names) {
            param.name = Some((*name).to_owned());
        }
        let description = Description {
            params,
            ..Description::default()
        };
        let params = Payload::copied(document.as_bytes());
        Json::default().decode_args(&params.with_attachments(vec![Arc::new(description)]))
    }

    #[test]
    fn members_are_the_arguments_in_any_order() {
        let names = ["a", "b", "c"];
        for (document, expected) in [
            (
                r#"{"a": 1, "b": "x", "c": true}"#,
                (1, Some("x"), Some(true)),
            ),
            (r#"{"c": true, "a": 1}"#, (1, None, Some(true))),
            (r#"{ "\u0061" : 1 }"#, (1, None, None)),
        ] {
            let (a, b, c): (i64, Option<String>, Option<bool>) = decode(document, &names).unwrap();
            assert_eq!((a, b.as_deref(), c), expected, "{document}");
        }
        assert_eq!(decode::<()>("{}", &[]).unwrap(), ());
    }

    #[test]
    fn wrong_members_are_named() {
        let names = ["a", "b"];
        for (document, expected) in [
            (r#"{"a": 1}"#, "parameter `b` is missing"),
            (
                r#"{"a": 1, "b": 2, "x": 3}"#,
                "there is no parameter `x`, at line 1, column 20",
            ),
            (
                r#"{"A": 1, "b": 2}"#,
                "there is no parameter `A`, at line 1, column 4",
            ),
            (
                r#"{"a": 1, "a": 2, "b": 3}"#,
                "parameter `a` is given twice, at line 1, column 15",
            ),
            (
                "{\"b\": 5,\n \"a\": \"x\"}",
                "parameter `a`: invalid type: string \"x\", expected i64, at line 2, column 9",
            ),
        ] {
            let error = decode::<(i64, i64)>(document, &names).unwrap_err();
            assert_eq!(error.to_string(), expected, "{document}");
            assert_eq!(error.kind(), FormatErrorKind::Mismatch);
        }
        let error = decode::<(i64,)>(r#"{"a": 1}"#, &[]).unwrap_err();
        assert!(error.to_string().starts_with(NO_NAMES), "{error}");
    }

    #[test]
    fn values_by_name_have_the_same_limits() {
        let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(200), "]".repeat(200));
        let error = decode::<(Value,)>(&deep, &["a"]).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Limit, "{error}");
    }
}
