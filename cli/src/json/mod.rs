//! Values as JSON, for arguments and results.

mod python;
mod transfer;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use farcall::protocol::output::is_harmless;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};
use serde_json::value::RawValue;

/// Maximum depth of JSON arguments and results.
const MAX_DEPTH: u8 = 128;

/// Advice for arguments that are no JSON, or numbers that cannot be sent.
pub(crate) const ADVICE: &str = "to send a string, quote it: '\"…\"'";

/// A JSON value. Numbers are kept as text, since JSON does not limit them and they must not change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    /// Bytes: base64 text in JSON.
    Bytes(Vec<u8>),
    Array(Vec<Self>),
    /// The members in order.
    Object(Vec<(String, Self)>),
}

/// Parses an argument: JSON, or else a string.
///
/// # Errors
/// If it begins with `[`, `{` or `"` but is not JSON, and as for [`read_content`].
pub(crate) fn read(text: &str) -> Result<Json, String> {
    match serde_json::from_str(text) {
        Ok(raw) => within_limits(raw),
        Err(error) => match text.trim_start().as_bytes().first() {
            Some(b'[' | b'{' | b'"') => Err(format!("this is not JSON: {error}")),
            _ => Ok(Json::String(text.to_owned())),
        },
    }
}

/// Parses the content of a file: JSON, or else a string, whatever it begins with.
///
/// # Errors
/// If it is JSON that is nested too deep, or has a string that is not Unicode. As a string, it
/// would arrive as something else than was meant.
pub(crate) fn read_content(content: String) -> Result<Json, String> {
    match serde_json::from_str(&content) {
        Ok(raw) => within_limits(raw),
        Err(_) => Ok(Json::String(content)),
    }
}

fn within_limits(raw: &RawValue) -> Result<Json, String> {
    expand(raw, MAX_DEPTH).map_err(|error| format!("this JSON cannot be sent: {error}"))
}

/// Parses JSON.
pub(crate) fn parse(text: &str) -> serde_json::Result<Json> {
    expand(serde_json::from_str(text)?, MAX_DEPTH)
}

fn expand(raw: &RawValue, depth: u8) -> serde_json::Result<Json> {
    let text = raw.get();
    let inside = || {
        let too_deep = || de::Error::custom(format_args!("nested deeper than {MAX_DEPTH} levels"));
        depth.checked_sub(1).ok_or_else(too_deep)
    };
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let (depth, members) = (inside()?, serde_json::from_str::<Members<'_>>(text)?.0);
            let member = |(name, value)| Ok((name, expand(value, depth)?));
            let members = members.into_iter().map(member);
            Json::Object(members.collect::<serde_json::Result<_>>()?)
        }
        Some(b'[') => {
            let (depth, values) = (inside()?, serde_json::from_str::<Vec<&RawValue>>(text)?);
            let values = values.into_iter().map(|value| expand(value, depth));
            Json::Array(values.collect::<serde_json::Result<_>>()?)
        }
        Some(b'"') => Json::String(serde_json::from_str(text)?),
        Some(b't' | b'f') => Json::Bool(serde_json::from_str(text)?),
        Some(b'n') => Json::Null,
        _ => Json::Number(text.to_owned()),
    })
}

/// The members of an object in order, with unparsed values.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

impl Json {
    /// Creates a number, which is written as JSON writes it.
    pub(crate) fn number(number: &impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    /// Creates a string.
    pub(crate) fn text(text: &(impl ToString + ?Sized)) -> Self {
        Self::String(text.to_string())
    }

    /// Creates an object with these members.
    pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let members = members.into_iter();
        Self::Object(
            members
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// The members, if it is an object.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements, if it is an array.
    pub(crate) fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The first member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let mut members = self.members().iter();
        members
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text that is the member of this name, or an empty one.
    pub(crate) fn text_of(&self, name: &str) -> String {
        let text = self.member(name).and_then(Self::as_text);
        text.unwrap_or_default().to_owned()
    }

    /// Encodes a result as JSON. Characters that could control a terminal are escaped as `\uXXXX`,
    /// which does not change the value. Bytes are base64 text, dates ISO 8601 text.
    pub(crate) fn write(&self) -> String {
        // Encoding text, and numbers that are JSON, cannot fail.
        let text = serde_json::to_string(&Written(self)).unwrap_or_default();
        if text.chars().all(is_harmless) {
            return text;
        }
        // Such characters occur only within strings.
        let mut escaped = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            if is_harmless(character) {
                escaped.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        escaped
    }

    /// Returns an error that names the first number that cannot be sent, where `max_integer` is the
    /// largest integer.
    pub(crate) fn check(&self, max_integer: u64) -> Result<(), String> {
        match self {
            Self::Number(digits) => match Number::of(digits) {
                Number::Signed(_) => Ok(()),
                Number::Unsigned(number) if number <= max_integer => Ok(()),
                Number::Double(number) if number.is_finite() => Ok(()),
                Number::Double(_) => Err(format!("{digits} is beyond the range of a double")),
                Number::Unsigned(_) | Number::OutOfRange => {
                    let range = format!("{} to {max_integer}", i64::MIN);
                    Err(format!("{digits} is out of the range of integers, {range}"))
                }
            },
            Self::Array(values) => values.iter().try_for_each(|value| value.check(max_integer)),
            Self::Object(members) => members
                .iter()
                .try_for_each(|(_, value)| value.check(max_integer)),
            Self::Null | Self::Bool(_) | Self::String(_) | Self::Bytes(_) => Ok(()),
        }
    }
}

/// Serialises a value as JSON, with its numbers unchanged.
struct Written<'a>(&'a Json);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Number(digits) => {
                let raw = RawValue::from_string(digits.clone());
                raw.map_err(ser::Error::custom)?.serialize(serializer)
            }
            Json::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Json::Array(values) => serializer.collect_seq(values.iter().map(Written)),
            Json::Object(members) => {
                let members = members.iter().map(|(name, value)| (name, Written(value)));
                serializer.collect_map(members)
            }
            other => other.serialize(serializer),
        }
    }
}

/// Converts a double. JSON has no non-finite numbers: they become the strings `nan`, `inf` and
/// `-inf`, as Python writes them.
fn double(number: f64) -> Json {
    match serde_json::Number::from_f64(number) {
        Some(finite) => Json::Number(finite.to_string()),
        None if number.is_nan() => Json::String("nan".to_owned()),
        None => Json::String(number.to_string()),
    }
}

/// A JSON number in the type that it is sent as.
#[derive(Clone, Copy)]
enum Number {
    Signed(i64),
    Unsigned(u64),
    /// An integer outside both ranges.
    OutOfRange,
    Double(f64),
}

impl Number {
    fn of(digits: &str) -> Self {
        if digits.contains(['.', 'e', 'E']) {
            // Rust parses every JSON number; one that is too large becomes infinite.
            return Self::Double(digits.parse().unwrap_or(f64::NAN));
        }
        let signed = digits.parse().map(Self::Signed);
        let unsigned = |_| digits.parse().map(Self::Unsigned);
        signed.or_else(unsigned).unwrap_or(Self::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Json {
        super::read(text).unwrap()
    }

    fn number(digits: &str) -> Json {
        Json::Number(digits.to_owned())
    }

    fn text(text: &str) -> Json {
        Json::String(text.to_owned())
    }

    #[test]
    fn arguments_are_json_or_strings() {
        assert_eq!(read("3"), number("3"));
        assert_eq!(read("-2.5"), number("-2.5"));
        assert_eq!(read("\"3\""), text("3"));
        for word in [
            "bare word",
            "nan",
            "NaN",
            "inf",
            "-Infinity",
            "1 2",
            "0x1",
            "01",
            "",
        ] {
            assert_eq!(read(word), text(word));
        }
        assert_eq!(read("null"), Json::Null);
        assert_eq!(
            read(r#" { "b" : [ 1, true, null ], "a": "x" } "#).write(),
            r#"{"b":[1,true,null],"a":"x"}"#
        );
        let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(matches!(read(&deep(128)), Json::Array(_)));
        for none in ["[1, 2", "{\"a\"}", "\"\\x\"", " [x]"] {
            let error = super::read(none).unwrap_err();
            assert!(error.starts_with("this is not JSON: "), "{error}");
            assert_eq!(read_content(none.to_owned()), Ok(text(none)));
        }
        let members = "{\"a\":".repeat(129) + "1" + &"}".repeat(129);
        for beyond in [&*deep(129), &members, "\"\\ud800\"", "{\"\\ud800\": 1}"] {
            let error = super::read(beyond).unwrap_err();
            assert!(error.starts_with("this JSON cannot be sent: "), "{error}");
            assert_eq!(read_content(beyond.to_owned()), Err(error));
        }
    }

    #[test]
    fn numbers_are_preserved_exactly() {
        for digits in [
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890.5",
            "1e400",
            "9007199254740993",
        ] {
            let json = format!("[{digits}]");
            assert_eq!(parse(&json).unwrap().write(), json);
        }
        let sent =
            |text: &str| serde_json::to_string(&read(text)).map_err(|error| error.to_string());
        assert_eq!(
            sent("18446744073709551615").as_deref(),
            Ok("18446744073709551615")
        );
        assert_eq!(
            sent("-9223372036854775808").as_deref(),
            Ok("-9223372036854775808")
        );
        assert_eq!(sent("1e3").as_deref(), Ok("1000.0"));
        assert!(sent("18446744073709551616").is_err());

        let check = |text: &str, max_integer| {
            read(text)
                .check(max_integer)
                .map_err(|error| error.to_string())
        };
        let signed = i64::MAX.unsigned_abs();
        for (text, max_integer, fits) in [
            ("9223372036854775807", signed, true),
            ("9223372036854775808", signed, false),
            ("9223372036854775808", u64::MAX, true),
            ("18446744073709551615", u64::MAX, true),
            ("18446744073709551616", u64::MAX, false),
            ("-9223372036854775809", u64::MAX, false),
            (r#"{"a":[1,{"b":18446744073709551616}]}"#, u64::MAX, false),
            (r#""18446744073709551616""#, signed, true),
            ("1e308", signed, true),
            ("1e309", signed, false),
        ] {
            assert_eq!(check(text, max_integer).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn non_finite_doubles_become_strings() {
        assert_eq!(double(f64::NAN), text("nan"));
        assert_eq!(double(-f64::NAN), text("nan"));
        assert_eq!(double(f64::INFINITY), text("inf"));
        assert_eq!(double(f64::NEG_INFINITY), text("-inf"));
        assert_eq!(double(1.0), number("1.0"));
    }

    #[test]
    fn control_characters_are_escaped_and_the_value_is_unchanged() {
        let evil = "\u{1b}]52;c;eA==\u{7}\u{7f}\u{9b}2J\u{202e}\u{2028}\u{200b}\u{e0041}é\n🦀";
        let json = Json::Object(vec![(evil.to_owned(), text(evil))]);
        let written = json.write();
        assert!(written.chars().all(is_harmless), "{written}");
        assert!(written.contains(r"\u001b]52;") && written.contains(r"\udb40\udc41é\n🦀"));
        assert_eq!(parse(&written).unwrap(), json);
    }
}
