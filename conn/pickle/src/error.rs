//! Errors with their position in the pickle and in the decoded value.

use std::fmt::{self, Write as _};

use farcall_core::{FormatError, FormatErrorKind};
use serde::de::{self, Expected, Unexpected};

/// Maximum bytes of a peer's text that a message quotes.
const MAX_QUOTED: usize = 64;

/// An error in a pickle.
#[derive(Debug)]
pub(super) struct Error(Box<ErrorData>);

#[derive(Debug)]
struct ErrorData {
    kind: FormatErrorKind,
    message: String,
    /// Offset in the pickle.
    at: Option<usize>,
    /// The path to the value, innermost step first.
    path: Vec<PathStep>,
}

/// A step of the path to a value.
#[derive(Debug)]
pub(super) enum PathStep {
    Index(usize),
    Key(String),
}

impl Error {
    /// Creates an error of the pickle itself.
    #[cold]
    pub(super) fn new(kind: FormatErrorKind, at: usize, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorData {
            kind,
            message: message.into(),
            at: Some(at),
            path: Vec::new(),
        }))
    }

    /// Creates the error for a value of another type than expected.
    #[cold]
    pub(super) fn mismatch(at: usize, found: impl fmt::Display, expected: &dyn Expected) -> Self {
        Self::new(
            FormatErrorKind::Mismatch,
            at,
            format!("expected {expected}, found {found}"),
        )
    }

    /// Adds the offset in the pickle, unless it is known already.
    #[cold]
    pub(super) fn at(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// Adds the next outer step of the path to the value.
    #[cold]
    pub(super) fn within(mut self, step: PathStep) -> Self {
        self.0.path.push(step);
        self
    }
}

impl PathStep {
    pub(super) fn key(text: &str) -> Self {
        Self::Key(quoted(text).to_owned())
    }
}

/// Returns the first [`MAX_QUOTED`] bytes of a text, up to a character boundary, for an error
/// message.
pub(super) fn quoted(text: &str) -> &str {
    let mut end = text.len().min(MAX_QUOTED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl From<Error> for FormatError {
    fn from(error: Error) -> Self {
        let ErrorData {
            kind,
            mut message,
            at,
            path,
        } = *error.0;
        if let Some(at) = at {
            let _ = write!(message, ", at byte {at}");
        }
        let error = Self::new(kind, message);
        // The path to the value at which a limit was exceeded is of no use.
        if path.is_empty() || kind == FormatErrorKind::Limit {
            return error;
        }
        error.within(|| {
            let mut text = String::new();
            for step in path.iter().rev() {
                let _ = match step {
                    PathStep::Index(index) => write!(text, "[{index}]"),
                    PathStep::Key(key) if text.is_empty() => text.write_str(key),
                    PathStep::Key(key) => write!(text, ".{key}"),
                };
            }
            text
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(ErrorData {
            kind: FormatErrorKind::Mismatch,
            message: message.to_string(),
            at: None,
            path: Vec::new(),
        }))
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
        let variant = quoted(variant);
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
    use super::*;

    #[test]
    fn quoted_text_ends_between_characters() {
        let text = "é".repeat(MAX_QUOTED);
        assert_eq!(quoted(&text).len(), MAX_QUOTED);
        let text = format!("a{text}");
        assert_eq!(quoted(&text).len(), MAX_QUOTED - 1);
        assert_eq!(quoted("short"), "short");
    }
}
