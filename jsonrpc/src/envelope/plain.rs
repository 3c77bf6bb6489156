//! Shortcut for documents whose requests are written as nearly all peers write them. It refuses
//! nothing: it reads all of a document, or leaves it to serde_json, whose errors callers see.

use serde::Deserialize as _;
use serde_json::value::RawValue;

use super::{Entry, MEMBERS};
use crate::raw::Members;

/// Deepest nesting that [`Reader::skip`] follows, as it has a bit for each level.
const MAX_DEPTH: u32 = u64::BITS - 1;

/// Bytes of a short entry of a batch, for the first guess of their number.
const SHORT_ENTRY: usize = 48;

/// The members of an object that has none.
const EMPTY: Members<'static, 6> = Members {
    values: [None; 6],
    twice: None,
};

/// Reads the entries of a batch of up to `max_batch` ones, all of which are objects.
pub(super) fn batch(text: &str, max_batch: usize) -> Option<Vec<Entry<'_>>> {
    let mut reader = Reader::new(text);
    let mut entries = Vec::with_capacity(max_batch.min(text.len() / SHORT_ENTRY));
    reader.take(b'[')?;
    loop {
        if entries.len() == max_batch {
            return None;
        }
        entries.push(Entry(Some(EMPTY)));
        let Entry(members) = entries.last_mut()?;
        reader.entry(members.as_mut()?)?;
        match reader.next()? {
            b',' => {}
            b']' => break,
            _ => return None,
        }
    }
    reader.end()?;
    Some(entries)
}

/// Reads the members of a document that is one object.
pub(super) fn single(text: &str) -> Option<Members<'_, 6>> {
    let mut reader = Reader::new(text);
    let mut members = EMPTY;
    reader.entry(&mut members)?;
    reader.end()?;
    Some(members)
}

/// The part of a text that is left.
struct Reader<'a> {
    text: &'a str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str) -> Self {
        let rest = text.as_bytes();
        Self { text, rest }
    }

    const fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes the next byte that is not white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Takes the byte that ends an empty list or object, if it is the next.
    #[inline]
    fn take_end(&mut self, end: u8) -> bool {
        self.skip_space();
        match self.rest {
            [byte, rest @ ..] if *byte == end => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn end(&mut self) -> Option<()> {
        self.skip_space();
        self.rest.is_empty().then_some(())
    }

    /// Reads the members of an object. They are written where they stay: moving them would take as
    /// long as reading some.
    fn entry(&mut self, members: &mut Members<'a, 6>) -> Option<()> {
        let mut first_twice = MEMBERS.0.len();
        self.take(b'{')?;
        if !self.take_end(b'}') {
            loop {
                let index = self.member()?;
                let value = self.value()?;
                if let Some(index) = index
                    && members.values[index].replace(value).is_some()
                {
                    first_twice = first_twice.min(index);
                }
                match self.next()? {
                    b',' => {}
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        members.twice = MEMBERS.0.get(first_twice).copied();
        Some(())
    }

    /// Takes the name of a member, and the colon after it. Returns its place among [`MEMBERS`].
    #[inline]
    fn member(&mut self) -> Option<Option<usize>> {
        self.skip_space();
        // As a whole, in the form that nearly all have.
        let (index, rest) = match self.rest {
            [b'"', b'j', ..] => (0, self.rest.strip_prefix(br#""jsonrpc":"#)),
            [b'"', b'm', ..] => (1, self.rest.strip_prefix(br#""method":"#)),
            [b'"', b'p', ..] => (2, self.rest.strip_prefix(br#""params":"#)),
            [b'"', b'i', ..] => (3, self.rest.strip_prefix(br#""id":"#)),
            _ => (0, None),
        };
        if let Some(rest) = rest {
            self.rest = rest;
            return Some(Some(index));
        }
        let name = self.name()?;
        Some(MEMBERS.0.iter().position(|member| *member == name))
    }

    /// Takes the name of a member, and the colon after it.
    fn name(&mut self) -> Option<&'a str> {
        self.skip_space();
        let start = self.at() + 1;
        self.string()?;
        let name = &self.text[start..self.at() - 1];
        self.take(b':')?;
        Some(name)
    }

    /// Takes a value. One that is not plain is read by serde_json alone.
    #[inline]
    fn value(&mut self) -> Option<&'a str> {
        self.skip_space();
        let start = self.at();
        let begin = self.rest;
        if self.skip().is_none() {
            let text = &self.text[start..];
            let mut deserializer = serde_json::Deserializer::from_str(text);
            deserializer.disable_recursion_limit();
            let value = <&RawValue>::deserialize(&mut deserializer).ok()?;
            self.rest = &begin[value.get().len()..];
        }
        Some(&self.text[start..self.at()])
    }

    /// Takes a value of strings without escapes, integers, lists and objects.
    fn skip(&mut self) -> Option<()> {
        // A one, and then a bit for each open list or object.
        let mut open = 1_u64;
        loop {
            self.skip_space();
            match self.rest {
                [b'"', ..] => self.string()?,
                [b'-' | b'0'..=b'9', ..] => self.integer()?,
                [b'n', ..] => self.word(b"null")?,
                [b't', ..] => self.word(b"true")?,
                [b'f', ..] => self.word(b"false")?,
                [begin @ (b'[' | b'{'), rest @ ..] => {
                    self.rest = rest;
                    let is_object = *begin == b'{';
                    if !self.take_end(if is_object { b'}' } else { b']' }) {
                        if open.ilog2() == MAX_DEPTH {
                            return None;
                        }
                        open = (open << 1) | u64::from(is_object);
                        if is_object {
                            self.name()?;
                        }
                        continue;
                    }
                }
                _ => return None,
            }
            // The value may be the last of those around it.
            while open != 1 {
                let is_object = open & 1 == 1;
                match (self.next()?, is_object) {
                    (b',', false) => break,
                    (b',', true) => {
                        self.name()?;
                        break;
                    }
                    (b']', false) | (b'}', true) => open >>= 1,
                    _ => return None,
                }
            }
            if open == 1 {
                return Some(());
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// Takes a string without escapes.
    #[inline]
    fn string(&mut self) -> Option<()> {
        let [b'"', text @ ..] = self.rest else {
            return None;
        };
        let [b'"', rest @ ..] = text.get(plain_bytes(text)..)? else {
            return None;
        };
        self.rest = rest;
        Some(())
    }

    #[inline]
    fn integer(&mut self) -> Option<()> {
        let number = match self.rest {
            [b'-', number @ ..] => number,
            number => number,
        };
        let digits = digits(number);
        let has_leading_zero = digits > 1 && number[0] == b'0';
        let rest = &number[digits..];
        if digits == 0 || has_leading_zero || matches!(rest, [b'.' | b'e' | b'E', ..]) {
            return None;
        }
        self.rest = rest;
        Some(())
    }
}

/// A byte repeated in a word.
const fn repeated(byte: u8) -> u64 {
    u64::MAX / 255 * byte as u64
}

/// The highest bit of each byte.
const HIGHEST: u64 = repeated(0x80);

/// Returns the number of bytes before the first that ends a string, or that a plain one lacks.
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, next)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        // The highest bit of each byte that is zero, and perhaps of some after it.
        let zeros = |word: u64| word.wrapping_sub(repeated(1)) & !word;
        let is_control = word.wrapping_sub(repeated(0x20)) & !word;
        let ends = zeros(word ^ repeated(b'"')) | zeros(word ^ repeated(b'\\'));
        let stops = (ends | is_control) & HIGHEST;
        if stops != 0 {
            return bytes.len() - rest.len() + stops.trailing_zeros() as usize / 8;
        }
        rest = next;
    }
    let is_stop = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let in_rest = rest.iter().position(is_stop).unwrap_or(rest.len());
    bytes.len() - rest.len() + in_rest
}

/// Returns the number of digits that bytes begin with.
#[inline]
fn digits(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, next)) = rest.split_first_chunk() {
        // The digits become the values 0 to 9.
        let word = u64::from_le_bytes(*word) ^ repeated(b'0');
        let others = (((word & !HIGHEST) + repeated(0x80 - 10)) | word) & HIGHEST;
        if others != 0 {
            return bytes.len() - rest.len() + others.trailing_zeros() as usize / 8;
        }
        rest = next;
    }
    let is_other = |byte: &u8| !byte.is_ascii_digit();
    let in_rest = rest.iter().position(is_other).unwrap_or(rest.len());
    bytes.len() - rest.len() + in_rest
}

#[cfg(test)]
mod tests {
    use super::super::read_batch;
    use super::*;
    use crate::raw::parse_seed;

    type Read<'a> = ([Option<&'a str>; 6], Option<&'static str>);

    fn of<'a>(members: &Members<'a, 6>) -> Read<'a> {
        (members.values, members.twice)
    }

    fn all<'a>(entries: &[Entry<'a>]) -> Vec<Option<Read<'a>>> {
        entries
            .iter()
            .map(|entry| entry.0.as_ref().map(of))
            .collect()
    }

    /// Checks that the shortcut reads what serde_json reads, or nothing. Returns `true` if it read
    /// the document.
    fn agrees(text: &str) -> bool {
        let slow = parse_seed(text, MEMBERS);
        let fast = single(text);
        if let Some(fast) = &fast {
            let slow = slow.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(of(fast), of(&slow), "{text}");
        }
        let entries = batch(text, 3);
        if let Some(entries) = &entries {
            let slow = read_batch(text, 3).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(slow.count, entries.len(), "{text}");
            assert_eq!(all(entries), all(&slow.entries), "{text}");
        }
        fast.is_some() || entries.is_some()
    }

    const DOCUMENTS: [&str; 8] = [
        r#"{"jsonrpc":"2.0","method":"add","params":[3,5],"id":1}"#,
        r#" { "jsonrpc" : "2.0" , "method" : "a.long.name.of.a.method" , "params" : [ ] , "id" : "x" } "#,
        r#"[{"method":"add","params":{"a":{"b":[-1,0,null]},"c":[[],{}]}},{"id":null,"x":true}]"#,
        r#"{"params":["é, and a long text \u0041 with an escape",1.5e-3,false],"id":2,"id":3}"#,
        r#"[{},{"params":[1,[2,[3,[4]]],"text that is long, and has no escape"]},{"id":0}]"#,
        "[{\"error\":{\"code\":5},\n\t\"result\" :10},{\"method\":\"\"}\r\n,{}]\n",
        r#"{"a":{"b":{"c":[{"d":"e"}]}},"method":"m","jsonrpc":"2.0","id":18446744073709551616}"#,
        r#"{"jsonrpc":"2.0","method":"notify"}"#,
    ];

    #[test]
    fn plain_documents_are_read_as_serde_json_reads_them() {
        for document in DOCUMENTS {
            assert!(agrees(document), "{document}");
        }
        let deep = |depth| format!(r#"{{"params":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        for depth in [1, 62, 63, 64, 65, 500] {
            assert!(agrees(&deep(depth)), "{depth}");
        }
        // Of a batch that is too long, the entries are counted.
        assert!(!agrees("[{},{},{},{}]") && !agrees("[]") && !agrees("[5]"));
    }

    #[test]
    fn damaged_documents_are_read_as_serde_json_reads_them() {
        let damages = "\"\\{}[]:,-+.eE019nt \n\u{1}\u{7f}é".chars();
        let damages: Vec<char> = damages.collect();
        let mut read = 0;
        for document in DOCUMENTS {
            for (at, old) in document.char_indices() {
                let (before, after) = (&document[..at], &document[at + old.len_utf8()..]);
                read +=
                    usize::from(agrees(before)) + usize::from(agrees(&format!("{before}{after}")));
                for damage in &damages {
                    read += usize::from(agrees(&format!("{before}{damage}{after}")));
                    read += usize::from(agrees(&format!("{before}{damage}{old}{after}")));
                }
            }
        }
        assert!(read > 1000, "{read}");
    }
}
