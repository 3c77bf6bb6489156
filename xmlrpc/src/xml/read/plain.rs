//! Shortcuts through what nearly every document is made of: tags that are expected and stand right
//! there, and texts without references.
//!
//! Each reads the whole of what it is for, or nothing: it refuses no document. What a shortcut does
//! not find is read, or refused, by the rest of the reader.

use memchr::memchr2;

use rpc_core::FormatError;

use super::{Markup, Reader, State, Tag, Token};
use crate::xml::{declaration, forbidden, is_space, swar};

/// The tags of an element without attributes.
pub(crate) struct Element {
    tag: Tag,
    name: &'static [u8],
    start: &'static [u8],
    end: &'static [u8],
}

macro_rules! elements {
    ($($constant:ident $tag:ident $name:literal;)*) => {$(
        pub(crate) const $constant: Element = Element {
            tag: Tag::$tag,
            name: $name.as_bytes(),
            start: concat!("<", $name, ">").as_bytes(),
            end: concat!("</", $name, ">").as_bytes(),
        };
    )*};
}

elements! {
    METHOD_CALL MethodCall "methodCall";
    METHOD_NAME MethodName "methodName";
    METHOD_RESPONSE MethodResponse "methodResponse";
    PARAMS Params "params";
    PARAM Param "param";
    VALUE Value "value";
    STRUCT Struct "struct";
    MEMBER Member "member";
    NAME Name "name";
    ARRAY Array "array";
    DATA Data "data";
    STRING String "string";
    INT Int "int";
    I4 Int "i4";
    I8 Int "i8";
    DOUBLE Double "double";
    BOOLEAN Boolean "boolean";
    DATE_TIME DateTime "dateTime.iso8601";
    BASE64 Base64 "base64";
}

/// The tag that is an element by itself.
pub(crate) const NIL: Element = Element {
    tag: Tag::Nil,
    name: b"nil",
    start: b"<nil/>",
    end: b"",
};

// Inlined, a tag is compared as a constant: a word or two instead of a call.
impl<'a> Reader<'a> {
    /// What is next, in a plain document: nothing where a shortcut would miss something.
    #[inline(always)]
    pub(crate) fn peek(&self) -> &'a [u8] {
        #[cfg(any(test, fuzzing))]
        if self.reference.is_some() {
            return &[];
        }
        match self.state {
            State::Reading => self.rest,
            State::Empty | State::Failed => &[],
        }
    }

    /// What is next where a tag is due.
    #[inline(always)]
    fn peek_tag(&self) -> &'a [u8] {
        skip_space(self.peek())
    }

    /// Reads this start tag, if it is next, and gives its offset.
    #[inline(always)]
    pub(crate) fn open_plain(&mut self, element: &Element) -> Option<usize> {
        let tag = self.peek_tag();
        let rest = tag.strip_prefix(element.start)?;
        self.has_room(1).then(|| {
            self.open.push(element.name);
            self.advance(rest);
            self.end - tag.len()
        })
    }

    /// The next tag, which in plain documents starts this element.
    #[inline(always)]
    pub(crate) fn tag_or(&mut self, likely: &Element) -> Result<Token, FormatError> {
        match self.open_plain(likely) {
            Some(start) => Ok(Token {
                markup: Markup::Start(likely.tag),
                start,
                end: self.offset(),
            }),
            None => self.tag(),
        }
    }

    /// Expects the start of this element, and gives its offset.
    ///
    /// # Errors
    /// If something else is next, or the document is malformed.
    #[inline(always)]
    pub(crate) fn expect_start(
        &mut self,
        element: &Element,
        expected: &str,
    ) -> Result<usize, FormatError> {
        match self.open_plain(element) {
            Some(start) => Ok(start),
            None => self
                .expect(Markup::Start(element.tag), expected)
                .map(|token| token.start),
        }
    }

    /// Expects a tag, which is not a plain one.
    pub(crate) fn expect(&mut self, markup: Markup, expected: &str) -> Result<Token, FormatError> {
        let token = self.tag()?;
        match token.markup == markup {
            true => Ok(token),
            false => Err(self.unexpected(token, expected)),
        }
    }

    /// Reads this end tag, if it is next and due: an element that was opened before this part of the document has no
    /// start here.
    #[inline(always)]
    pub(crate) fn close_plain(&mut self, element: &Element) -> bool {
        match self.peek_tag().strip_prefix(element.end) {
            Some(rest) if self.open.is_empty() || self.is_in(element) => {
                self.open.pop();
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads the start of a member with its name, which is given with the offset of `<name>`.
    #[inline]
    pub(crate) fn open_member(&mut self) -> Option<(usize, &'a str)> {
        let tag = skip_space(self.peek_tag().strip_prefix(MEMBER.start)?);
        let (name, rest) = text(tag.strip_prefix(NAME.start)?)?;
        let rest = rest.strip_prefix(NAME.end)?;
        self.has_room(2).then(|| {
            self.open.push(MEMBER.name);
            self.advance(rest);
            (self.end - tag.len(), name)
        })
    }

    /// Reads the one element in the value that is open, and the end of that. `read` gives what the
    /// content of the element means, and what is after it.
    #[inline(always)]
    pub(crate) fn content<T>(
        &mut self,
        element: &Element,
        read: impl FnOnce(&'a [u8]) -> Option<(T, &'a [u8])>,
    ) -> Option<T> {
        let (content, rest) = read(self.peek().strip_prefix(element.start)?)?;
        let rest = rest
            .strip_prefix(element.end)?
            .strip_prefix(VALUE.end)
            .filter(|_| self.has_room(1) && self.is_in(&VALUE))?;
        self.open.pop();
        self.rest = rest;
        Some(content)
    }

    /// Reads the text of the value that is open, and the end of that.
    #[inline]
    pub(crate) fn bare_text(&mut self) -> Option<&'a str> {
        let (text, rest) = text(self.peek())?;
        let rest = rest
            .strip_prefix(VALUE.end)
            .filter(|_| self.is_in(&VALUE))?;
        self.open.pop();
        self.rest = rest;
        Some(text)
    }

    /// Whether nothing but white space is left, with no element open.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        #[cfg(any(test, fuzzing))]
        if self.reference.is_some() {
            return false;
        }
        self.state == State::Reading && self.open.is_empty() && skip_space(self.rest).is_empty()
    }

    #[inline(always)]
    fn has_room(&self, elements: usize) -> bool {
        self.open.len() + elements <= self.max_open
    }

    #[inline(always)]
    fn is_in(&self, element: &Element) -> bool {
        self.open.last().is_some_and(|name| *name == element.name)
    }

    #[inline(always)]
    fn advance(&mut self, rest: &'a [u8]) {
        self.declaration_allowed = false;
        self.rest = rest;
    }
}

/// The name of the method that a call document names, and the offset after `</methodName>`.
pub(crate) fn call_head(document: &[u8]) -> Option<(&str, usize)> {
    #[cfg(any(test, fuzzing))]
    if super::reference::is_enabled() {
        return None;
    }
    let rest = declaration::after(document).unwrap_or(document);
    let rest = skip_space(rest).strip_prefix(METHOD_CALL.start)?;
    let rest = skip_space(rest).strip_prefix(METHOD_NAME.start)?;
    let (name, rest) = text(rest)?;
    let rest = rest.strip_prefix(METHOD_NAME.end)?;
    Some((name, document.len() - rest.len()))
}

#[inline]
fn skip_space(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'<', ..] => bytes,
        _ => {
            let len = bytes.iter().take_while(|&&b| is_space(b)).count();
            &bytes[len..]
        }
    }
}

/// A text up to the next tag, and that tag with what is after it. The text has no references, no
/// carriage returns and no characters that XML forbids.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let len = plain_len(bytes);
    if bytes.get(len)? == &b'<' {
        let (text, rest) = bytes.split_at(len);
        return Some((std::str::from_utf8(text).ok()?, rest));
    }
    long_text(bytes)
}

fn long_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) = bytes.split_at(memchr2(b'<', b'&', bytes)?);
    let text = std::str::from_utf8(text).ok()?;
    let plain = rest[0] == b'<' && !text.as_bytes().contains(&b'\r') && forbidden(text).is_none();
    plain.then_some((text, rest))
}

/// The length of the start of a text, in ASCII and without control characters, that is up to 64
/// bytes long: for short texts this is faster than to search for several things one after the other.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    for word in bytes.as_chunks::<8>().0.iter().take(8) {
        let word = u64::from_le_bytes(*word);
        let marks = swar::equal(word, b'<')
            | swar::equal(word, b'&')
            | swar::less(word, 0x20)
            | swar::not_ascii(word);
        if marks != 0 {
            return len + swar::first(marks);
        }
        len += 8;
    }
    len
}
