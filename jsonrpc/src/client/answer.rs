//! Answers: the documents that servers send.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use farcall_core::protocol::Payload;
use farcall_core::{CallError, Fault, FormatError, FormatErrorKind, Json, Position};
use farcall_http::client::{HttpClient, Response, Secrets, Transport, Unread};
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::kinds::kind_of;
use crate::raw::{self, Members, Names, parse, parse_seed};

/// Maximum bytes of the data of an error that are kept. A server controls them, and an error may
/// be kept for long.
const MAX_DATA: usize = 64 << 10;

/// The members of an answer, in the order of their values. The version is not asked for: servers
/// of the time before 2.0 send none, or another.
const ANSWER: Names<3> = Names(["result", "error", "id"]);

/// The members of an error, in the order of their values.
const ERROR: Names<3> = Names(["code", "message", "data"]);

/// An answer to one call.
pub(super) struct Answer<'a> {
    /// The id, as it is written.
    pub(super) id: Option<&'a str>,
    /// The result, as it is written, or the fault.
    pub(super) outcome: Result<&'a str, Fault>,
}

/// The data of an error, as JSON: the source of a fault that a server sent with data.
///
/// ```no_run
/// use farcall::jsonrpc::{Client, ErrorData};
///
/// # async fn call(client: Client) {
/// if let Err(error) = client.call::<i64>("add", (3, "five")).await
///     && let Some(data) = ErrorData::of(&error)
/// {
///     println!("{}", data.as_str()); // {"kind":"invalid-params"}
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorData(String);

impl ErrorData {
    /// Returns the data of the error that a server answered with, if it had any of up to 64 KiB.
    #[must_use]
    pub fn of(error: &CallError) -> Option<&Self> {
        error.fault()?.source()?.downcast_ref()
    }

    /// The JSON text. Secrets of the client are replaced in it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ErrorData {}

impl<'a> Answer<'a> {
    /// Reads an answer. A server of the time before 2.0 sends a result and an error, of which one
    /// is null.
    ///
    /// # Errors
    /// If it is not one.
    pub(super) fn read(text: &'a str, secrets: &Secrets) -> Result<Self, FormatError> {
        let members = parse_seed(text, ANSWER).map_err(|error| syntax(&error))?;
        unique(&members)?;
        let [result, error, id] = members.values;
        let outcome = match (result, error) {
            (_, Some(error)) if error != "null" => Err(fault(error, secrets)?),
            (Some(result), _) => Ok(result),
            (None, _) => return Err(structure("an answer has a result or an error")),
        };
        Ok(Self { id, outcome })
    }

    /// Returns `true` for the answer to the request with this id, or for an error of a server that
    /// could not read the id.
    fn is_of(&self, id: u64) -> bool {
        match self.id {
            None | Some("null") => self.outcome.is_err(),
            Some(text) => number(text) == Some(id),
        }
    }
}

/// Returns the number that an id is. Some languages have no integers, and write `1.0`.
pub(super) fn number(id: &str) -> Option<u64> {
    id.strip_suffix(".0").unwrap_or(id).parse().ok()
}

fn fault(error: &str, secrets: &Secrets) -> Result<Fault, FormatError> {
    let members = parse_seed(error, ERROR).map_err(|error| syntax(&error))?;
    unique(&members)?;
    let [code, message, data] = members.values;
    let code = code.and_then(|code| parse::<i64>(code).ok());
    let code = code.ok_or_else(|| structure("the code of the error is not an integer"))?;
    let message = match message {
        Some(message) => parse(message).map_err(|error| syntax(&error))?,
        None => "the server sent no message".to_owned(),
    };
    let kind = data.and_then(|data| {
        let members = parse_seed(data, Names(["kind"])).ok()?;
        parse::<String>(members.values[0]?).ok()
    });
    let fault = Fault::of(kind_of(code, kind.as_deref()), message).with_code(code);
    let fault = secrets.redact_fault(&fault);
    Ok(match data {
        Some(data) if data.len() <= MAX_DATA => fault.with_source(ErrorData(secrets.redact(data))),
        _ => fault,
    })
}

fn unique<const N: usize>(members: &Members<'_, N>) -> Result<(), FormatError> {
    match members.twice {
        Some(name) => Err(structure(&format!("the member `{name}` is there twice"))),
        None => Ok(()),
    }
}

pub(super) fn structure(text: &str) -> FormatError {
    FormatError::new(FormatErrorKind::Structure, text)
}

/// Returns the error of a text that is not JSON, or is not an object.
pub(super) fn syntax(error: &serde_json::Error) -> FormatError {
    let kind = match error.classify() {
        serde_json::error::Category::Data => FormatErrorKind::Structure,
        _ => FormatErrorKind::Syntax,
    };
    FormatError::new(kind, raw::message(error)).at(|| Position {
        line: error.line(),
        column: error.column(),
    })
}

/// Returns the text of a document.
pub(super) fn text(document: &[u8]) -> Result<&str, FormatError> {
    str::from_utf8(document).map_err(|error| {
        let at = error.valid_up_to();
        let text = format!("the document is not UTF-8 from byte {at} on");
        FormatError::new(FormatErrorKind::Encoding, text)
    })
}

/// Returns the range of a part of a document.
pub(super) fn range(document: &[u8], part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - document.as_ptr().addr();
    start..start + part.len()
}

/// Reads the answer to one call, and returns its result as a part of the document.
///
/// # Errors
/// [`CallError::Fault`] if the server answered with an error, whatever the status, and otherwise
/// the reason why the response is no answer to the call.
pub(super) fn single(
    client: &HttpClient<impl Transport, Json>,
    response: Response,
    id: Option<u64>,
) -> Result<Payload, CallError> {
    client.read(response, |status, _, document| {
        match result(&document, status, id, client.secrets()) {
            Ok(Ok(range)) => Ok(Payload::part(document, range)),
            Ok(Err(fault)) => Err(Unread::Failed(CallError::Fault(fault))),
            Err(error) => Err(Unread::NotAReply(document, error)),
        }
    })
}

type Outcome = Result<Range<usize>, Fault>;

/// Returns the range of the result, or the fault. The error is `None` for a result with an HTTP
/// status that says there is none.
fn result(
    document: &Bytes,
    status: StatusCode,
    id: Option<u64>,
    secrets: &Secrets,
) -> Result<Outcome, Option<FormatError>> {
    let answer = Answer::read(text(document)?, secrets)?;
    if id.is_some_and(|id| !answer.is_of(id)) {
        return Err(Some(structure("the answer has the id of another call")));
    }
    match answer.outcome {
        Ok(_) if !status.is_success() => Err(None),
        Ok(result) => Ok(Ok(range(document, result))),
        Err(fault) => Ok(Err(fault)),
    }
}

/// Decodes a result.
///
/// # Errors
/// [`CallError::Decode`].
pub(super) fn decode<R: DeserializeOwned>(
    format: Json,
    result: &Payload,
    secrets: &Secrets,
) -> Result<R, CallError> {
    use farcall_core::protocol::Format as _;

    let result = format.decode_reply(result);
    result.map_err(|error| CallError::Decode(secrets.redact_error(error)))
}

#[cfg(test)]
mod tests {
    use farcall_core::FaultKind;

    use super::*;

    fn read(text: &str) -> Result<Answer<'_>, String> {
        Answer::read(text, &Secrets::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn answers_of_all_ages_are_read() {
        for text in [
            r#"{"jsonrpc":"2.0","result":7,"id":1}"#,
            r#"{"id":1.0,"error":null,"result":7}"#,
            r#"{"jsonrpc":"1.0","result":7,"error":null,"id":1,"x":[{}]}"#,
        ] {
            let answer = read(text).unwrap();
            assert_eq!(answer.outcome.as_ref().ok(), Some(&"7"), "{text}");
            assert!(answer.is_of(1) && !answer.is_of(2), "{text}");
        }
        let null = read(r#"{"result":null,"error":null,"id":1}"#).unwrap();
        assert_eq!(null.outcome.ok(), Some("null"));
    }

    #[test]
    fn errors_have_code_message_and_data() {
        for (error, code, kind) in [
            (
                r#"{"code":-32601,"message":"m"}"#,
                -32601,
                FaultKind::UnknownMethod,
            ),
            (
                r#"{"code":-32400,"message":"m","data":{"kind":"overloaded"}}"#,
                -32400,
                FaultKind::Overloaded,
            ),
            (
                r#"{"code":1,"message":"m","data":{"kind":"overloaded"}}"#,
                1,
                FaultKind::Application,
            ),
            (
                r#"{"code":1,"message":"m","data":[1]}"#,
                1,
                FaultKind::Application,
            ),
        ] {
            let text = format!(r#"{{"result":null,"error":{error},"id":null}}"#);
            let answer = read(&text).unwrap();
            assert!(answer.is_of(5));
            let fault = answer.outcome.unwrap_err();
            assert_eq!((fault.code(), fault.kind()), (code, kind), "{error}");
            assert_eq!(fault.message(), "m");
            let error = CallError::Fault(fault);
            let data = ErrorData::of(&error).map(ErrorData::as_str);
            assert_eq!(data.is_some(), text.contains("data"), "{text}");
        }
    }

    #[test]
    fn data_of_an_error_is_kept_up_to_64_kib() {
        for (length, is_kept) in [(65_536, true), (65_537, false)] {
            let data = format!("\"{}\"", "x".repeat(length - 2));
            let text = format!(r#"{{"error":{{"code":1,"message":"m","data":{data}}},"id":1}}"#);
            let fault = read(&text).unwrap().outcome.unwrap_err();
            assert_eq!((fault.code(), fault.message()), (1, "m"));
            let error = CallError::Fault(fault);
            let kept = ErrorData::of(&error).map(|data| data.as_str().len());
            assert_eq!(kept, is_kept.then_some(length));
        }
    }

    #[test]
    fn other_documents_are_no_answers() {
        for (text, expected) in [
            ("[]", "invalid type: sequence"),
            ("{", "EOF while parsing"),
            ("{}", "an answer has a result or an error"),
            (
                r#"{"error":null,"id":1}"#,
                "an answer has a result or an error",
            ),
            (
                r#"{"result":1,"result":1}"#,
                "the member `result` is there twice",
            ),
            (r#"{"error":5}"#, "invalid type: integer"),
            (
                r#"{"error":{"code":"1"}}"#,
                "the code of the error is not an integer",
            ),
            (
                r#"{"error":{"code":1.5}}"#,
                "the code of the error is not an integer",
            ),
        ] {
            let error = read(text).err().unwrap();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let deep = format!(
            r#"{{"x":{},"result":1}}"#,
            "[".repeat(100_000) + &"]".repeat(100_000)
        );
        assert!(read(&deep).is_ok());
    }
}
