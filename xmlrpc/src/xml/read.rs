//! A pull reader of tags and texts. The only place that knows quick-xml.

use std::borrow::Cow;

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesStart, Event};
use rpc_core::{FormatError, FormatErrorKind, Payload, Position};

pub(crate) use super::tag::Tag;
use super::tag::is_name;
use super::{forbidden, is_blank, is_xml_char};

const BOM: &[u8] = "\u{feff}".as_bytes();

/// What stands between texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Markup {
    Start(Tag),
    End(Tag),
    /// The end of the input, with no element open.
    Eof,
}

/// A piece of markup and where in the whole message it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) markup: Markup,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

enum Piece<'a> {
    Text(&'a str, usize),
    Char(char),
    Markup(Token),
}

/// Reads a document, or a part of one, from its start to its end.
///
/// Comments and processing instructions are skipped, attributes and namespace prefixes ignored,
/// document types refused. Tags match, or there is an error.
pub(crate) struct Reader<'a> {
    xml: quick_xml::Reader<&'a [u8]>,
    message: &'a [u8],
    /// Where in the message quick-xml's input starts.
    base: usize,
    /// The markup that ended a text.
    peeked: Option<Token>,
    open: usize,
    max_open: usize,
    declaration_allowed: bool,
    /// The tokenizer goes on after some errors; nobody else shall.
    failed: bool,
}

impl<'a> Reader<'a> {
    /// A reader of a payload in which elements nest at most `max_open` deep.
    pub(crate) fn new(payload: &'a Payload, max_open: usize) -> Self {
        Self::part(
            payload.message(),
            payload.range().start,
            payload.as_slice(),
            max_open,
        )
    }

    /// A reader of a whole document, which can start with an XML declaration.
    pub(crate) fn document(document: &'a [u8], max_open: usize) -> Self {
        let mut reader = Self::part(document, 0, document, max_open);
        reader.declaration_allowed = true;
        reader
    }

    /// Lets the payload start with an XML declaration.
    pub(crate) fn allow_declaration(mut self) -> Self {
        self.declaration_allowed = true;
        self
    }

    fn part(message: &'a [u8], mut base: usize, mut input: &'a [u8], max_open: usize) -> Self {
        // quick-xml would strip it too, but not count it.
        while let Some(rest) = input.strip_prefix(BOM) {
            base += BOM.len();
            input = rest;
        }
        let mut xml = quick_xml::Reader::from_reader(input);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        // The end of an element that was opened before this part of the document.
        config.allow_unmatched_ends = true;
        Self {
            xml,
            message,
            base,
            peeked: None,
            open: 0,
            max_open,
            declaration_allowed: false,
            failed: false,
        }
    }

    /// How many elements are open.
    pub(crate) const fn open(&self) -> usize {
        self.open
    }

    /// The message that positions are counted in.
    pub(crate) const fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The next tag, or the end. White space before it is skipped.
    ///
    /// # Errors
    /// If there is a text before it, or the document is malformed.
    pub(crate) fn tag(&mut self) -> Result<Token, FormatError> {
        self.tag_after(|reader, text, start| match is_blank(text) {
            true => Ok(()),
            false => Err(reader.stray_text(start)),
        })
    }

    /// The next tag, or the end. Texts before it are skipped.
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
        if let Some(token) = self.peeked.take() {
            return Ok(token);
        }
        loop {
            match self.piece()? {
                Piece::Markup(token) => return Ok(token),
                Piece::Text(piece, start) => text(self, piece, start)?,
                Piece::Char(c) => text(self, c.encode_utf8(&mut [0; 4]), self.offset())?,
            }
        }
    }

    /// The text up to the next tag, which stays for [`tag`](Self::tag).
    ///
    /// # Errors
    /// If the document is malformed.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, FormatError> {
        let mut text = Cow::Borrowed("");
        if self.peeked.is_some() {
            return Ok(text);
        }
        loop {
            match self.piece()? {
                Piece::Markup(token) => {
                    self.peeked = Some(token);
                    return Ok(text);
                }
                Piece::Text(piece, start) => {
                    self.check(piece, start)?;
                    let piece = normalised(piece);
                    if text.is_empty() {
                        text = piece;
                    } else {
                        text.to_mut().push_str(&piece);
                    }
                }
                Piece::Char(c) => text.to_mut().push(c),
            }
        }
    }

    /// An error at an offset of the message.
    pub(crate) fn error(
        &self,
        kind: FormatErrorKind,
        offset: usize,
        message: impl Into<String>,
    ) -> FormatError {
        FormatError::new(kind, message).at(|| Position::of(self.message, offset))
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

    /// Where in the message reading goes on, unless a tag was looked at in advance.
    pub(crate) fn offset(&self) -> usize {
        // The offset is one of a slice in memory.
        self.base + self.xml.buffer_position() as usize
    }

    fn piece(&mut self) -> Result<Piece<'a>, FormatError> {
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

    /// One event of the tokenizer; nothing for what has no meaning here.
    fn read(&mut self, start: usize) -> Result<Option<Piece<'a>>, FormatError> {
        if self.failed {
            return Err(self.error(
                FormatErrorKind::Syntax,
                start,
                "reading goes on after an error",
            ));
        }
        let event = match self.xml.read_event() {
            Ok(event) => event,
            Err(error) => return Err(self.malformed(&error, start)),
        };
        let markup = match event {
            Event::Text(text) => return Ok(Some(Piece::Text(borrowed(&text.into_inner()), start))),
            Event::CData(text) => {
                let text = borrowed(&text.into_inner());
                return Ok(Some(Piece::Text(text, start + "<![CDATA[".len())));
            }
            Event::GeneralRef(reference) => {
                return self
                    .resolve(&reference.into_inner(), start)
                    .map(|c| Some(Piece::Char(c)));
            }
            Event::Start(tag) => Markup::Start(self.start(&tag, start)?),
            Event::End(tag) => {
                self.open = self.open.saturating_sub(1);
                Markup::End(Tag::local(tag.name().as_ref()))
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
        Ok(Some(Piece::Markup(Token {
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
        let known = Tag::of(name.as_ref());
        if known == Tag::Other && !is_name(name.as_ref()) {
            return Err(self.error(
                FormatErrorKind::Syntax,
                start,
                "a tag without a proper name",
            ));
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
            Tag::Other => Tag::local(name.as_ref()),
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
                format!("the entity &{name}; is not known"),
            ));
        };
        let (digits, radix) = match number.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        // A sign would pass the parser.
        let code = match digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
            true => u32::from_str_radix(digits, radix).ok(),
            false => None,
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

/// The tokenizer of a slice hands out parts of it. An owned text has no way to come about.
fn borrowed<'a>(text: &Cow<'a, str>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => unreachable!("a tokenizer of a slice borrows from it"),
    }
}

/// A text with line ends as XML wants them: CR LF and CR are LF.
fn normalised(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

#[cfg(test)]
mod tests;
