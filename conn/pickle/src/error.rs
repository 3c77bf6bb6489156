//! Errors with their position in the pickle and in the decoded value.

use std::fmt::{self, Write as _};

use serde::de::{Expected, Unexpected};

use crate::names::readable;

/// Maximum bytes of a peer's text that a message quotes.
const MAX_QUOTED: usize = 64;

/// Maximum bytes of a message, and of a path: both may quote what a peer sent.
const MAX_TEXT: usize = 1024;

/// The error of a pickle that cannot be decoded, or of a value that cannot be encoded.
///
/// Its text consists of the path, the message and the position:
///
/// ```
/// let message = b"\x80\x04](K\x05\x8c\x03sixe."; // [5, 'six']
/// let error = farcall_pickle::from_slice::<Vec<i32>>(message).unwrap_err();
/// assert_eq!(error.to_string(), "[1]: expected i32, found str, at byte 6");
/// assert_eq!(error.kind(), farcall_pickle::ErrorKind::Mismatch);
/// assert_eq!(error.position(), Some(6));
/// ```
#[derive(Debug)]
pub struct Error(Box<ErrorData>);

#[derive(Debug)]
struct ErrorData {
    kind: ErrorKind,
    message: String,
    /// Offset in the pickle.
    at: Option<usize>,
    /// The path to the value, innermost step first.
    path: Vec<PathStep>,
}

/// The kind of an [`Error`], which also tells whether the pickle or a local value is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a pickle, or end too early.
    Syntax,
    /// The pickle has a protocol that is not supported.
    Encoding,
    /// A text of the pickle is not UTF-8.
    Character,
    /// The pickle is well-formed, but needs something that is not supported, such as a value that
    /// contains itself.
    Structure,
    /// The pickle exceeds a limit of depth or number of values.
    Limit,
    /// The pickle is valid, but its values do not match the requested types.
    Mismatch,
    /// A local value cannot be represented as a pickle.
    Unrepresentable,
}

/// A step of the path to a value.
#[derive(Debug)]
pub(crate) enum PathStep {
    Index(usize),
    Key(String),
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The description of the error, without its path and position. It quotes at most 1,024 bytes
    /// of what a peer sent.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The byte offset in the pickle, counted from 0: that of the opcode at fault. `None` for local
    /// values.
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        self.0.at
    }

    /// The path to the value at fault, such as `users[3].name`. `None` if it is the outermost value
    /// or a local one, or if a limit was exceeded, since its place is of no use then.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        if self.0.path.is_empty() || self.0.kind == ErrorKind::Limit {
            return None;
        }
        let mut text = Excerpt::new(MAX_TEXT);
        for step in self.0.path.iter().rev() {
            let written = match step {
                PathStep::Index(index) => write!(text, "[{index}]"),
                PathStep::Key(key) if text.text.is_empty() => text.write_str(key),
                PathStep::Key(key) => write!(text, ".{key}"),
            };
            if written.is_err() {
                break;
            }
        }
        Some(text.text)
    }

    /// Creates an error of the pickle itself.
    #[cold]
    pub(crate) fn new(kind: ErrorKind, at: usize, message: impl Into<String>) -> Self {
        Self::without_path(kind, Some(at), message.into())
    }

    /// Creates the error for a local value without a form in a pickle.
    #[cold]
    pub(crate) fn unrepresentable(message: impl Into<String>) -> Self {
        Self::without_path(ErrorKind::Unrepresentable, None, message.into())
    }

    /// Creates the error for a value of another type than expected.
    #[cold]
    pub(crate) fn mismatch(at: usize, found: impl fmt::Display, expected: &dyn Expected) -> Self {
        Self::new(
            ErrorKind::Mismatch,
            at,
            format!("expected {expected}, found {found}"),
        )
    }

    fn without_path(kind: ErrorKind, at: Option<usize>, message: String) -> Self {
        Self(Box::new(ErrorData {
            kind,
            message,
            at,
            path: Vec::new(),
        }))
    }

    /// Adds the offset in the pickle, unless it is known already.
    #[cold]
    pub(crate) fn at(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// Adds the next outer step of the path to the value.
    #[cold]
    pub(crate) fn within(mut self, step: PathStep) -> Self {
        self.0.path.push(step);
        self
    }
}

impl PathStep {
    pub(crate) fn key(text: &str) -> Self {
        Self::Key(quoted(text).to_owned())
    }
}

/// Returns the first [`MAX_QUOTED`] bytes of a text, up to a character boundary, for an error
/// message.
pub(crate) fn quoted(text: &str) -> &str {
    start_of(text, MAX_QUOTED)
}

/// Returns the first `max` bytes of a text, up to a character boundary.
fn start_of(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Writer of the first `max` bytes of a text, and of `…` if it is longer. Writing fails then.
pub(crate) struct Excerpt {
    pub(crate) text: String,
    max: usize,
}

impl Excerpt {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            text: String::new(),
            max,
        }
    }
}

impl fmt::Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = match self.max.checked_sub(self.text.len()) {
            Some(room) => start_of(text, room),
            // The text is cut already, and its writer ignores errors.
            None => return Err(fmt::Error),
        };
        self.text.push_str(start);
        if start.len() == text.len() {
            return Ok(());
        }
        self.text.push('…');
        Err(fmt::Error)
    }
}

fn excerpt(text: impl fmt::Display) -> String {
    let mut excerpt = Excerpt::new(MAX_TEXT);
    // Writing fails once the text exceeds the limit.
    let _ = write!(excerpt, "{text}");
    excerpt.text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.0.message)?;
        match self.0.at {
            Some(at) => write!(f, ", at byte {at}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unrepresentable(excerpt(message))
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::without_path(ErrorKind::Mismatch, None, excerpt(message))
    }

    // The message omits a peer's text, which could fill the log.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Str(_) => Self::custom(format_args!("expected {expected}, found str")),
            Unexpected::Bytes(_) => Self::custom(format_args!("expected {expected}, found bytes")),
            found => Self::custom(format_args!("expected {expected}, found {found}")),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Str(text) => Self::custom(format_args!(
                "expected {expected}, found {:?}",
                quoted(text)
            )),
            found => Self::invalid_type(found, expected),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let variant = quoted(readable(variant));
        let expected: Vec<&str> = expected.iter().map(|name| readable(name)).collect();
        Self::custom(format_args!(
            "the enum has no variant {variant:?}, only {expected:?}"
        ))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let field = quoted(field);
        Self::custom(format_args!(
            "the struct has no field {field:?}, only {expected:?}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::Error as _;

    use super::*;

    #[test]
    fn quoted_text_ends_between_characters() {
        let text = "é".repeat(MAX_QUOTED);
        assert_eq!(quoted(&text).len(), MAX_QUOTED);
        let text = format!("a{text}");
        assert_eq!(quoted(&text).len(), MAX_QUOTED - 1);
        assert_eq!(quoted("short"), "short");
    }

    #[test]
    fn the_text_has_a_path_and_a_position_if_they_are_known() {
        let error = || Error::new(ErrorKind::Mismatch, 7, "no");
        assert_eq!(error().to_string(), "no, at byte 7");
        assert_eq!(error().path(), None);
        let within = |error: Error| {
            let error = error.within(PathStep::key("b")).within(PathStep::Index(3));
            error.within(PathStep::key("a"))
        };
        assert_eq!(within(error()).to_string(), "a[3].b: no, at byte 7");
        let limit = within(Error::new(ErrorKind::Limit, 7, "no"));
        assert_eq!((limit.path(), limit.position()), (None, Some(7)));
        let local = Error::unrepresentable("no");
        assert_eq!((local.to_string().as_str(), local.position()), ("no", None));
    }

    #[test]
    fn messages_and_paths_are_shortened() {
        let fits = "x".repeat(MAX_TEXT);
        assert_eq!(Error::custom(&fits).message(), fits);
        let cut = Error::custom("é".repeat(MAX_TEXT));
        assert_eq!(cut.message().len(), MAX_TEXT + '…'.len_utf8());
        let deep = (0..200).fold(Error::custom("no"), |error, _| {
            error.within(PathStep::key("a name"))
        });
        let path = deep.path().unwrap();
        assert_eq!(path.len(), MAX_TEXT + '…'.len_utf8());
        assert!(path.starts_with("a name.a name.") && path.ends_with('…'));
    }
}
