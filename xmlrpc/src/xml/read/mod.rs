//! Pull reader of tags and texts.
//!
//! This module reads plain tags, texts and references, which are nearly everything that peers send.
//! Other markup is passed to quick-xml, one event at a time: see [`events`].

mod error;
mod events;
mod mark;
pub(crate) mod plain;
#[cfg(test)]
mod tests;
mod utf8;

use std::borrow::Cow;
use std::ops::Range;

use farcall_core::protocol::Payload;
use farcall_core::{FormatError, FormatErrorKind};
use memchr::{memchr, memchr2, memchr3};

use self::utf8::Checked;
use super::positions::Positions;
pub(crate) use super::tag::Tag;
use super::tag::plain_name;
use super::{Forbidden, declaration, forbidden, is_blank, is_xml_char, replaced};

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Markup between texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Markup {
    Start(Tag),
    End(Tag),
    /// The end of the input, with no element open.
    Eof,
}

/// A piece of markup and its offsets in the whole message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) markup: Markup,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A part of a text.
enum Piece<'a> {
    /// Characters of the document, and their offset.
    Text(&'a str, usize),
    /// The character of a reference.
    Char(char),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// The last tag was an empty-element tag, whose end was not returned yet.
    Empty,
    /// The markup has an error. Further reads fail.
    Failed,
}

/// Reads a document, or a part of one, from start to end.
///
/// Comments and processing instructions are skipped, attributes and namespace prefixes ignored, and
/// document types refused. Tags that do not match are an error.
pub(crate) struct Reader<'a> {
    message: &'a [u8],
    /// End of the input, as an offset in the message.
    end: usize,
    /// The rest of the input.
    rest: &'a [u8],
    /// Names of the open elements.
    open: Vec<&'a [u8]>,
    max_open: usize,
    state: State,
    declaration_allowed: bool,
    forbidden: Forbidden,
    positions: Positions<'a>,
    checked: Checked<'a>,
}

impl<'a> Reader<'a> {
    /// Creates a reader of a payload whose elements nest at most `max_open` deep.
    pub(crate) fn new(payload: &'a Payload, max_open: usize) -> Self {
        let range = payload.range();
        Self {
            positions: Positions::of_payload(payload),
            ..Self::part(payload.message(), range.end, payload.as_slice(), max_open)
        }
    }

    /// Creates a reader of a whole document, which can start with an XML declaration.
    pub(crate) fn document(document: &'a [u8], max_open: usize) -> Self {
        Self::part(document, document.len(), document, max_open).allow_declaration()
    }

    /// Allows the payload to start with an XML declaration.
    pub(crate) fn allow_declaration(mut self) -> Self {
        self.declaration_allowed = true;
        if let Some(after) = declaration::after(self.rest) {
            self.rest = after;
            self.declaration_allowed = false;
        }
        self
    }

    /// Sets the handling of characters that XML forbids. Default: refused.
    pub(crate) fn forbidden(mut self, forbidden: Forbidden) -> Self {
        self.forbidden = forbidden;
        self
    }

    fn part(message: &'a [u8], end: usize, mut rest: &'a [u8], max_open: usize) -> Self {
        while let Some(after) = rest.strip_prefix(BOM) {
            rest = after;
        }
        Self {
            message,
            end,
            rest,
            // Nearly all documents nest less deep than this.
            open: Vec::with_capacity(16),
            max_open,
            state: State::Reading,
            declaration_allowed: false,
            forbidden: Forbidden::Refuse,
            positions: Positions::new(message),
            checked: Checked::default(),
        }
    }

    /// Number of open elements.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Offset in the message of the next byte to read.
    pub(crate) fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// Reads the next tag, or the end. White space before it is skipped.
    ///
    /// # Errors
    /// If there is text before the tag, or the document is malformed.
    pub(crate) fn tag(&mut self) -> Result<Token, FormatError> {
        self.tag_after(|reader, text, start| {
            if is_blank(text) {
                Ok(())
            } else {
                Err(reader.stray_text(start))
            }
        })
    }

    /// Reads the next tag, or the end. Text before it is skipped.
    ///
    /// # Errors
    /// If the document is malformed.
    pub(crate) fn skip_to_tag(&mut self) -> Result<Token, FormatError> {
        self.tag_after(Self::check)
    }

    fn tag_after(
        &mut self,
        text: impl Fn(&Self, &str, usize) -> Result<(), FormatError>,
    ) -> Result<Token, FormatError> {
        while let Some(piece) = self.or_fail(Self::piece)? {
            match piece {
                Piece::Text(piece, start) => text(self, piece, start)?,
                Piece::Char(c) => text(self, c.encode_utf8(&mut [0; 4]), self.offset())?,
            }
        }
        self.or_fail(Self::markup)
    }

    /// Reads the text up to the next tag, or the end.
    ///
    /// # Errors
    /// If the document is malformed.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, FormatError> {
        let mut text = Cow::Borrowed("");
        while let Some(piece) = self.or_fail(Self::piece)? {
            match piece {
                Piece::Text(piece, start) => {
                    self.check(piece, start)?;
                    let piece = cleaned(piece);
                    if text.is_empty() {
                        text = piece;
                    } else {
                        text.to_mut().push_str(&piece);
                    }
                }
                Piece::Char(c) => text.to_mut().push(c),
            }
        }
        Ok(text)
    }

    /// Calls `read`, unless an earlier call failed. An error is recorded and fails later calls.
    fn or_fail<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, FormatError>,
    ) -> Result<T, FormatError> {
        if self.state == State::Failed {
            return Err(self.error(
                FormatErrorKind::Syntax,
                self.offset(),
                "reader used after an error",
            ));
        }
        let result = read(self);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// Reads the next part of a text. Returns `None` if a tag or the end is next.
    fn piece(&mut self) -> Result<Option<Piece<'a>>, FormatError> {
        if self.state == State::Empty {
            return Ok(None);
        }
        loop {
            let start = self.offset();
            match self.rest {
                [] => return Ok(None),
                [b'<', b'!' | b'?', ..] => {
                    if let Some(text) = self.miscellaneous()? {
                        return Ok(Some(text));
                    }
                }
                [b'<', ..] => return Ok(None),
                [b'&', after @ ..] => {
                    return match memchr3(b';', b'&', b'<', after) {
                        Some(len) if after[len] == b';' => {
                            self.rest = &after[len + 1..];
                            let name = self.utf8(start + 1..start + 1 + len)?;
                            self.resolve(name, start).map(|c| Some(Piece::Char(c)))
                        }
                        _ => Err(self.unclosed_reference()),
                    };
                }
                rest => {
                    let len = memchr2(b'<', b'&', rest).unwrap_or(rest.len());
                    self.rest = &rest[len..];
                    let text = self.utf8(start..start + len)?;
                    return Ok(Some(Piece::Text(text, start)));
                }
            }
        }
    }

    /// Reads the next tag, or the end.
    fn markup(&mut self) -> Result<Token, FormatError> {
        #[cfg(test)]
        steps::count();
        let start = self.offset();
        let markup = if self.state == State::Empty {
            self.state = State::Reading;
            let name = self.open.pop().unwrap_or_default();
            Markup::End(Tag::local(name))
        } else {
            match self.rest {
                [] if self.open.is_empty() => Markup::Eof,
                [] => {
                    return Err(self.error(
                        FormatErrorKind::Syntax,
                        start,
                        "the document ends in the middle of an element",
                    ));
                }
                [b'<', b'/', after @ ..] => match plain_name(after) {
                    Some((name, [b'>', after @ ..])) => {
                        self.rest = after;
                        self.end(name, start)?
                    }
                    _ => self.unusual_tag()?,
                },
                [_, after @ ..] => match plain_name(after) {
                    Some((name, [b'>', after @ ..])) => {
                        self.rest = after;
                        self.start(name, start)?
                    }
                    Some((name, [b'/', b'>', after @ ..])) => {
                        self.rest = after;
                        self.state = State::Empty;
                        self.start(name, start)?
                    }
                    _ => self.unusual_tag()?,
                },
            }
        };
        self.declaration_allowed = false;
        Ok(Token {
            markup,
            start,
            end: self.offset(),
        })
    }

    /// Opens an element.
    fn start(&mut self, name: &'a [u8], start: usize) -> Result<Markup, FormatError> {
        self.open.push(name);
        if self.open.len() > self.max_open {
            return Err(self.error(
                FormatErrorKind::Limit,
                start,
                format!("elements are nested more than {} deep", self.max_open),
            ));
        }
        Ok(Markup::Start(Tag::local(name)))
    }

    /// Closes an element. An element that was opened before this part of the document is not in
    /// `open`.
    fn end(&mut self, name: &[u8], start: usize) -> Result<Markup, FormatError> {
        if let Some(expected) = self.open.last()
            && *expected != name
        {
            return Err(self.error(
                FormatErrorKind::Syntax,
                start,
                format!(
                    "expected </{:.64}>, found </{:.64}>",
                    String::from_utf8_lossy(expected),
                    String::from_utf8_lossy(name)
                ),
            ));
        }
        self.open.pop();
        Ok(Markup::End(Tag::local(name)))
    }

    fn utf8(&mut self, range: Range<usize>) -> Result<&'a str, FormatError> {
        let start = range.start;
        self.checked
            .text(self.message, self.end, range)
            .ok_or_else(|| self.not_utf8(start))
    }
}

/// Returns a text with forbidden characters replaced and line ends normalised. Where forbidden
/// characters are refused, `check` has refused them before.
fn cleaned(text: &str) -> Cow<'_, str> {
    match replaced(text) {
        Cow::Borrowed(text) => normalised(text),
        Cow::Owned(text) => Cow::Owned(normalised(&text).into_owned()),
    }
}

/// Normalises line ends as XML requires: CR LF and CR become LF.
fn normalised(text: &str) -> Cow<'_, str> {
    if memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Number of tags that this thread has read without a shortcut.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        STEPS.set(STEPS.get() + 1);
    }

    /// Returns the number of tags since the last call, and resets it.
    pub(crate) fn take() -> usize {
        STEPS.take()
    }
}
