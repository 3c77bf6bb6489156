//! A reader that uses quick-xml alone, without code of our reader: the reference for the tags and
//! texts of a document.

use std::borrow::Cow;

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesStart, Event};

use super::super::subject::{Texts, tag_of};

/// A piece of markup, and its offsets in the message.
#[derive(Clone)]
struct Token {
    shown: String,
    start: usize,
    end: usize,
    open: usize,
}

enum Piece<'a> {
    Text(&'a str, usize),
    Char(char),
    Markup(Token),
}

/// An error, as the reader under test shows it.
type Shown = String;

struct Reference<'a> {
    xml: quick_xml::Reader<&'a [u8]>,
    message: &'a [u8],
    /// Start of quick-xml's input, as an offset in the message.
    base: usize,
    /// The markup that ended a text.
    peeked: Option<Token>,
    open: usize,
    max_open: usize,
    declaration_allowed: bool,
    replaces: bool,
    /// `true` after an error. quick-xml would continue after some errors; readers must not.
    failed: bool,
}

/// Reads a message from `start` on, and shows its tags, texts and errors. See `Reader`.
pub(crate) fn tokens(
    message: &[u8],
    start: usize,
    texts: Texts,
    max_open: usize,
    replaces: bool,
) -> Vec<String> {
    let mut reader = Reference::new(message, start, max_open, replaces);
    let mut shown = Vec::new();
    loop {
        match reader.next(texts) {
            Ok((text, token)) => {
                let Token {
                    start, end, open, ..
                } = token;
                shown.push(format!("{text}{} {start}..{end}, {open} open", token.shown));
                if token.shown == "Eof" {
                    return shown;
                }
            }
            Err(error) => {
                let is_last = error.contains("reader used after an error");
                shown.push(error);
                if is_last {
                    return shown;
                }
            }
        }
    }
}

/// Returns the offsets of all tags up to the first error, and `true` if there is none.
pub(crate) fn tags(document: &[u8]) -> (Vec<(usize, usize)>, bool) {
    let mut reader = Reference::new(document, 0, usize::MAX, true);
    let mut tags = Vec::new();
    loop {
        match reader.next(Texts::Skipped) {
            Ok((_, token)) if token.shown == "Eof" => return (tags, true),
            Ok((_, token)) => tags.push((token.start, token.end)),
            Err(_) => return (tags, false),
        }
    }
}

impl<'a> Reference<'a> {
    fn new(message: &'a [u8], start: usize, max_open: usize, replaces: bool) -> Self {
        let mut input = &message[start..];
        while let Some(rest) = input.strip_prefix("\u{feff}".as_bytes()) {
            input = rest;
        }
        let mut xml = quick_xml::Reader::from_reader(input);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        config.allow_unmatched_ends = true;
        Self {
            xml,
            message,
            base: message.len() - input.len(),
            peeked: None,
            open: 0,
            max_open,
            declaration_allowed: start == 0,
            replaces,
            failed: false,
        }
    }

    /// Reads the next tag, or the end, and the text before it if texts are read. An error in the
    /// tag takes the place of both, since quick-xml reads the tag to end the text.
    fn next(&mut self, texts: Texts) -> Result<(String, Token), Shown> {
        let read = match texts {
            Texts::Read => format!("{:?} ", self.text()?),
            Texts::Refused | Texts::Skipped => String::new(),
        };
        if let Some(token) = self.peeked.take() {
            return Ok((read, token));
        }
        loop {
            let (text, start) = match self.piece()? {
                Piece::Markup(token) => return Ok((read, token)),
                Piece::Text(text, start) => (Cow::Borrowed(text), start),
                Piece::Char(c) => (Cow::Owned(c.to_string()), self.offset()),
            };
            match texts {
                Texts::Skipped => self.check(&text, start)?,
                _ if is_blank(&text) => {}
                _ if self.open == 0 => {
                    return Err(self.error("Syntax", start, "text outside of any element"));
                }
                _ => return Err(self.error("Structure", start, "text between elements")),
            }
        }
    }

    /// Reads the text up to the next tag.
    fn text(&mut self) -> Result<String, Shown> {
        let mut text = String::new();
        while self.peeked.is_none() {
            match self.piece()? {
                Piece::Markup(token) => self.peeked = Some(token),
                Piece::Text(piece, start) => {
                    self.check(piece, start)?;
                    text += &piece
                        .replace(|c: char| !is_allowed(c), "\u{fffd}")
                        .replace("\r\n", "\n")
                        .replace('\r', "\n");
                }
                Piece::Char(c) => text.push(c),
            }
        }
        Ok(text)
    }

    /// Offset in the message of the next byte to read.
    fn offset(&self) -> usize {
        self.base + self.xml.buffer_position() as usize
    }

    fn error(&self, kind: &str, offset: usize, text: &str) -> Shown {
        let before = &self.message[..offset.min(self.message.len())];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let begin = before.iter().rposition(|&byte| byte == b'\n');
        let last = &before[begin.map_or(0, |newline| newline + 1)..];
        // All bytes of a character but the first are 10xxxxxx.
        let column = last.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() + 1;
        format!("{kind}: {text}, at line {line}, column {column}")
    }

    fn piece(&mut self) -> Result<Piece<'a>, Shown> {
        loop {
            let start = self.offset();
            if self.failed {
                return Err(self.error("Syntax", start, "reader used after an error"));
            }
            match self.read(start) {
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
    fn read(&mut self, start: usize) -> Result<Option<Piece<'a>>, Shown> {
        let event = match self.xml.read_event() {
            Ok(event) => event,
            Err(error) => return Err(self.malformed(&error, start)),
        };
        let shown = match event {
            Event::Text(text) => {
                return Ok(Some(Piece::Text(borrowed(&text.into_inner()), start)));
            }
            Event::CData(text) => {
                let text = borrowed(&text.into_inner());
                return Ok(Some(Piece::Text(text, start + "<![CDATA[".len())));
            }
            Event::GeneralRef(reference) => {
                let c = self.resolve(&reference.into_inner(), start)?;
                return Ok(Some(Piece::Char(c)));
            }
            Event::Start(tag) => {
                self.start(&tag, start)?;
                format!("Start({})", tag_of(tag.name().as_ref().as_bytes()))
            }
            Event::End(tag) => {
                self.open = self.open.saturating_sub(1);
                format!("End({})", tag_of(tag.name().as_ref().as_bytes()))
            }
            Event::Eof if self.open == 0 => "Eof".to_owned(),
            Event::Eof => {
                let text = "the document ends in the middle of an element";
                return Err(self.error("Syntax", start, text));
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
                let text = "an XML declaration that is not at the start of the document";
                return Err(self.error("Syntax", start, text));
            }
            Event::DocType(_) => return Err(self.document_type(start)),
            Event::Empty(_) => unreachable!("empty elements are expanded"),
        };
        self.declaration_allowed = false;
        Ok(Some(Piece::Markup(Token {
            shown,
            start,
            end: self.offset(),
            open: self.open,
        })))
    }

    fn start(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<(), Shown> {
        self.open += 1;
        if self.open > self.max_open {
            let text = format!("elements are nested more than {} deep", self.max_open);
            return Err(self.error("Limit", start, &text));
        }
        if !is_name(tag.name().as_ref()) {
            return Err(self.error("Syntax", start, "a tag with an invalid name"));
        }
        let attributes = tag.attributes_raw();
        if !is_blank(attributes) {
            self.check(attributes, start)?;
            let proper = tag
                .attributes()
                .with_checks(false)
                .all(|attribute| attribute.is_ok_and(|a| !a.value.contains('<')));
            if !proper {
                return Err(self.error("Syntax", start, "a malformed attribute"));
            }
        }
        Ok(())
    }

    fn resolve(&self, reference: &str, start: usize) -> Result<char, Shown> {
        let number = match reference {
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "amp" => return Ok('&'),
            "apos" => return Ok('\''),
            "quot" => return Ok('"'),
            _ => reference.strip_prefix('#'),
        };
        let Some(number) = number else {
            let text = format!("the entity &{reference:.64}; is unknown");
            return Err(self.error("Syntax", start, &text));
        };
        let (digits, radix) = match number.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        // `from_str_radix` would accept a sign.
        let code = if digits.chars().all(|c| c.is_ascii_alphanumeric()) {
            u32::from_str_radix(digits, radix).ok()
        } else {
            None
        };
        match code.map(|code| (code, char::from_u32(code))) {
            Some((_, Some(c))) if is_allowed(c) => Ok(c),
            // A surrogate, or a character that XML forbids. A number beyond Unicode is neither.
            Some((0..=0x10_FFFF, _)) if self.replaces => Ok('\u{fffd}'),
            _ => {
                let text = "a reference to a character that XML does not allow";
                Err(self.error("Character", start, text))
            }
        }
    }

    fn check(&self, text: &str, start: usize) -> Result<(), Shown> {
        match text.char_indices().find(|&(_, c)| !is_allowed(c)) {
            Some((at, c)) if !self.replaces => {
                let code = u32::from(c);
                let text = format!("the character U+{code:04X}, which XML does not allow");
                Err(self.error("Character", start + at, &text))
            }
            _ => Ok(()),
        }
    }

    fn malformed(&self, error: &Error, start: usize) -> Shown {
        let rest = &self.message[start.min(self.message.len())..];
        if rest.len() > 2 && rest[..3].eq_ignore_ascii_case(b"<!d") {
            return self.document_type(start);
        }
        let text = match error {
            Error::Encoding(_) => {
                return self.error("Character", start, "bytes that are not UTF-8");
            }
            Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
                format!("expected </{expected:.64}>, found </{found:.64}>")
            }
            Error::IllFormed(error) => error.to_string(),
            Error::Syntax(error) => error.to_string(),
            error => error.to_string(),
        };
        self.error("Syntax", start, &text)
    }

    fn document_type(&self, start: usize) -> Shown {
        let text = "a document type declaration (DOCTYPE), which is refused";
        self.error("Structure", start, text)
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
}

/// XML 1.0, production 2.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Returns `true` if XML allows a name. Only its ASCII characters are checked.
fn is_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii();
    name.starts_with(starts)
        && name
            .chars()
            .all(|c| starts(c) || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

/// Returns a text that borrows from the input. A tokenizer of a slice never returns an owned text.
fn borrowed<'a>(text: &Cow<'a, str>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => unreachable!("a tokenizer of a slice borrows from it"),
    }
}
