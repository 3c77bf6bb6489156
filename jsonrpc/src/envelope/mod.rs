//! The envelope: the members around parameters, results and errors.

mod plain;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use farcall_core::protocol::Payload;
use farcall_core::{Fault, FaultKind};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::raw::{self, Members, Names, parse, parse_seed};

/// Maximum bytes of an id, as it is written.
const MAX_ID: usize = 256;

/// Maximum bytes of a method name, as in XML-RPC.
const MAX_NAME: usize = 1024;

/// The id of an answer to a request whose id is not known.
pub(crate) const NO_ID: &str = "null";

/// A request. Its parts are slices of the document.
pub(crate) struct Request<'a> {
    pub(crate) method: Cow<'a, str>,
    /// An array or an object.
    pub(crate) params: Option<&'a str>,
    /// Absent for a notification.
    pub(crate) id: Option<&'a str>,
}

/// The refusal of a request.
pub(crate) struct Refusal<'a> {
    pub(crate) id: &'a str,
    pub(crate) fault: Fault,
}

/// A document of JSON-RPC.
pub(crate) enum Document<'a> {
    Single(Entry<'a>),
    Batch(Vec<Entry<'a>>),
}

/// A document of one request, or an entry of a batch: the members of an object, or something that
/// is none.
pub(crate) struct Entry<'a>(Option<Members<'a, 6>>);

impl<'a> Document<'a> {
    /// Reads a document whose batch has at most `max_batch` entries.
    ///
    /// # Errors
    /// The fault of the whole document.
    pub(crate) fn read(document: &'a [u8], max_batch: usize) -> Result<Self, Fault> {
        let text = str::from_utf8(document).map_err(|error| {
            let text = format!(
                "the document is not UTF-8 from byte {} on",
                error.valid_up_to()
            );
            Fault::of(FaultKind::Parse, text)
        })?;
        let start = text.trim_start_matches([' ', '\t', '\r', '\n']);
        match start.as_bytes().first() {
            Some(b'{') => {
                let members = plain::single(start).map_or_else(|| parse_seed(text, MEMBERS), Ok);
                let members = members.map_err(|error| parse_fault(&error))?;
                Ok(Self::Single(Entry(Some(members))))
            }
            Some(b'[') => {
                if let Some(entries) = plain::batch(start, max_batch) {
                    return Ok(Self::Batch(entries));
                }
                let batch = read_batch(text, max_batch).map_err(|error| parse_fault(&error))?;
                let Batch { entries, count } = batch;
                let why = match count {
                    0 => "a batch without calls".to_owned(),
                    _ if count <= max_batch => return Ok(Self::Batch(entries)),
                    _ => format!("a batch of {count} calls is over the limit of {max_batch}"),
                };
                Err(Fault::of(FaultKind::InvalidRequest, why))
            }
            _ => {
                let _: &RawValue = parse(text).map_err(|error| parse_fault(&error))?;
                Err(Fault::of(FaultKind::InvalidRequest, NOT_A_REQUEST))
            }
        }
    }
}

const NOT_A_REQUEST: &str = "a request is an object";

impl<'a> Entry<'a> {
    /// Returns the request.
    pub(crate) fn request(&self) -> Result<Request<'a>, Refusal<'a>> {
        match &self.0 {
            Some(members) => into_request(members),
            None => Err(Refusal {
                id: NO_ID,
                fault: Fault::of(FaultKind::InvalidRequest, NOT_A_REQUEST),
            }),
        }
    }

    /// Returns `true` for an answer: an object without a method, and with a result or an error.
    pub(crate) fn is_answer(&self) -> bool {
        let values = self.0.as_ref().map(|members| members.values);
        matches!(values, Some([_, None, _, _, result, error]) if result.or(error).is_some())
    }
}

/// Returns `true` if the text of an entry is an answer.
#[cfg(feature = "jsonrpc-sockets")]
pub(crate) fn is_answer(text: &str) -> bool {
    parse_seed(text, MEMBERS).is_ok_and(|members| Entry(Some(members)).is_answer())
}

fn parse_fault(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let message = raw::message(error);
    let text = format!("the document is not JSON: {message}, at line {line}, column {column}");
    Fault::of(FaultKind::Parse, text)
}

/// The entries of a batch, or the first of them.
struct Batch<T> {
    entries: Vec<T>,
    /// The number of all.
    count: usize,
}

/// Reads a batch. Its errors are those of an array of texts: what an entry is that is no object
/// does not matter, as long as it is JSON.
fn read_batch(text: &str, max_batch: usize) -> serde_json::Result<Batch<Entry<'_>>> {
    if let Ok(batch) = parse_seed(text, BatchVisitor::<Entry<'_>>::new(max_batch)) {
        return Ok(batch);
    }
    let texts = parse_seed(text, BatchVisitor::<&RawValue>::new(max_batch))?;
    let texts_of = texts.entries.into_iter().map(RawValue::get);
    let entries = texts_of.map(|text| Entry(parse_seed(text, MEMBERS).ok()));
    Ok(Batch {
        entries: entries.collect(),
        count: texts.count,
    })
}

struct BatchVisitor<T> {
    max_batch: usize,
    entry: PhantomData<T>,
}

impl<T> BatchVisitor<T> {
    const fn new(max_batch: usize) -> Self {
        let entry = PhantomData;
        Self { max_batch, entry }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for BatchVisitor<T> {
    type Value = Batch<T>;

    fn deserialize<D: Deserializer<'de>>(self, entries: D) -> Result<Batch<T>, D::Error> {
        entries.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for BatchVisitor<T> {
    type Value = Batch<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut read: A) -> Result<Batch<T>, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < self.max_batch {
            match read.next_element()? {
                Some(entry) => entries.push(entry),
                None => {
                    let count = entries.len();
                    return Ok(Batch { entries, count });
                }
            }
        }
        let mut count = entries.len();
        while read.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Batch { entries, count })
    }
}

impl<'de> Deserialize<'de> for Entry<'de> {
    fn deserialize<D: Deserializer<'de>>(entry: D) -> Result<Self, D::Error> {
        entry.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry<'de>, A::Error> {
        Ok(Entry(Some(MEMBERS.visit_map(map)?)))
    }
}

/// The members of requests and answers, in the order of their values.
const MEMBERS: Names<6> = Names(["jsonrpc", "method", "params", "id", "result", "error"]);

fn into_request<'a>(members: &Members<'a, 6>) -> Result<Request<'a>, Refusal<'a>> {
    let [_, _, _, id, ..] = members.values;
    let is_id = |id: &&str| id.starts_with(['"', '-', 'n']) || starts_with_digit(id);
    let id = id.filter(|id| id.len() <= MAX_ID).filter(is_id);
    match checked(members, id) {
        Ok((method, params)) => Ok(Request { method, params, id }),
        Err(fault) => Err(Refusal {
            id: id.filter(|_| members.twice != Some("id")).unwrap_or(NO_ID),
            fault,
        }),
    }
}

/// Returns the method and the params, if this is a request.
fn checked<'a>(
    members: &Members<'a, 6>,
    id: Option<&str>,
) -> Result<(Cow<'a, str>, Option<&'a str>), Fault> {
    let invalid = |text: &str| Fault::of(FaultKind::InvalidRequest, text);
    let [version, method, params, written_id, ..] = members.values;
    // Members that are ignored may be there more often.
    if let Some(name) = members
        .twice
        .filter(|name| !["result", "error"].contains(name))
    {
        return Err(invalid(&format!("the member `{name}` is there twice")));
    }
    if id != written_id {
        let text = format!("the id is not a string, a number or null of up to {MAX_ID} bytes");
        return Err(invalid(&text));
    }
    if !version.is_some_and(is_version) {
        return Err(invalid("the member `jsonrpc` is not \"2.0\""));
    }
    let method = method.filter(|method| method.starts_with('"'));
    let method = method.ok_or_else(|| invalid("the member `method` is not a string"))?;
    let long_name = || invalid(&format!("the method name is over {MAX_NAME} bytes"));
    // An escape takes six bytes, of a character of one byte or more.
    if method.len() > 6 * MAX_NAME + 2 {
        return Err(long_name());
    }
    let method: Cow<'a, str> = match &method[1..method.len() - 1] {
        escaped if escaped.contains('\\') => {
            let method: String = parse(method).map_err(|error| parse_fault(&error))?;
            method.into()
        }
        method => method.into(),
    };
    if method.len() > MAX_NAME {
        return Err(long_name());
    }
    if params.is_some_and(|params| !params.starts_with(['[', '{'])) {
        return Err(invalid(
            "the member `params` is neither an array nor an object",
        ));
    }
    Ok((method, params))
}

fn starts_with_digit(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

fn is_version(version: &str) -> bool {
    // Written with escapes, it has up to six bytes for each character.
    let is_escaped =
        || version.len() <= 20 && parse(version).is_ok_and(|text: String| text == "2.0");
    version == "\"2.0\"" || version.starts_with('"') && is_escaped()
}

/// Begin of an answer with a result.
const RESULT: &[u8] = br#"{"jsonrpc":"2.0","result":"#;

/// Maximum bytes of an answer besides its result and its id.
pub(crate) const AROUND_RESULT: usize = 40;

/// Minimum bytes of a result that is not copied into its answer: a copy would need new pages.
const LARGE: usize = 64 << 10;

/// Returns the answer with a result.
pub(crate) fn answer_with(result: Payload, id: &str) -> Bytes {
    let length = result.as_slice().len();
    let room = id.len() + AROUND_RESULT;
    if length < LARGE {
        let mut out = Vec::with_capacity(length + room);
        write_result(result.as_slice(), id, &mut out);
        return out.into();
    }
    // The memory of the result, if nobody else has a part of it.
    let mut out = Vec::from(result.into_bytes());
    out.reserve_exact(room);
    out.resize(RESULT.len() + length, 0);
    out.copy_within(..length, RESULT.len());
    out[..RESULT.len()].copy_from_slice(RESULT);
    write_id(id, &mut out);
    out.into()
}

/// Appends the answer with a result.
pub(crate) fn write_result(result: &[u8], id: &str, out: &mut Vec<u8>) {
    // A raw method may answer with nothing.
    let result = if result.is_empty() { b"null" } else { result };
    out.extend_from_slice(RESULT);
    out.extend_from_slice(result);
    write_id(id, out);
}

/// Appends the answer with a fault, whose message is `text`.
pub(crate) fn write_error(fault: &Fault, text: &str, id: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","error":"#);
    write_error_object(fault, text, out);
    write_id(id, out);
}

/// Appends the error object of a fault, whose message is `text`.
pub(crate) fn write_error_object(fault: &Fault, text: &str, out: &mut Vec<u8>) {
    let (code, kind) = (fault.code(), fault.kind().name());
    // A string can always be written.
    let text = serde_json::to_string(text).unwrap_or_default();
    let error = format!(r#"{{"code":{code},"message":{text},"data":{{"kind":"{kind}"}}}}"#);
    out.extend_from_slice(error.as_bytes());
}

fn write_id(id: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","id":"#);
    out.extend_from_slice(id.as_bytes());
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_any_length_are_in_the_same_envelope() {
        for length in [0, 1, 40, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE] {
            let bytes: Vec<u8> = (0..length).map(|at| b'a' + (at % 26) as u8).collect();
            let mut expected = Vec::new();
            write_result(&bytes, "\"x\"", &mut expected);
            let whole = [b"<", &bytes[..], b">"].concat();
            let shared = Bytes::from(whole.clone());
            for result in [
                Payload::from(bytes),
                Payload::from(whole).with_range(1..length + 1),
                Payload::part(shared.clone(), 1..length + 1),
            ] {
                let answer = answer_with(result, "\"x\"");
                assert_eq!(answer, expected, "{length}");
            }
            drop(shared);
        }
    }
}
