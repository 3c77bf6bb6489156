//! Errors of documents that are refused.

use farcall_core::{FormatError, FormatErrorKind, Position};

use super::{Forbidden, Markup, Reader, Token, forbidden};

impl Reader<'_> {
    /// Returns the position of an offset in the message.
    pub(crate) fn position(&self, offset: usize) -> Position {
        self.positions.of(offset)
    }

    /// Creates an error at an offset in the message.
    #[cold]
    pub(crate) fn error(
        &self,
        kind: FormatErrorKind,
        offset: usize,
        message: impl Into<String>,
    ) -> FormatError {
        FormatError::new(kind, message).at(|| self.position(offset))
    }

    /// Creates the error of an unexpected tag.
    #[cold]
    pub(crate) fn unexpected(&self, token: Token, expected: &str) -> FormatError {
        // A truncated document is not well-formed; a document of other elements is well-formed,
        // but not XML-RPC.
        let kind = match token.markup {
            Markup::Eof => FormatErrorKind::Syntax,
            _ => FormatErrorKind::Structure,
        };
        let message = format!("expected {expected}, found {}", self.describe(token));
        self.error(kind, token.start, message)
    }

    /// Creates the error of text where only tags are allowed.
    #[cold]
    pub(crate) fn stray_text(&self, start: usize) -> FormatError {
        match self.open() {
            0 => self.error(
                FormatErrorKind::Syntax,
                start,
                "text outside of any element",
            ),
            _ => self.error(FormatErrorKind::Structure, start, "text between elements"),
        }
    }

    /// Describes a tag with its name in the document, for error messages.
    pub(crate) fn describe(&self, token: Token) -> String {
        let source = String::from_utf8_lossy(&self.message[token.start..token.end]);
        let name = source
            .trim_start_matches(['<', '/'])
            .split([' ', '\t', '\r', '\n', '/', '>'])
            .next()
            .unwrap_or_default();
        // The end of an empty-element tag has no text of its own.
        let name: String = name.chars().take(64).collect();
        match token.markup {
            Markup::Start(_) => format!("<{name}>"),
            Markup::End(_) if name.is_empty() => "the end of the element".to_owned(),
            Markup::End(_) => format!("</{name}>"),
            Markup::Eof => "the end of the document".to_owned(),
        }
    }

    /// Refuses characters that XML forbids, unless the reader replaces them.
    pub(super) fn check(&self, text: &str, start: usize) -> Result<(), FormatError> {
        if self.forbidden == Forbidden::Replace {
            return Ok(());
        }
        forbidden(text).map_or(Ok(()), |(at, c)| {
            Err(self.error(
                FormatErrorKind::Character,
                start + at,
                format!(
                    "the character U+{:04X}, which XML does not allow",
                    u32::from(c)
                ),
            ))
        })
    }

    #[cold]
    pub(super) fn not_utf8(&self, start: usize) -> FormatError {
        self.error(
            FormatErrorKind::Character,
            start,
            "bytes that are not UTF-8",
        )
    }

    #[cold]
    pub(super) fn document_type(&self, start: usize) -> FormatError {
        self.error(
            FormatErrorKind::Structure,
            start,
            "a document type declaration (DOCTYPE), which is refused",
        )
    }
}
