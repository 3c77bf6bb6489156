//! Shortcuts for what nearly every document consists of: expected tags, and texts without
//! references.
//!
//! A shortcut reads either its whole item or nothing, and never refuses a document. The rest of the
//! reader reads, or refuses, what a shortcut does not recognise.

use memchr::memchr2;

use farcall_core::FormatError;

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

/// The `<nil/>` element, which is a single tag.
pub(crate) const NIL: Element = Element {
    tag: Tag::Nil,
    name: b"nil",
    start: b"<nil/>",
    end: b"",
};

// Inlined, so that a tag is compared as a constant: a word or two instead of a call.
impl<'a> Reader<'a> {
    /// Returns the rest of the input, or nothing if shortcuts must not be used in this state.
    #[inline(always)]
    pub(crate) fn peek(&self) -> &'a [u8] {
        match self.state {
            State::Reading => self.rest,
            State::Empty | State::Failed => &[],
        }
    }

    /// Returns the rest of the input after white space, where a tag is expected.
    #[inline(always)]
    fn peek_tag(&self) -> &'a [u8] {
        skip_space(self.peek())
    }

    /// Reads the start tag of `element` if it is next, and returns its offset.
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

    /// Reads the next tag, which in plain documents is the start tag of `likely`.
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

    /// Expects the start tag of `element`, and returns its offset.
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

    /// Expects a tag, without a shortcut.
    pub(crate) fn expect(&mut self, markup: Markup, expected: &str) -> Result<Token, FormatError> {
        let token = self.tag()?;
        if token.markup == markup {
            Ok(token)
        } else {
            Err(self.unexpected(token, expected))
        }
    }

    /// Reads the end tag of `element`, if it is next and matches the innermost open element. An
    /// element that was opened before this part of the document is not in `open`.
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

    /// Reads the start tag of a member and its name. Returns the offset of `<name>` and the name.
    #[inline]
    pub(crate) fn open_member(&mut self) -> Option<(usize, &'a str)> {
        let tag = skip_space(self.peek_tag().strip_prefix(MEMBER.start)?);
        let (name, rest) = self.plain_text(tag.strip_prefix(NAME.start)?)?;
        let rest = rest.strip_prefix(NAME.end)?;
        self.has_room(2).then(|| {
            self.open.push(MEMBER.name);
            self.advance(rest);
            (self.end - tag.len(), name)
        })
    }

    /// Reads the only element in the open value, and the end of the value. `read` parses the
    /// content of the element, and returns the result and the bytes after it.
    #[inline(always)]
    pub(crate) fn content<T>(
        &mut self,
        element: &Element,
        read: impl FnOnce(&mut Self, &'a [u8]) -> Option<(T, &'a [u8])>,
    ) -> Option<T> {
        let (content, rest) = read(self, self.peek().strip_prefix(element.start)?)?;
        let rest = rest
            .strip_prefix(element.end)?
            .strip_prefix(VALUE.end)
            .filter(|_| self.has_room(1) && self.is_in(&VALUE))?;
        self.open.pop();
        self.rest = rest;
        Some(content)
    }

    /// Reads the text of the open value, and the end of the value.
    #[inline]
    pub(crate) fn bare_text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.plain_text(self.peek())?;
        let rest = rest
            .strip_prefix(VALUE.end)
            .filter(|_| self.is_in(&VALUE))?;
        self.open.pop();
        self.rest = rest;
        Some(text)
    }

    /// Splits off the text at the start of `bytes`, the rest of the input from some offset on: see
    /// [`text_before_tag`].
    #[inline]
    pub(crate) fn plain_text(&mut self, bytes: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
        let start = self.end - bytes.len();
        text_before_tag(bytes, |len| {
            self.checked
                .text(self.message, self.end, start..start + len)
        })
    }

    /// Returns `true` if only white space is left, and no element is open.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
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

/// Returns the method name of a call document, and the offset after `</methodName>`.
pub(crate) fn call_head(document: &[u8]) -> Option<(&str, usize)> {
    let rest = declaration::after(document).unwrap_or(document);
    let rest = skip_space(rest).strip_prefix(METHOD_CALL.start)?;
    let rest = skip_space(rest).strip_prefix(METHOD_NAME.start)?;
    let (name, rest) = text_before_tag(rest, |len| std::str::from_utf8(&rest[..len]).ok())?;
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

/// Splits off the text before the next tag, if it has no references, no carriage returns and no
/// characters that XML forbids. Returns the text, and the rest from the tag on. `utf8` returns the
/// first bytes as a text.
#[inline]
fn text_before_tag<'a>(
    bytes: &'a [u8],
    utf8: impl FnOnce(usize) -> Option<&'a str>,
) -> Option<(&'a str, &'a [u8])> {
    let len = plain_len(bytes);
    if bytes.get(len)? == &b'<' {
        return Some((utf8(len)?, &bytes[len..]));
    }
    let len = memchr2(b'<', b'&', bytes)?;
    let text = utf8(len)?;
    let plain =
        bytes[len] == b'<' && !text.as_bytes().contains(&b'\r') && forbidden(text).is_none();
    plain.then(|| (text, &bytes[len..]))
}

/// Returns the length of the longest prefix of up to 64 bytes that is ASCII without control
/// characters, `<` and `&`. For short texts this is faster than several searches in sequence.
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
