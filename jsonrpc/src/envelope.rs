//! The envelope: the members around parameters, results and errors.

use std::fmt;

use farcall_core::protocol::Name;
use farcall_core::{Fault, FaultKind};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
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
    pub(crate) method: Name,
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
    Single(Result<Request<'a>, Refusal<'a>>),
    /// The texts of the entries.
    Batch(Vec<&'a str>),
}

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
                let members = parse_seed(text, REQUEST).map_err(|error| parse_fault(&error))?;
                Ok(Self::Single(into_request(&members)))
            }
            Some(b'[') => {
                let entries = parse_seed(text, EntriesVisitor { max_batch });
                let Entries { texts, count } = entries.map_err(|error| parse_fault(&error))?;
                let why = match count {
                    0 => "a batch without calls".to_owned(),
                    _ if count <= max_batch => return Ok(Self::Batch(texts)),
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

/// Reads an entry of a batch.
pub(crate) fn read_entry(text: &str) -> Result<Request<'_>, Refusal<'_>> {
    let refused = |fault| Refusal { id: NO_ID, fault };
    if !text.starts_with('{') {
        return Err(refused(Fault::of(FaultKind::InvalidRequest, NOT_A_REQUEST)));
    }
    let members = parse_seed(text, REQUEST).map_err(|error| refused(parse_fault(&error)))?;
    into_request(&members)
}

/// Returns `true` for an answer: an object without a method, and with a result or an error.
pub(crate) fn is_answer(text: &str) -> bool {
    let members = parse_seed(text, Names(["method", "result", "error"]));
    members.is_ok_and(|members| matches!(members.values, [None, Some(_), _] | [None, _, Some(_)]))
}

fn parse_fault(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let message = raw::message(error);
    let text = format!("the document is not JSON: {message}, at line {line}, column {column}");
    Fault::of(FaultKind::Parse, text)
}

/// The entries of a batch.
struct Entries<'a> {
    /// The texts of as many as a batch may have.
    texts: Vec<&'a str>,
    count: usize,
}

struct EntriesVisitor {
    max_batch: usize,
}

impl<'de> DeserializeSeed<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn deserialize<D: Deserializer<'de>>(self, entries: D) -> Result<Entries<'de>, D::Error> {
        entries.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Entries<'de>, A::Error> {
        let mut texts = Vec::new();
        while texts.len() < self.max_batch {
            match entries.next_element::<&RawValue>()? {
                Some(entry) => texts.push(entry.get()),
                None => {
                    let count = texts.len();
                    return Ok(Entries { texts, count });
                }
            }
        }
        let mut count = texts.len();
        while entries.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Entries { texts, count })
    }
}

/// The members of a request, in the order of their values.
const REQUEST: Names<4> = Names(["jsonrpc", "method", "params", "id"]);

type RequestMembers<'a> = Members<'a, 4>;

fn into_request<'a>(members: &RequestMembers<'a>) -> Result<Request<'a>, Refusal<'a>> {
    let [.., id] = members.values;
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
    members: &RequestMembers<'a>,
    id: Option<&str>,
) -> Result<(Name, Option<&'a str>), Fault> {
    let invalid = |text: &str| Fault::of(FaultKind::InvalidRequest, text);
    let [version, method, params, written_id] = members.values;
    if let Some(name) = members.twice {
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
    let method: String = parse(method).map_err(|error| parse_fault(&error))?;
    if method.len() > MAX_NAME {
        return Err(long_name());
    }
    if params.is_some_and(|params| !params.starts_with(['[', '{'])) {
        return Err(invalid(
            "the member `params` is neither an array nor an object",
        ));
    }
    Ok((method.into(), params))
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

/// Appends the answer with a result.
pub(crate) fn write_result(result: &[u8], id: &str, out: &mut Vec<u8>) {
    // A raw method may answer with nothing.
    let result = if result.is_empty() { b"null" } else { result };
    out.extend_from_slice(br#"{"jsonrpc":"2.0","result":"#);
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
