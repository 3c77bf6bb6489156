//! The format JSON.

mod named;
mod ser;

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Serialize, Serializer, forward_to_deserialize_any};
use serde_json::error::Category;

use self::ser::{Failure, Written};
use crate::args::{Args, FromArgs};
use crate::attachment::{Carrier, encode_with_attachments};
use crate::describe::Description;
use crate::error::{FormatError, FormatErrorKind, Position};
use crate::format::{Format, encoded_reply};
use crate::limits::{DecodeLimiter, Limited};
use crate::payload::Payload;

crate::limited_codec! {
    /// JSON, for peers of every language, and readable by people. It is a codec of connections, and
    /// a [`Format`] of calls whose arguments are an array. Integers are exact, also beyond 2⁵³.
    /// Bytes (`Vec<u8>`, slices, and types that serde calls bytes) are texts in base64 (RFC 4648,
    /// 4); arrays of numbers are read as well. Dates are texts of RFC 3339. NaN and infinities,
    /// which JSON lacks, are errors.
    ///
    /// ```
    /// use farcall::protocol::{Format as _, Payload};
    /// use farcall::Json;
    ///
    /// let json = Json::default();
    /// let params = json.params(&(3, "five"))?;
    /// assert_eq!(params.as_slice(), br#"[3,"five"]"#);
    /// let error = json.decode_args::<(i64, i64)>(&params).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "parameter 2: invalid type: string \"five\", expected i64, at line 1, column 9"
    /// );
    /// # Ok::<(), farcall::FormatError>(())
    /// ```
    Json
}

impl Json {
    /// Appends a value to `out`. After an error, the bytes appended so far are invalid.
    ///
    /// # Errors
    /// If the value cannot be represented in JSON.
    pub fn write<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let failure = Failure::default();
        serde_json::to_writer(out, &Written::new(value, &failure))
            .map_err(|error| failure.of(&error))
    }

    /// Decodes the value of a document. The value must take up the whole document.
    ///
    /// # Errors
    /// If the document is malformed, breaks a limit, or does not fit the type.
    pub fn read<T: DeserializeOwned>(&self, document: &[u8]) -> Result<T, FormatError> {
        let limiter = self.limits.limiter(document).bytes_in_base64();
        let mut deserializer = serde_json::Deserializer::from_slice(document);
        // The limit of serde_json, 128, cannot be changed. The limiter applies the configured one.
        deserializer.disable_recursion_limit();
        limiter
            .seed::<T>()
            .deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value))
            .map_err(|error| decode_error(&error, &limiter))
    }
}

impl Format for Json {
    const NAME: &'static str = "JSON";
    const SYSTEM: &'static str = "jsonrpc";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.write(&AsArray(args), out)
    }

    /// Decodes the arguments of a call from an array. Nothing stands for an empty array. An object
    /// has the arguments by name, if the [`Description`] of the method is attached to it.
    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        let document = match params.as_slice() {
            b"" => b"[]",
            document => document,
        };
        let limiter = self.limits.limiter(document).bytes_in_base64();
        let start = || {
            let counted = || Position::of(params.message(), params.range().start);
            params.start().unwrap_or_else(counted)
        };
        if document.starts_with(b"{") {
            let attached = params.attachments().first();
            let description = attached.and_then(|attached| attached.downcast_ref::<Description>());
            if let Some(description) = description.filter(|method| !is_unnamed(method, document)) {
                return named::decode(document, description, &limiter, start);
            }
        }
        let mut deserializer = serde_json::Deserializer::from_slice(document);
        deserializer.disable_recursion_limit();
        let arguments = ArgumentCount::default();
        let array = ArrayReader {
            deserializer: &mut deserializer,
            arguments: &arguments,
        };
        let decoded = A::deserialize_args(Limited::new(array, &limiter));
        decoded
            .and_then(|args| deserializer.end().map(|()| args))
            .map_err(|error| {
                let error = decode_error(&error, &limiter).map_position(|at| shifted(start(), at));
                match arguments.failed.get() {
                    0 => error,
                    number => error.within(|| format!("parameter {number}")),
                }
            })
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.write(value, out)
    }

    /// Encodes a result. A stream in it is an attachment, and a number in the text.
    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        let mut attachments = None;
        let message = encoded_reply(|out| {
            attachments = encode_with_attachments(Carrier::Json, || self.write(value, out))?;
            Ok(())
        })?;
        let payload = Payload::from(message);
        Ok(match attachments {
            None => payload,
            Some(attachments) => payload.with_attachments(attachments),
        })
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        self.read(reply.as_slice())
    }
}

/// Returns `true` if a method takes any number of parameters, which have no names. Nothing is said
/// by an empty object.
fn is_unnamed(method: &Description, document: &[u8]) -> bool {
    method.variadic && document.contains(&b'"')
}

/// Returns the position of an error in a document, from the start of the value that was decoded and
/// the position of the error in it.
const fn shifted(start: Position, error: Position) -> Position {
    match error.line {
        0 => start,
        1 => Position {
            line: start.line,
            column: start.column + error.column.saturating_sub(1),
        },
        line => Position {
            line: start.line + line - 1,
            column: error.column,
        },
    }
}

fn decode_error(error: &serde_json::Error, limiter: &DecodeLimiter) -> FormatError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let kind = match error.classify() {
        Category::Data => FormatErrorKind::Mismatch,
        // A number in JSON has any size: this one is too large for a double.
        Category::Syntax if text.starts_with("number out of range") => FormatErrorKind::Mismatch,
        Category::Syntax | Category::Eof | Category::Io => FormatErrorKind::Syntax,
    };
    let position = format!(" at line {line} column {column}");
    let message = text.strip_suffix(&position).unwrap_or(&text);
    limiter
        .error(kind, message)
        .at(|| Position { line, column })
}

/// Serializes arguments as a tuple.
struct AsArray<'a, A: ?Sized>(&'a A);

impl<A: Args + ?Sized> Serialize for AsArray<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_args(serializer)
    }
}

/// The arguments that were decoded, counted from 1. An error of serde_json cannot carry them.
#[derive(Default)]
struct ArgumentCount {
    taken: Cell<usize>,
    /// The argument that is wrong, or 0.
    failed: Cell<usize>,
}

/// Deserializer of an array of arguments. serde_json would report an argument too many as
/// "trailing characters".
struct ArrayReader<'a, 'de> {
    deserializer: &'a mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
    arguments: &'a ArgumentCount,
}

impl<'de> Deserializer<'de> for ArrayReader<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        let arguments = self.arguments;
        self.deserializer
            .deserialize_seq(ArrayVisitor { visitor, arguments })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Visitor of an array of arguments, around that of the argument types.
struct ArrayVisitor<'a, V> {
    visitor: V,
    arguments: &'a ArgumentCount,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ArrayVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of parameters")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        let mut elements = ArgumentElements {
            elements,
            arguments: self.arguments,
        };
        let value = self.visitor.visit_seq(&mut elements)?;
        let taken = self.arguments.taken.get();
        let mut rest = 0;
        while elements.elements.next_element::<IgnoredAny>()?.is_some() {
            rest += 1;
        }
        if rest > 0 {
            let given = taken + rest;
            return Err(serde::de::Error::custom(format_args!(
                "{given} parameters were given, the method takes {taken}"
            )));
        }
        Ok(value)
    }
}

/// Sequence access to the arguments, which counts them.
struct ArgumentElements<'a, A> {
    elements: A,
    arguments: &'a ArgumentCount,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for &mut ArgumentElements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let arguments = self.arguments;
        let element = self.elements.next_element_seed(seed);
        let number = arguments.taken.get() + 1;
        match &element {
            Ok(Some(_)) => arguments.taken.set(number),
            Ok(None) => {}
            Err(_) => arguments.failed.set(number),
        }
        element
    }

    fn size_hint(&self) -> Option<usize> {
        self.elements.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<A: FromArgs>(document: &str) -> Result<A, FormatError> {
        Json::default().decode_args(&Payload::copied(document.as_bytes()))
    }

    #[test]
    fn arguments_are_an_array() {
        let json = Json::default();
        for (params, expected) in [
            (json.params(&()).unwrap(), "[]"),
            (json.params(&(1,)).unwrap(), "[1]"),
            (
                json.params(&("a", i64::MAX)).unwrap(),
                r#"["a",9223372036854775807]"#,
            ),
        ] {
            assert_eq!(params.as_slice(), expected.as_bytes());
        }
        assert_eq!(decode::<()>("").unwrap(), ());
        assert_eq!(decode::<(i64, Option<u8>)>("[-1]").unwrap(), (-1, None));
        let reply = json.reply(&9_007_199_254_740_993_u64).unwrap();
        assert_eq!(
            json.decode_reply::<u64>(&reply).unwrap(),
            9_007_199_254_740_993
        );
    }

    #[test]
    fn wrong_arguments_are_named() {
        let cases = [
            (
                r#"["x", 5]"#,
                FormatErrorKind::Mismatch,
                "parameter 1: invalid type",
            ),
            (
                "[3]",
                FormatErrorKind::Mismatch,
                "invalid length 1, expected 2 parameters",
            ),
            ("[3, ", FormatErrorKind::Syntax, "parameter 2: EOF"),
            (
                "[3, 5, 7]",
                FormatErrorKind::Mismatch,
                "3 parameters were given, the method takes 2",
            ),
            ("[3, 5] 7", FormatErrorKind::Syntax, "trailing characters"),
            (
                "{}",
                FormatErrorKind::Mismatch,
                "invalid type: map, expected",
            ),
        ];
        for (document, kind, text) in cases {
            let error = decode::<(i64, i64)>(document).unwrap_err();
            assert_eq!(error.kind(), kind, "{document}: {error}");
            assert!(error.to_string().starts_with(text), "{document}: {error}");
        }
    }

    #[test]
    fn bytes_are_read_from_base64_and_from_numbers() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Blob {
            data: Vec<u8>,
            maybe: Option<Vec<u8>>,
            parts: Vec<Vec<u8>>,
            text: String,
        }

        let expected = Blob {
            data: vec![0, 255],
            maybe: Some(vec![]),
            parts: vec![vec![1], vec![2]],
            text: "AP8=".to_owned(),
        };
        for document in [
            r#"{"data":"AP8=","maybe":"","parts":["AQ==",[2]],"text":"AP8="}"#,
            r#"{"data":[0,255],"maybe":[],"parts":[[1],"Ag=="],"text":"AP8="}"#,
        ] {
            let blob: Blob = Json::default().read(document.as_bytes()).unwrap();
            assert_eq!(blob, expected, "{document}");
        }
        let text: std::ffi::CString = Json::default().read(br#""YWI=""#).unwrap();
        assert_eq!(text.as_bytes(), b"ab");
        let bytes: Box<[u8]> = Json::default().read(br#""AP8=""#).unwrap();
        assert_eq!(&bytes[..], [0, 255]);
        let numbers: Vec<u16> = Json::default().read(b"[0,255]").unwrap();
        assert_eq!(numbers, [0, 255]);
        for (document, expected) in [
            (r#"["AP8"]"#, "parameter 1: the text is not base64: "),
            (r#"["A P8="]"#, "parameter 1: the text is not base64: "),
            (
                "[5]",
                "parameter 1: invalid type: integer `5`, expected bytes, as a text in base64",
            ),
            (
                "[[256]]",
                "parameter 1: invalid value: integer `256`, expected u8",
            ),
        ] {
            let error = decode::<(Vec<u8>,)>(document).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let error = decode::<(Vec<u16>,)>(r#"["AP8="]"#).unwrap_err();
        assert!(error.to_string().contains("expected a sequence"), "{error}");
    }

    #[test]
    fn dates_are_texts_of_rfc_3339() {
        use crate::value::DateTime;

        let json = Json::default();
        for (text, written) in [
            ("20261129T05:38:00", r#""2026-11-29T05:38:00""#),
            ("2026-11-29T05:38:00Z", r#""2026-11-29T05:38:00Z""#),
            (
                "2026-11-29T05:38:00.5+01:00",
                r#""2026-11-29T05:38:00.5+01:00""#,
            ),
        ] {
            let date: DateTime = text.parse().unwrap();
            let reply = json.reply(&date).unwrap();
            assert_eq!(reply.as_slice(), written.as_bytes());
            let read: DateTime = json.decode_reply(&reply).unwrap();
            assert_eq!(read, date);
            let read = decode::<(DateTime,)>(&format!("[\"{text}\"]")).unwrap();
            assert_eq!(read, (date,));
        }
        assert!(decode::<(DateTime,)>(r#"["yesterday"]"#).is_err());
    }

    #[test]
    fn deep_values_are_refused_and_skipped_without_recursion() {
        let deep = |depth| format!("[{}{}]", "[".repeat(depth), "]".repeat(depth));
        let error = decode::<(crate::Value,)>(&deep(200)).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Limit, "{error}");
        let error = decode::<()>(&deep(1_000_000)).unwrap_err();
        assert!(
            error.to_string().starts_with("1 parameters were given"),
            "{error}"
        );
    }
}
