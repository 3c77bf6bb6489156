//! Reference reader for tests: quick-xml for the whole document. It is the reader as it was before
//! the fast path for plain documents was added. Tests compare the two.

use std::borrow::Cow;
use std::cell::Cell;

use farcall_core::{FormatError, FormatErrorKind, Position};
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesStart, Event};

use super::super::tag::is_name;
use super::super::{Forbidden, forbidden, is_blank, is_xml_char};
use super::events::replaced_code;
use super::{Markup, Tag, Token, cleaned};

thread_local! {
    static ENABLED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read` with the reference reader instead of each [`Reader`](super::Reader) of this thread.
pub(crate) fn with_reference<T>(read: impl FnOnce() -> T) -> T {
    ENABLED.set(true);
    let result = read();
    ENABLED.set(false);
    result
}

/// Returns `true` if this thread uses the reference reader.
pub(super) fn is_enabled() -> bool {
    ENABLED.get()
}

enum ReferencePiece<'a> {
    Text(&'a str, usize),
    Char(char),
    Markup(Token),
}

/// Reads a document, or a part of one, from start to end.
///
/// Comments and processing instructions are skipped, attributes and namespace prefixes ignored, and
/// document types refused. Tags that do not match are an error.
#[derive(Clone)]
pub(super) struct ReferenceReader<'a> {
    xml: quick_xml::Reader<&'a [u8]>,
    message: &'a [u8],
    /// Start of quick-xml's input, as an offset in the message.
    base: usize,
    /// The markup that ended a text.
    peeked: Option<Token>,
    open: usize,
    max_open: usize,
    declaration_allowed: bool,
    forbidden: Forbidden,
    /// `true` after an error. quick-xml would continue after some errors; this reader must not.
    failed: bool,
}

impl<'a> ReferenceReader<'a> {
    pub(super) fn if_enabled(
        message: &'a [u8],
        base: usize,
        input: &'a [u8],
        max_open: usize,
    ) -> Option<Box<Self>> {
        if !is_enabled() {
            return None;
        }
        let mut xml = quick_xml::Reader::from_reader(input);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        config.allow_unmatched_ends = true;
        Some(Box::new(Self {
            xml,
            message,
            base,
            peeked: None,
            open: 0,
            max_open,
            declaration_allowed: false,
            forbidden: Forbidden::Refuse,
            failed: false,
        }))
    }

    pub(super) const fn allow_declaration(&mut self) {
        self.declaration_allowed = true;
    }

    pub(super) const fn forbidden(&mut self, forbidden: Forbidden) {
        self.forbidden = forbidden;
    }

    /// Number of open elements.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// Reads the next tag, or the end. White space before it is skipped.
    ///
    /// # Errors
    /// If there is text before the tag, or the document is malformed.
    pub(super) fn tag(&mut self) -> Result<Token, FormatError> {
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
    pub(super) fn skip_to_tag(&mut self) -> Result<Token, FormatError> {
        self.tag_after(Self::check)
    }

    fn tag_after(
        &mut self,
        text: impl Fn(&Self, &str, usize) -> Result<(), FormatError>,
    ) -> Result<Token, FormatError> {
        if let Some(token) = self.peeked.take() {
            return Ok(token);
        }
        loop {
            match self.piece()? {
                ReferencePiece::Markup(token) => return Ok(token),
                ReferencePiece::Text(piece, start) => text(self, piece, start)?,
                ReferencePiece::Char(c) => text(self, c.encode_utf8(&mut [0; 4]), self.offset())?,
            }
        }
    }

    /// Reads the text up to the next tag, which [`tag`](Self::tag) returns later.
    ///
    /// # Errors
    /// If the document is malformed.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, FormatError> {
        let mut text = Cow::Borrowed("");
        if self.peeked.is_some() {
            return Ok(text);
        }
        loop {
            match self.piece()? {
                ReferencePiece::Markup(token) => {
                    self.peeked = Some(token);
                    return Ok(text);
                }
                ReferencePiece::Text(piece, start) => {
                    self.check(piece, start)?;
                    let piece = cleaned(piece);
                    if text.is_empty() {
                        text = piece;
                    } else {
                        text.to_mut().push_str(&piece);
                    }
                }
                ReferencePiece::Char(c) => text.to_mut().push(c),
            }
        }
    }

    /// Creates an error at an offset in the message.
    pub(super) fn error(
        &self,
        kind: FormatErrorKind,
        offset: usize,
        message: impl Into<String>,
    ) -> FormatError {
        FormatError::new(kind, message).at(|| Position::of(self.message, offset))
    }

    /// Creates the error of text where only tags are allowed.
    pub(super) fn stray_text(&self, start: usize) -> FormatError {
        match self.open() {
            0 => self.error(
                FormatErrorKind::Syntax,
                start,
                "text outside of any element",
            ),
            _ => self.error(FormatErrorKind::Structure, start, "text between elements"),
        }
    }

    /// Offset in the message of the next byte to read, unless a tag was peeked.
    pub(super) fn offset(&self) -> usize {
        // The cast loses nothing: it is an offset in a slice.
        self.base + self.xml.buffer_position() as usize
    }

    fn piece(&mut self) -> Result<ReferencePiece<'a>, FormatError> {
        loop {
            let start = self.offset();
            let result = self.read(start);
            match result {
                Ok(Some(piece)) => return Ok(piece),
                Ok(None) => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }

    /// Reads one event of the tokenizer. Returns `None` for comments and other skipped events.
    fn read(&mut self, start: usize) -> Result<Option<ReferencePiece<'a>>, FormatError> {
        if self.failed {
            return Err(self.error(FormatErrorKind::Syntax, start, "reader used after an error"));
        }
        let event = match self.xml.read_event() {
            Ok(event) => event,
            Err(error) => return Err(self.malformed(&error, start)),
        };
        let markup = match event {
            Event::Text(text) => {
                return Ok(Some(ReferencePiece::Text(
                    borrowed(&text.into_inner()),
                    start,
                )));
            }
            Event::CData(text) => {
                let text = borrowed(&text.into_inner());
                return Ok(Some(ReferencePiece::Text(text, start + "<![CDATA[".len())));
            }
            Event::GeneralRef(reference) => {
                return self
                    .resolve(&reference.into_inner(), start)
                    .map(|c| Some(ReferencePiece::Char(c)));
            }
            Event::Start(tag) => Markup::Start(self.start(&tag, start)?),
            Event::End(tag) => {
                self.open = self.open.saturating_sub(1);
                Markup::End(Tag::local(tag.name().as_ref().as_bytes()))
            }
            Event::Eof if self.open == 0 => Markup::Eof,
            Event::Eof => {
                return Err(self.error(
                    FormatErrorKind::Syntax,
                    start,
                    "the document ends in the middle of an element",
                ));
            }
            Event::Comment(text) => {
                self.check(&text.into_inner(), start + "<!--".len())?;
                return Ok(None);
            }
            Event::PI(text) => {
                self.check(&text.into_inner(), start + "<?".len())?;
                return Ok(None);
            }
            Event::Decl(_) if self.declaration_allowed => {
                self.declaration_allowed = false;
                return Ok(None);
            }
            Event::Decl(_) => {
                return Err(self.error(
                    FormatErrorKind::Syntax,
                    start,
                    "an XML declaration that is not at the start of the document",
                ));
            }
            Event::DocType(_) => return Err(self.document_type(start)),
            Event::Empty(_) => unreachable!("empty elements are expanded"),
        };
        self.declaration_allowed = false;
        Ok(Some(ReferencePiece::Markup(Token {
            markup,
            start,
            end: self.offset(),
        })))
    }

    fn start(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<Tag, FormatError> {
        self.open += 1;
        if self.open > self.max_open {
            return Err(self.error(
                FormatErrorKind::Limit,
                start,
                format!("elements are nested more than {} deep", self.max_open),
            ));
        }
        let name = tag.name();
        let known = Tag::of(name.as_ref().as_bytes());
        if known == Tag::Other && !is_name(name.as_ref().as_bytes()) {
            return Err(self.error(FormatErrorKind::Syntax, start, "a tag with an invalid name"));
        }
        let attributes = tag.attributes_raw();
        if !is_blank(attributes) {
            self.check(attributes, start)?;
            let proper = tag
                .attributes()
                .with_checks(false)
                .all(|attribute| attribute.is_ok_and(|a| !a.value.contains('<')));
            if !proper {
                return Err(self.error(FormatErrorKind::Syntax, start, "a malformed attribute"));
            }
        }
        Ok(match known {
            Tag::Other => Tag::local(name.as_ref().as_bytes()),
            known => known,
        })
    }

    fn resolve(&self, reference: &str, start: usize) -> Result<char, FormatError> {
        let number = match reference {
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "amp" => return Ok('&'),
            "apos" => return Ok('\''),
            "quot" => return Ok('"'),
            _ => reference.strip_prefix('#'),
        };
        let Some(number) = number else {
            let name: String = reference.chars().take(64).collect();
            return Err(self.error(
                FormatErrorKind::Syntax,
                start,
                format!("the entity &{name}; is unknown"),
            ));
        };
        let (digits, radix) = match number.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        // `from_str_radix` would accept a sign.
        let code = if digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
            u32::from_str_radix(digits, radix).ok()
        } else {
            None
        };
        let code = match self.forbidden {
            Forbidden::Replace => code.map(replaced_code),
            Forbidden::Refuse => code,
        };
        code.filter(|&code| is_xml_char(code))
            .and_then(char::from_u32)
            .ok_or_else(|| {
                self.error(
                    FormatErrorKind::Character,
                    start,
                    "a reference to a character that XML does not allow",
                )
            })
    }

    fn check(&self, text: &str, start: usize) -> Result<(), FormatError> {
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

    fn malformed(&self, error: &Error, start: usize) -> FormatError {
        let rest = &self.message[start.min(self.message.len())..];
        if rest.len() > 2 && rest[..3].eq_ignore_ascii_case(b"<!d") {
            return self.document_type(start);
        }
        let text = match error {
            Error::Encoding(_) => {
                return self.error(
                    FormatErrorKind::Character,
                    start,
                    "bytes that are not UTF-8",
                );
            }
            Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
                format!("expected </{expected:.64}>, found </{found:.64}>")
            }
            Error::IllFormed(error) => error.to_string(),
            Error::Syntax(error) => error.to_string(),
            error => error.to_string(),
        };
        self.error(FormatErrorKind::Syntax, start, text)
    }

    fn document_type(&self, start: usize) -> FormatError {
        self.error(
            FormatErrorKind::Structure,
            start,
            "a document type declaration (DOCTYPE), which is refused",
        )
    }
}

/// Returns a text that borrows from the input. A tokenizer of a slice never returns an owned text.
fn borrowed<'a>(text: &Cow<'a, str>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => unreachable!("a tokenizer of a slice borrows from it"),
    }
}
