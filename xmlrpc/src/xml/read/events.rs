//! Markup that plain documents do not have: comments, CDATA sections, processing instructions,
//! attributes, and malformed markup. The only module of the reader that uses quick-xml.

use std::borrow::Cow;

use farcall_core::{FormatError, FormatErrorKind};
use quick_xml::errors::Error;
use quick_xml::events::{BytesStart, Event};

use super::super::tag::is_name;
use super::{Forbidden, Markup, Piece, Reader, State, Tag, is_blank, is_xml_char};

impl<'a> Reader<'a> {
    /// Reads the next markup, which the plain reader does not support, as an event of quick-xml.
    fn event(&mut self) -> Result<Event<'a>, FormatError> {
        let start = self.offset();
        let mut xml = quick_xml::Reader::from_reader(self.rest);
        // This reader tracks the open elements itself.
        xml.config_mut().allow_unmatched_ends = true;
        let event = xml.read_event();
        self.rest = &self.rest[xml.buffer_position() as usize..];
        event.map_err(|error| self.malformed(&error, start))
    }

    /// Reads markup that is neither a tag nor plain text. Returns `None` unless it is a CDATA
    /// section.
    pub(super) fn miscellaneous(&mut self) -> Result<Option<Piece<'a>>, FormatError> {
        let start = self.offset();
        match self.event()? {
            Event::CData(text) => {
                let text = borrowed(&text.into_inner());
                return Ok(Some(Piece::Text(text, start + "<![CDATA[".len())));
            }
            Event::Comment(text) => self.check(&text.into_inner(), start + "<!--".len())?,
            Event::PI(text) => self.check(&text.into_inner(), start + "<?".len())?,
            Event::Decl(_) if self.declaration_allowed => self.declaration_allowed = false,
            Event::Decl(_) => {
                return Err(self.error(
                    FormatErrorKind::Syntax,
                    start,
                    "an XML declaration that is not at the start of the document",
                ));
            }
            Event::DocType(_) => return Err(self.document_type(start)),
            _ => unreachable!("markup that starts with `<!` or `<?` is one of these"),
        }
        Ok(None)
    }

    /// Reads a tag with more than a name.
    pub(super) fn unusual_tag(&mut self) -> Result<Markup, FormatError> {
        let start = self.offset();
        match self.event()? {
            Event::Start(tag) => self.unusual_start(&tag, start),
            Event::Empty(tag) => {
                self.state = State::Empty;
                self.unusual_start(&tag, start)
            }
            Event::End(tag) => self.end(tag.name().as_ref().as_bytes(), start),
            _ => unreachable!("markup that starts with `<` is a tag, unless `!` or `?` follow"),
        }
    }

    fn unusual_start(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<Markup, FormatError> {
        let begin = start + "<".len();
        let name = &self.message[begin..begin + tag.name().as_ref().len()];
        let markup = self.start(name, start)?;
        if Tag::of(name) == Tag::Other && !is_name(name) {
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
        Ok(markup)
    }

    /// Returns the error of an unterminated reference.
    pub(super) fn unclosed_reference(&mut self) -> FormatError {
        let start = self.offset();
        match self.event() {
            Err(error) => error,
            Ok(_) => self.error(FormatErrorKind::Syntax, start, "a malformed reference"),
        }
    }

    /// Returns the character that a reference stands for.
    pub(super) fn resolve(&self, reference: &str, start: usize) -> Result<char, FormatError> {
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

    fn malformed(&self, error: &Error, start: usize) -> FormatError {
        let rest = &self.message[start..];
        if rest.len() > 2 && rest[..3].eq_ignore_ascii_case(b"<!d") {
            return self.document_type(start);
        }
        let text = match error {
            Error::Encoding(_) => return self.not_utf8(start),
            Error::IllFormed(error) => error.to_string(),
            Error::Syntax(error) => error.to_string(),
            error => error.to_string(),
        };
        self.error(FormatErrorKind::Syntax, start, text)
    }
}

/// Returns the code of a character, or of U+FFFD if XML forbids it. A number beyond Unicode is
/// returned unchanged, as it is not a character.
pub(super) const fn replaced_code(code: u32) -> u32 {
    match code {
        0..=0x10_FFFF if !is_xml_char(code) => 0xFFFD,
        _ => code,
    }
}

/// Returns a text that borrows from the input. A tokenizer of a slice never returns an owned text.
fn borrowed<'a>(text: &Cow<'a, str>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => unreachable!("a tokenizer of a slice borrows from it"),
    }
}
