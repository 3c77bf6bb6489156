//! JSON whose parts stay texts.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Parses a whole text. Nothing that is only skipped takes stack, however deep it is.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    parse_seed(text, PhantomData)
}

/// The same, by a seed.
pub(crate) fn parse_seed<'a, S: DeserializeSeed<'a>>(
    text: &'a str,
    seed: S,
) -> serde_json::Result<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Returns the text of an error without its position.
pub(crate) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position) {
        Some(message) => message.to_owned(),
        None => text,
    }
}

/// The members of an object that have certain names, as they are written. Others are skipped.
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<&'a str>; N],
    /// The first of the names whose member is there twice.
    pub(crate) twice: Option<&'static str>,
}

/// The names of the members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Names<const N: usize>(pub(crate) [&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Names<N> {
    type Value = Members<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, object: D) -> Result<Members<'de, N>, D::Error> {
        object.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Names<N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de, N>, A::Error> {
        let mut members = Members {
            values: [None; N],
            twice: None,
        };
        let mut first_twice = N;
        while let Some(index) = map.next_key_seed(NameIndex(&self.0))? {
            let Some(index) = index else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &RawValue = map.next_value()?;
            if members.values[index].replace(value.get()).is_some() {
                first_twice = first_twice.min(index);
            }
        }
        members.twice = self.0.get(first_twice).copied();
        Ok(members)
    }
}

/// The index of a name, if it is one of these.
struct NameIndex<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for NameIndex<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Option<usize>, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIndex<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|other| *other == name))
    }
}
