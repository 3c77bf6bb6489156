//! Errors of formats and of calls.

use std::error::Error;
use std::fmt;

use serde::de::{Expected, Unexpected};

use crate::fault::{Fault, FaultKind};
use crate::output::{debug_error, excerpt, shortened};

/// The error of a [`Format`](crate::protocol::Format): a message that cannot be decoded, or a value
/// that cannot be encoded.
pub struct FormatError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: FormatErrorKind,
    message: String,
    path: ValuePath,
    position: Option<Position>,
}

/// The path to an error in nested values, innermost step first.
#[derive(Debug, Default)]
struct ValuePath {
    steps: Vec<String>,
    /// `true` if steps before the outermost were omitted.
    is_cut: bool,
}

impl ValuePath {
    /// Maximum number of steps, since a peer decides how deep values are nested.
    const MAX: usize = 16;

    fn push(&mut self, step: String) {
        if self.steps.len() == Self::MAX {
            self.steps.pop();
            self.is_cut = true;
        }
        self.steps.push(shortened(step));
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " of " })?;
            if self.is_cut && i + 1 == self.steps.len() {
                f.write_str("… of ")?;
            }
            f.write_str(step)?;
        }
        Ok(())
    }
}

/// The kind of a [`FormatError`], which also tells whether the message or a local value is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// The message is not well-formed.
    Syntax,
    /// The message is in an encoding that is not supported.
    Encoding,
    /// The message has bytes or characters that its encoding or format does not allow.
    Character,
    /// The message is well-formed, but does not have the structure that the protocol requires.
    Structure,
    /// The message exceeds a limit of depth, size or count.
    Limit,
    /// The message is valid, but its values do not match the requested types.
    Mismatch,
    /// A local value cannot be represented in the format.
    Unrepresentable,
}

/// A position in a text document. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Position {
    /// Returns the position of a byte offset in a document.
    #[must_use]
    pub fn of(document: &[u8], offset: usize) -> Self {
        let start = Self { line: 1, column: 1 };
        start.after(&document[..offset.min(document.len())])
    }

    /// Returns the position after `bytes`, if they start at this position.
    ///
    /// ```
    /// use farcall::Position;
    ///
    /// let start = Position { line: 1, column: 1 };
    /// assert_eq!(start.after("aé".as_bytes()), Position { line: 1, column: 3 });
    /// assert_eq!(start.after("aé\nb".as_bytes()).after(b"c"), Position { line: 2, column: 3 });
    /// ```
    #[must_use]
    pub fn after(self, bytes: &[u8]) -> Self {
        // In UTF-8, all bytes of a character except the first are 10xxxxxx.
        let starts_character = |byte: &&u8| (**byte as i8) >= -0x40;
        let characters = |bytes: &[u8]| bytes.iter().filter(starts_character).count();
        match memchr::memrchr(b'\n', bytes) {
            None => Self {
                line: self.line,
                column: self.column + characters(bytes),
            },
            Some(newline) => Self {
                line: self.line + memchr::memchr_iter(b'\n', bytes).count(),
                column: characters(&bytes[newline + 1..]) + 1,
            },
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl FormatError {
    /// Creates an error of the given kind. A message of more than 1,024 bytes is truncated, since
    /// it may quote what a peer sent.
    #[must_use]
    pub fn new(kind: FormatErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: shortened(message.into()),
            path: ValuePath::default(),
            position: None,
        }))
    }

    /// Sets the position of the error, unless it is already set: the first one is the nearest.
    #[cold]
    #[must_use]
    pub fn at(mut self, position: impl FnOnce() -> Position) -> Self {
        if self.0.position.is_none() {
            self.0.position = Some(position());
        }
        self
    }

    /// Adds a step to the path of the error, such as "parameter 2". The innermost step comes first,
    /// so that a path reads "member `date` of parameter 2". Of a path of more than 16 steps, the 15
    /// innermost and the outermost are kept.
    ///
    /// ```
    /// use farcall::{FormatError, FormatErrorKind};
    ///
    /// let error = FormatError::new(FormatErrorKind::Mismatch, "expected int, found nil");
    /// let error = error.within(|| "member `a`".to_owned()).within(|| "element 3".to_owned());
    /// assert_eq!(error.to_string(), "member `a` of element 3: expected int, found nil");
    /// ```
    #[cold]
    #[must_use]
    pub fn within(mut self, step: impl FnOnce() -> String) -> Self {
        self.0.path.push(step());
        self
    }

    /// Replaces the texts of the error, which are its message and the steps of its path: a client
    /// hides its secrets in them, since they may quote what a peer sent.
    #[must_use]
    pub fn map_texts(mut self, replace: impl Fn(String) -> String) -> Self {
        let texts = self.0.path.steps.iter_mut().chain([&mut self.0.message]);
        for text in texts {
            *text = replace(std::mem::take(text));
        }
        self
    }

    /// Replaces the position of the error, if it is set.
    #[cfg(feature = "json")]
    pub(crate) fn map_position(mut self, replace: impl FnOnce(Position) -> Position) -> Self {
        self.0.position = self.0.position.map(replace);
        self
    }

    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> FormatErrorKind {
        self.0.kind
    }

    /// The position of the error in the document, if known.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.0.position
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.steps.is_empty() {
            write!(f, "{}: ", self.0.path)?;
        }
        f.write_str(&self.0.message)?;
        match &self.0.position {
            Some(position) => write!(f, ", at {position}"),
            None => Ok(()),
        }
    }
}

/// `{:?}` is the text of the error, `{:#?}` has its fields.
impl fmt::Debug for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            fmt::Debug::fmt(&self.0, f)
        } else {
            debug_error(self, f)
        }
    }
}

impl Error for FormatError {}

impl serde::de::Error for FormatError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(FormatErrorKind::Mismatch, excerpt(message))
    }

    /// Names the unsigned types that accept any size, whose Rust names say little to a caller in
    /// another language.
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = match (unexpected, expected.as_str()) {
            (Unexpected::Signed(..0), "u64" | "u128" | "usize") => "a non-negative integer",
            (_, expected) => expected,
        };
        serde::de::Error::custom(format_args!(
            "invalid value: {unexpected}, expected {expected}"
        ))
    }
}

impl serde::ser::Error for FormatError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(FormatErrorKind::Unrepresentable, excerpt(message))
    }
}

/// Creates the fault that a caller receives when its message cannot be decoded.
impl From<FormatError> for Fault {
    fn from(error: FormatError) -> Self {
        let kind = match error.kind() {
            FormatErrorKind::Syntax => FaultKind::Parse,
            FormatErrorKind::Encoding => FaultKind::UnsupportedEncoding,
            FormatErrorKind::Character => FaultKind::InvalidCharacter,
            FormatErrorKind::Structure | FormatErrorKind::Limit => FaultKind::InvalidRequest,
            FormatErrorKind::Mismatch => FaultKind::InvalidParams,
            FormatErrorKind::Unrepresentable => FaultKind::Internal,
        };
        Self::of(kind, error.to_string())
    }
}

/// The error of a call. The variant tells whether the call ran: see
/// [`execution`](Self::execution).
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The arguments cannot be represented in the format. Nothing was sent.
    #[error("the arguments cannot be encoded")]
    Encode(#[source] FormatError),
    /// The call was not sent. It did not run and can be retried.
    #[error("the call was not sent")]
    NotSent(#[source] Box<dyn Error + Send + Sync>),
    /// The call was sent, in whole or in part, and no reply arrived. It may have run.
    #[error("the call was sent, but no reply arrived")]
    Lost(#[source] Box<dyn Error + Send + Sync>),
    /// The layer below the calls refused the request, for example because of wrong credentials, an
    /// unknown path, or a request that is too large. The call did not run.
    #[error("the server refused the request before any method ran")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The response is not a reply of this protocol, for example the error page of a proxy or a
    /// reply that exceeds a limit. The call may have run.
    #[error("the response is not a valid reply")]
    NotAReply(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered with a fault.
    #[error("the server answered with a fault")]
    Fault(#[source] Fault),
    /// The call ran, but its result does not match the requested type.
    #[error("the result does not match the requested type")]
    Decode(#[source] FormatError),
}

crate::debug_errors!(CallError);

/// The execution status of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Execution {
    /// The method did not run. Retrying the call is safe.
    Never,
    /// The method may have run, in whole or in part.
    Maybe,
    /// The method ran to completion.
    Completed,
}

impl CallError {
    /// Returns whether the method ran, as far as the local side can know.
    ///
    /// A fault that is not a refusal counts as `Maybe`. This includes
    /// [`Application`](crate::FaultKind::Application) faults: in the protocol of calls over
    /// connections they mean that the method ran, but servers of XML-RPC in other languages also
    /// report refusals with codes of their own.
    #[must_use]
    pub const fn execution(&self) -> Execution {
        match self {
            Self::Encode(_) | Self::NotSent(_) | Self::Refused(_) => Execution::Never,
            Self::Fault(fault) if fault.kind().is_refusal() => Execution::Never,
            Self::Lost(_) | Self::NotAReply(_) | Self::Fault(_) => Execution::Maybe,
            Self::Decode(_) => Execution::Completed,
        }
    }

    /// The fault, if the server answered with one.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Lets a handler pass on the failure of a call that it made, with `?`. A fault is passed on
/// unchanged, unless it refused the handler's call before it ran: the caller would conclude that
/// the handler itself never ran. Such a fault, and any other error, becomes an internal fault whose
/// cause is logged.
impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Fault(fault) if !fault.kind().is_refusal() => fault,
            error => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde::de::value::I64Deserializer;

    use super::*;

    #[test]
    fn a_negative_number_is_refused_without_the_name_of_a_rust_type() {
        let decode = |number: i64| {
            let number: I64Deserializer<FormatError> = number.into_deserializer();
            u64::deserialize(number).map_err(|error| error.to_string())
        };
        assert_eq!(decode(1), Ok(1));
        let expected = "invalid value: integer `-1`, expected a non-negative integer";
        assert_eq!(decode(-1), Err(expected.to_owned()));
    }

    #[test]
    fn a_path_keeps_its_innermost_and_outermost_steps() {
        let error = FormatError::new(FormatErrorKind::Mismatch, "no");
        let step = |error: FormatError, n: usize| error.within(|| format!("element {n}"));
        assert_eq!(
            (1..=2).fold(error, step).to_string(),
            "element 1 of element 2: no"
        );
        let error = FormatError::new(FormatErrorKind::Mismatch, "no");
        let text = (1..=255).fold(error, step).to_string();
        assert!(text.starts_with("element 1 of element 2 of "), "{text}");
        assert!(
            text.ends_with(" of element 15 of … of element 255: no"),
            "{text}"
        );
    }
}
