//! What is said of documents that are refused.

use rpc_core::{FormatError, FormatErrorKind, Position};

use super::{Forbidden, Markup, Reader, Token, forbidden};

impl Reader<'_> {
    /// The position of an offset of the message.
    pub(crate) fn position(&self, offset: usize) -> Position {
        self.positions.of(offset)
    }

    /// An error at an offset of the message.
    pub(crate) fn error(
        &self,
        kind: FormatErrorKind,
        offset: usize,
        message: impl Into<String>,
    ) -> FormatError {
        FormatError::new(kind, message).at(|| self.position(offset))
    }

    /// The error of a tag that does not belong where it is.
    pub(crate) fn unexpected(&self, token: Token, expected: &str) -> FormatError {
        // A document that just ends is not well-formed; one of other elements is, but no call.
        let kind = match token.markup {
            Markup::Eof => FormatErrorKind::Syntax,
            _ => FormatErrorKind::Structure,
        };
        let message = format!("expected {expected}, found {}", self.describe(token));
        self.error(kind, token.start, message)
    }

    /// The error of a text where only tags belong.
    #[cold]
    pub(crate) fn stray_text(&self, start: usize) -> FormatError {
        match self.open() {
            0 => self.error(
                FormatErrorKind::Syntax,
                start,
                "a text outside of any element",
            ),
            _ => self.error(FormatErrorKind::Structure, start, "a text between elements"),
        }
    }

    /// A tag as it stands in the document.
    pub(crate) fn describe(&self, token: Token) -> String {
        let source = String::from_utf8_lossy(&self.message[token.start..token.end]);
        let name = source
            .trim_start_matches(['<', '/'])
            .split([' ', '\t', '\r', '\n', '/', '>'])
            .next()
            .unwrap_or_default();
        // An element without contents ends where it starts, so its end has no text of its own.
        let name: String = name.chars().take(64).collect();
        match token.markup {
            Markup::Start(_) => format!("<{name}>"),
            Markup::End(_) if name.is_empty() => "the end of the element".to_owned(),
            Markup::End(_) => format!("</{name}>"),
            Markup::Eof => "the end of the document".to_owned(),
        }
    }

    /// Refuses characters that XML forbids, unless they are replaced.
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
