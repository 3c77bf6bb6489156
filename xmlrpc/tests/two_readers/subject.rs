//! Outcomes of reading a document with our reader: the subject of the comparison. It is part of the
//! crate in tests and fuzz targets, since it needs internals.

use std::collections::BTreeMap;
use std::fmt::Debug;

use farcall_core::protocol::{Format, Payload};
use farcall_core::{DateTime, FormatError, Position, Value, Variadic};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use crate::Forbidden;
use crate::XmlRpc;
use crate::de::{De, Raw};
use crate::document::{call_head, reply_fault};
use crate::xml::read::{Markup, Reader, Tag};

/// A struct with members of many types.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "shown by Debug")]
struct Record {
    id: i32,
    name: Option<String>,
    on: Option<bool>,
    when: Option<DateTime>,
    data: Option<Vec<u8>>,
    #[serde(default)]
    list: Vec<f64>,
}

/// An integer type that ignores errors.
#[derive(Debug)]
#[allow(dead_code, reason = "shown by Debug")]
enum LenientInt {
    Number(i32),
    No,
}

impl<'de> Deserialize<'de> for LenientInt {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(i32::deserialize(d).map_or(Self::No, Self::Number))
    }
}

/// The text between two tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// It is read.
    Read,
    /// It must be white space.
    Refused,
    /// It is skipped.
    Skipped,
}

/// Returns the name of the element that the reader recognises by this name of a tag.
#[must_use]
pub fn tag_of(name: &[u8]) -> String {
    format!("{:?}", Tag::local(name))
}

/// Reads a message from `start` on without shortcuts, and returns its tags, texts and errors, up to
/// the first error that prevents further reads.
#[must_use]
pub fn tokens(
    message: &[u8],
    start: usize,
    texts: Texts,
    max_open: usize,
    forbidden: Forbidden,
) -> Vec<String> {
    let payload = Payload::part(message.to_vec().into(), start..message.len());
    let reader = match start {
        0 => Reader::document(message, max_open),
        _ => Reader::new(&payload, max_open),
    };
    let (mut reader, mut tokens) = (reader.forbidden(forbidden), Vec::new());
    loop {
        let text = match texts {
            Texts::Read => reader.text().map(|text| format!("{text:?} ")),
            Texts::Refused | Texts::Skipped => Ok(String::new()),
        };
        let token = text.and_then(|text| match texts {
            Texts::Skipped => Ok((text, reader.skip_to_tag()?)),
            Texts::Read | Texts::Refused => Ok((text, reader.tag()?)),
        });
        let is_last = match token {
            Ok((text, token)) => {
                let (markup, open) = (token.markup, reader.open());
                let (start, end) = (token.start, token.end);
                tokens.push(format!("{text}{markup:?} {start}..{end}, {open} open"));
                markup == Markup::Eof
            }
            Err(error) => {
                tokens.push(format!("{:?}: {error}", error.kind()));
                error.to_string().contains("reader used after an error")
            }
        };
        if is_last {
            return tokens;
        }
    }
}

/// Returns the values and errors of reading a document as many types, once with forbidden
/// characters refused and once with them replaced. `original` converts the offsets in them.
#[must_use]
pub fn outcomes(
    document: &[u8],
    (max_depth, max_values): (usize, usize),
    original: &dyn Fn(usize) -> usize,
) -> Vec<String> {
    let format = XmlRpc::default()
        .max_depth(max_depth)
        .max_values(max_values);
    [Forbidden::Refuse, Forbidden::Replace]
        .map(|forbidden| format.read_forbidden(forbidden))
        .into_iter()
        .flat_map(|format| Outcomes { document, original }.with(format))
        .collect()
}

/// Shows the outcomes of reading a document.
struct Outcomes<'a> {
    document: &'a [u8],
    original: &'a dyn Fn(usize) -> usize,
}

impl Outcomes<'_> {
    fn with(&self, format: XmlRpc) -> Vec<String> {
        let payload = Payload::from(self.document.to_vec());
        let mut outcomes = vec![
            self.shown(format.decode_reply::<Value>(&payload)),
            self.shown(format.decode_reply::<Record>(&payload)),
            self.shown(format.decode_reply::<Vec<Value>>(&payload)),
            self.shown(format.decode_reply::<BTreeMap<String, LenientInt>>(&payload)),
            self.shown(format.decode_reply::<Vec<LenientInt>>(&payload)),
            self.shown(format.decode_reply::<()>(&payload)),
            self.shown(format.decode_reply::<Option<bool>>(&payload)),
            self.shown(reply_fault(&mut De::of_response(&payload, format))),
            self.shown(format.decode_value::<Value>(&payload)),
            self.shown(format.decode_args::<Variadic<Value>>(&payload)),
        ];
        let raws = format.decode_reply::<Vec<Raw>>(&payload);
        outcomes.push(self.shown(raws.map(|raws| {
            let ranges = raws.into_iter().map(|raw| self.range(raw));
            ranges.collect::<Vec<_>>()
        })));
        let raw = format.decode_value::<Raw>(&payload);
        outcomes.push(self.shown(raw.map(|raw| self.range(raw))));
        let head = call_head(self.document, format);
        if let Ok((_, start)) = &head {
            let end = self.document.len();
            let payload = Payload::part(self.document.to_vec().into(), *start..end);
            outcomes.push(self.shown(format.decode_args::<Variadic<Value>>(&payload)));
            outcomes.push(self.shown(format.decode_args::<(i64, IgnoredAny)>(&payload)));
            let mixed = format.decode_args::<(Option<f64>, Raw)>(&payload);
            outcomes.push(self.shown(mixed.map(|(number, raw)| (number, self.range(raw)))));
        }
        outcomes.push(self.shown(head.map(|(name, end)| (name, self.original_end(end)))));
        outcomes
    }

    fn range(&self, Raw { range }: Raw) -> (usize, usize) {
        ((self.original)(range.start), self.original_end(range.end))
    }

    /// Returns the offset after a tag, whatever stands behind it here.
    fn original_end(&self, end: usize) -> usize {
        (self.original)(end - 1) + 1
    }

    fn shown<T: Debug>(&self, result: Result<T, FormatError>) -> String {
        let error = match result {
            Ok(value) => return format!("{value:?}"),
            Err(error) => error,
        };
        let text = error.to_string();
        match error.position() {
            None => format!("{:?}: {text}", error.kind()),
            Some(position) => {
                let text = text.replace(&format!(", at {position}"), "");
                let offset = (self.original)(self.offset(position));
                format!("{:?}: {text}, at offset {offset}", error.kind())
            }
        }
    }

    /// Returns the first offset that has this position.
    fn offset(&self, position: Position) -> usize {
        let newlines = memchr::memchr_iter(b'\n', self.document);
        let line = match position.line {
            1 => 0,
            line => newlines
                .clone()
                .nth(line - 2)
                .map_or(0, |newline| newline + 1),
        };
        let starts_character = |&at: &usize| self.document[at] & 0xC0 != 0x80;
        let mut characters = (line..self.document.len()).filter(starts_character);
        match position.column {
            1 => line,
            column => characters.nth(column - 2).map_or(line, |last| last + 1),
        }
    }
}
