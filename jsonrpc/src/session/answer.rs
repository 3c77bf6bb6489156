//! The answers that a caller receives, and the requests that it sends.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use farcall_core::{Fault, FaultKind};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Maximum bytes of the text of a received error.
const MAX_TEXT: usize = 64 << 10;

/// A document as a caller sees it. Its parts are slices of the document.
#[derive(Default)]
pub(crate) struct Incoming<'a> {
    /// The method, if it is a request.
    pub(crate) method: Option<&'a str>,
    pub(crate) params: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) result: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
}

impl<'a> Incoming<'a> {
    /// Reads an object. What is not one of JSON-RPC is `None`.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        parse(text)
    }

    /// The number that the caller chose as the id.
    pub(crate) fn number(&self) -> Option<u64> {
        let id = self.id?;
        let id = id
            .strip_prefix('"')
            .and_then(|id| id.strip_suffix('"'))
            .unwrap_or(id);
        id.parse().ok()
    }

    /// The outcome of the call, if it is an answer. An error of `null` beside a result is none, as
    /// version 1 of JSON-RPC has it.
    pub(crate) fn outcome(&self) -> Option<Result<&'a str, Fault>> {
        match (self.error.filter(|error| *error != "null"), self.result) {
            (Some(error), _) => Some(Err(read_error(error))),
            (None, Some(result)) => Some(Ok(result)),
            (None, None) => None,
        }
    }
}

/// The params of a notification for a subscription.
pub(crate) struct Update<'a> {
    /// The id as it is written.
    pub(crate) subscription: &'a str,
    pub(crate) outcome: Outcome<'a>,
}

/// The content of a notification for a subscription.
pub(crate) enum Outcome<'a> {
    Item(&'a str),
    /// The end, with a fault if it is not `null`.
    End(Option<Fault>),
}

impl<'a> Update<'a> {
    pub(crate) fn read(params: &'a str) -> Option<Self> {
        #[derive(Default)]
        struct Parts<'a>(Option<&'a str>, Option<&'a str>, Option<&'a str>);
        impl<'a> Object<'a> for Parts<'a> {
            fn place(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
                match name {
                    "subscription" => Some(&mut self.0),
                    "result" => Some(&mut self.1),
                    "error" => Some(&mut self.2),
                    _ => None,
                }
            }
        }
        let Parts(subscription, result, error) = parse(params)?;
        let outcome = match (result, error) {
            (Some(result), _) => Outcome::Item(result),
            (None, Some("null")) => Outcome::End(None),
            (None, error) => Outcome::End(Some(read_error(error?))),
        };
        Some(Self {
            subscription: subscription?,
            outcome,
        })
    }
}

/// Returns the entries of an array, if the text is one.
pub(crate) fn entries(text: &str) -> Option<Vec<&str>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let entries = Vec::<&RawValue>::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(entries.into_iter().map(RawValue::get).collect())
}

/// Reads an error object. One that is something else is a fault with its text.
fn read_error(text: &str) -> Fault {
    #[derive(serde::Deserialize)]
    struct Error<'a> {
        code: i64,
        #[serde(default, borrow)]
        message: Cow<'a, str>,
        #[serde(default)]
        data: Option<Data>,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Data {
        OfFarcall { kind: String },
        Other(IgnoredAny),
    }
    match serde_json::from_str::<Error<'_>>(text) {
        Ok(error) => {
            let fault = Fault::received(error.code, cut(&error.message));
            match error.data {
                // A kind counts only beside its own code, which others may use for something else.
                Some(Data::OfFarcall { kind }) => match kind_of(&kind) {
                    Some(kind) if kind.code() == error.code => Fault::of(kind, fault.message()),
                    _ => fault,
                },
                Some(Data::Other(_)) | None => fault,
            }
        }
        Err(_) => Fault::received(0, cut(text)),
    }
}

fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    // A character has at most four bytes.
    let mut ends = (MAX_TEXT - 3..=MAX_TEXT).rev();
    ends.find_map(|end| text.get(..end)).unwrap_or_default()
}

/// The kinds that the code of a fault does not tell.
fn kind_of(name: &str) -> Option<FaultKind> {
    Some(match name {
        "denied" => FaultKind::Denied,
        "overloaded" => FaultKind::Overloaded,
        "deadline-exceeded" => FaultKind::DeadlineExceeded,
        "cancelled" => FaultKind::Cancelled,
        "gone" => FaultKind::Gone,
        _ => return None,
    })
}

/// Returns a request, or a notification without an id. No params stand for an empty array.
pub(crate) fn write_request(method: &str, params: &[u8], id: Option<u64>) -> Bytes {
    let mut out = Vec::with_capacity(params.len() + method.len() + 64);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
    // A string can always be written.
    let _ = serde_json::to_writer(&mut out, method);
    if !params.is_empty() {
        out.extend_from_slice(br#","params":"#);
        out.extend_from_slice(params);
    }
    if let Some(id) = id {
        out.extend_from_slice(br#","id":"#);
        out.extend_from_slice(id.to_string().as_bytes());
    }
    out.push(b'}');
    out.into()
}

/// An object whose members are kept as they are written. Of a member that is there twice, the last
/// one counts.
trait Object<'a>: Default {
    fn place(&mut self, name: &str) -> Option<&mut Option<&'a str>>;
}

impl<'a> Object<'a> for Incoming<'a> {
    fn place(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        match name {
            "method" => Some(&mut self.method),
            "params" => Some(&mut self.params),
            "id" => Some(&mut self.id),
            "result" => Some(&mut self.result),
            "error" => Some(&mut self.error),
            _ => None,
        }
    }
}

fn parse<'a, T: Object<'a>>(text: &'a str) -> Option<T> {
    struct Members<T>(T);
    struct MembersVisitor<T>(T);

    impl<'de, T: Object<'de>> Deserialize<'de> for Members<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(MembersVisitor(T::default()))
        }
    }

    impl<'de, T: Object<'de>> Visitor<'de> for MembersVisitor<T> {
        type Value = Members<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Members<T>, A::Error> {
            while let Some(name) = map.next_key::<Name<'de>>()? {
                match self.0.place(&name.0) {
                    Some(place) => *place = Some(map.next_value::<&RawValue>()?.get()),
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(Members(self.0))
        }
    }

    #[derive(serde::Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let Members(members) = Members::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let read = |text| {
            let incoming: Incoming<'_> = Incoming::read(text)?;
            Some((incoming.number(), incoming.outcome()?.map(str::to_owned)))
        };
        let of = |code, text: &str| Err(Fault::received(code, text));
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","result":[5],"id":7}"#,
                Some((Some(7), Ok("[5]".to_owned()))),
            ),
            (
                r#"{"result":null,"error":null,"id":"7"}"#,
                Some((Some(7), Ok("null".to_owned()))),
            ),
            (
                r#"{"error":{"code":-32601,"message":"no"},"id":1}"#,
                Some((Some(1), of(-32601, "no"))),
            ),
            (
                r#"{"error":"text","result":null,"id":1}"#,
                Some((Some(1), of(0, "\"text\""))),
            ),
            (
                r#"{"error":{"code":5,"message":"m","data":[1]},"id":null}"#,
                Some((None, of(5, "m"))),
            ),
            (r#"{"id":1}"#, None),
            ("5", None),
            ("{", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let text = r#"{"code":-32400,"message":"x","data":{"kind":"overloaded"}}"#;
        assert!(read_error(text).kind().is_refusal());
    }

    #[test]
    fn updates_of_subscriptions() {
        let update = Update::read(r#"{"result":{"a":1},"subscription":"0x1"}"#).unwrap();
        assert_eq!(update.subscription, "\"0x1\"");
        assert!(matches!(update.outcome, Outcome::Item(r#"{"a":1}"#)));
        let update = Update::read(r#"{"subscription":5,"error":null}"#).unwrap();
        assert!(matches!(update.outcome, Outcome::End(None)));
        let update = Update::read(r#"{"subscription":5,"error":{"code":5,"message":"x"}}"#);
        assert!(matches!(update.unwrap().outcome, Outcome::End(Some(_))));
        assert!(Update::read("[5]").is_none() && Update::read(r#"{"subscription":5}"#).is_none());
    }

    #[test]
    fn requests_are_written() {
        let request = write_request("a\"b", b"[1]", Some(5));
        assert_eq!(
            request,
            r#"{"jsonrpc":"2.0","method":"a\"b","params":[1],"id":5}"#
        );
        assert_eq!(
            write_request("n", b"", None),
            r#"{"jsonrpc":"2.0","method":"n"}"#
        );
    }
}
