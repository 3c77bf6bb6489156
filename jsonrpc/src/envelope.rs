//! The envelope: the members around parameters, results and errors.

use std::fmt;

use farcall_core::protocol::Name;
use farcall_core::{Fault, FaultKind};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

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
                let members: Members<'_> = parse(text)?;
                Ok(Self::Single(members.into_request()))
            }
            Some(b'[') => {
                let Entries { texts, count } = parse_with(text, max_batch)?;
                let why = match count {
                    0 => "a batch without calls".to_owned(),
                    _ if count <= max_batch => return Ok(Self::Batch(texts)),
                    _ => format!("a batch of {count} calls is over the limit of {max_batch}"),
                };
                Err(Fault::of(FaultKind::InvalidRequest, why))
            }
            _ => {
                let _: &RawValue = parse(text)?;
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
    let members: Members<'_> = parse(text).map_err(refused)?;
    members.into_request()
}

/// Parses a whole text. Nothing that is only skipped takes stack, however deep it is.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    T::deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| parse_fault(&error))
}

fn parse_with(text: &str, max_batch: usize) -> Result<Entries<'_>, Fault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    deserializer
        .deserialize_seq(EntriesVisitor { max_batch })
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| parse_fault(&error))
}

fn parse_fault(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let position = format!(" at line {line} column {column}");
    let message = text.strip_suffix(&position).unwrap_or(&text);
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

/// The members of a request, as they are written.
#[derive(Default)]
struct Members<'a> {
    version: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    id: Option<&'a str>,
    /// A member that is there twice.
    twice: Option<&'static str>,
}

impl<'a> Members<'a> {
    fn into_request(self) -> Result<Request<'a>, Refusal<'a>> {
        let is_id = |id: &&str| id.starts_with(['"', '-', 'n']) || starts_with_digit(id);
        let id = self.id.filter(|id| id.len() <= MAX_ID).filter(is_id);
        match self.checked(id) {
            Ok((method, params)) => Ok(Request { method, params, id }),
            Err(fault) => Err(Refusal {
                id: id.filter(|_| self.twice != Some("id")).unwrap_or(NO_ID),
                fault,
            }),
        }
    }

    /// Returns the method and the params, if this is a request.
    fn checked(&self, id: Option<&str>) -> Result<(Name, Option<&'a str>), Fault> {
        let invalid = |text: &str| Fault::of(FaultKind::InvalidRequest, text);
        if let Some(name) = self.twice {
            return Err(invalid(&format!("the member `{name}` is there twice")));
        }
        if id != self.id {
            let text = format!("the id is not a string, a number or null of up to {MAX_ID} bytes");
            return Err(invalid(&text));
        }
        if !self.version.is_some_and(is_version) {
            return Err(invalid("the member `jsonrpc` is not \"2.0\""));
        }
        let method = self.method.filter(|method| method.starts_with('"'));
        let method = method.ok_or_else(|| invalid("the member `method` is not a string"))?;
        let long_name = || invalid(&format!("the method name is over {MAX_NAME} bytes"));
        // An escape takes six bytes, of a character of one byte or more.
        if method.len() > 6 * MAX_NAME + 2 {
            return Err(long_name());
        }
        let method: String = parse(method)?;
        if method.len() > MAX_NAME {
            return Err(long_name());
        }
        if self
            .params
            .is_some_and(|params| !params.starts_with(['[', '{']))
        {
            return Err(invalid(
                "the member `params` is neither an array nor an object",
            ));
        }
        Ok((method.into(), self.params))
    }
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

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(member) = map.next_key()? {
            let (place, name) = match member {
                Member::Version => (&mut members.version, "jsonrpc"),
                Member::Method => (&mut members.method, "method"),
                Member::Params => (&mut members.params, "params"),
                Member::Id => (&mut members.id, "id"),
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let value: &RawValue = map.next_value()?;
            if place.replace(value.get()).is_some() {
                members.twice.get_or_insert(name);
            }
        }
        Ok(members)
    }
}

/// The name of a member.
enum Member {
    Version,
    Method,
    Params,
    Id,
    Other,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(MemberVisitor)
    }
}

struct MemberVisitor;

impl Visitor<'_> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "jsonrpc" => Member::Version,
            "method" => Member::Method,
            "params" => Member::Params,
            "id" => Member::Id,
            _ => Member::Other,
        })
    }
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
    let (code, kind) = (fault.code(), kind_name(fault.kind()));
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

const fn kind_name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Parse => "parse",
        FaultKind::UnsupportedEncoding => "unsupported-encoding",
        FaultKind::InvalidCharacter => "invalid-character",
        FaultKind::InvalidRequest => "invalid-request",
        FaultKind::UnknownMethod => "unknown-method",
        FaultKind::InvalidParams => "invalid-params",
        FaultKind::Internal => "internal",
        FaultKind::Denied => "denied",
        FaultKind::Overloaded => "overloaded",
        FaultKind::DeadlineExceeded => "deadline-exceeded",
        FaultKind::Cancelled => "cancelled",
        FaultKind::Gone => "gone",
        _ => "application",
    }
}
