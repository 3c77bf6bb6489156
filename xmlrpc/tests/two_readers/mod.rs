//! The comparison of our reader, with all its shortcuts, with quick-xml alone. It is part of the
//! unit tests and of a fuzz target, which both name what they compare `subject`.

mod reference;

use std::ops::Range;

use super::subject::{Forbidden, Texts, outcomes, tokens};

/// Compares two ways to read a document, in three steps.
///
/// 1. The tags, texts and errors of our reader without its shortcuts, with those of quick-xml
///    alone: from the start of the document and from `part` on, with the text between tags read,
///    refused and skipped.
/// 2. The values and errors of the document with those of the same document in a form that no
///    shortcut recognises, so that all of it is read as in the first step.
/// 3. The values and errors of the document with those of the same document with all names of
///    members before their values, so that no value is skipped to find its name.
///
/// # Panics
/// If anything differs: a tag, a text, a value, an error, or a position.
pub(crate) fn compare(document: &[u8], part: usize, (max_depth, max_values): (usize, usize)) {
    // A part never starts within a character.
    let part = (part..document.len())
        .find(|&at| document[at] & 0xC0 != 0x80)
        .unwrap_or(document.len());
    for texts in [Texts::Read, Texts::Refused, Texts::Skipped] {
        for forbidden in [Forbidden::Refuse, Forbidden::Replace] {
            for (start, max_open) in [(0, max_depth * 4 + 16), (0, part % 8), (part, 20)] {
                let replaces = forbidden == Forbidden::Replace;
                assert_eq!(
                    tokens(document, start, texts, max_open, forbidden),
                    reference::tokens(document, start, texts, max_open, replaces),
                    "{texts:?} from {start}: {}",
                    String::from_utf8_lossy(document)
                );
            }
        }
    }
    let limits = (max_depth, max_values);
    let plain = outcomes(document, limits, &|offset| offset);
    let (tags, is_whole) = reference::tags(document);
    let rewritten = [
        unusual(document, &tags, is_whole),
        names_first(document, &tags),
    ];
    let [unusual, names_first] = rewritten.map(|rewritten| {
        let original = |offset| rewritten.original(offset).min(document.len());
        outcomes(&rewritten.bytes, limits, &original)
    });
    let shown = String::from_utf8_lossy(document);
    assert_eq!(plain, unusual, "{shown}");
    for (values_first, names_first) in plain.iter().zip(&names_first) {
        // A value that is skipped has no other errors than these, which then come first.
        let is_early = |outcome: &String| {
            let kinds = ["Limit: ", "Character: "];
            kinds.iter().any(|kind| outcome.starts_with(kind))
        };
        let are_early = is_early(values_first) && is_error(names_first)
            || is_early(names_first) && is_error(values_first);
        assert!(
            values_first == names_first || are_early,
            "{values_first}, but with names first {names_first}: {shown}"
        );
    }
}

/// Returns `true` if an outcome is an error.
fn is_error(outcome: &str) -> bool {
    let kinds = ["Syntax", "Structure", "Mismatch", "Limit", "Character"];
    let kind = outcome.split_once(": ").map(|(kind, _)| kind);
    kind.is_some_and(|kind| kinds.contains(&kind))
}

/// A document in another form.
#[derive(Default)]
struct Rewritten {
    bytes: Vec<u8>,
    /// The parts that are copied: their offsets here, and in the document.
    copied: Vec<(usize, usize)>,
}

impl Rewritten {
    fn copy(&mut self, document: &[u8], range: Range<usize>) {
        self.copied.push((self.bytes.len(), range.start));
        self.bytes.extend_from_slice(&document[range]);
    }

    /// Returns the offset in the document for one in this form of it.
    fn original(&self, offset: usize) -> usize {
        let next = self.copied.partition_point(|&(start, _)| start <= offset);
        let (start, original) = self.copied[next.saturating_sub(1)];
        original + offset - start
    }
}

/// Writes each tag of a document with a space at its end, and a comment at the end of the document:
/// the meaning stays, but no shortcut recognises it.
fn unusual(document: &[u8], tags: &[(usize, usize)], is_whole: bool) -> Rewritten {
    let (mut unusual, mut from) = (Rewritten::default(), 0);
    // The end of an empty element has no bytes of its own.
    for &(start, end) in tags.iter().filter(|(start, end)| start < end) {
        let tag = &document[start..end];
        // `</>` is an end without a name.
        let close = if tag.ends_with(b"/>") && !tag.starts_with(b"</") {
            end - 2
        } else {
            end - 1
        };
        unusual.copy(document, from..close);
        unusual.bytes.push(b' ');
        from = close;
    }
    unusual.copy(document, from..document.len());
    if is_whole {
        unusual.bytes.extend_from_slice(b"<!---->");
    }
    unusual
}

/// Writes each name of a member before its value.
fn names_first(document: &[u8], tags: &[(usize, usize)]) -> Rewritten {
    let mut rewritten = Rewritten::default();
    Element::root(document, tags).write(document, &mut rewritten);
    rewritten
}

/// An element of a document, up to its first error, or all of the document.
#[derive(Default)]
struct Element {
    start: usize,
    end: usize,
    children: Vec<Self>,
}

impl Element {
    fn root(document: &[u8], tags: &[(usize, usize)]) -> Self {
        let mut open = vec![Self::default()];
        for &(start, end) in tags {
            let is_end = start == end || document[start + 1] == b'/';
            // An end without a start is left to the reader.
            if is_end && let [.., _, _] = open[..] {
                let element = open.pop().unwrap_or_default();
                let parent = open.last_mut().expect("there were two");
                parent.children.push(Self { end, ..element });
            } else if !is_end {
                open.push(Self {
                    start,
                    ..Self::default()
                });
            }
        }
        // Elements that are open at an error end there.
        let mut inner = None;
        while let Some(mut element) = open.pop() {
            element.end = document.len();
            element.children.extend(inner);
            inner = Some(element);
        }
        inner.unwrap_or_default()
    }

    /// Returns `true` for an element with this name, whatever its namespace.
    fn is(&self, name: &str, document: &[u8]) -> bool {
        let tag = String::from_utf8_lossy(&document[self.start..self.end]);
        let tag = tag.trim_start_matches('<');
        let end = tag.find([' ', '\t', '\r', '\n', '/', '>']);
        let qualified = &tag[..end.unwrap_or(tag.len())];
        qualified.rsplit(':').next() == Some(name)
    }

    /// Appends an element, in which each name of a member comes before the value. What stands
    /// between them stays before the name, behind a comment: texts are not joined.
    fn write(&self, document: &[u8], out: &mut Rewritten) {
        if let [value, name] = &self.children[..]
            && self.is("member", document)
            && value.is("value", document)
            && name.is("name", document)
        {
            out.copy(document, self.start..value.start);
            out.bytes.extend_from_slice(b"<!---->");
            out.copy(document, value.end..name.start);
            name.write(document, out);
            value.write(document, out);
            out.copy(document, name.end..self.end);
            return;
        }
        let mut from = self.start;
        for child in &self.children {
            out.copy(document, from..child.start);
            child.write(document, out);
            from = child.end;
        }
        out.copy(document, from..self.end);
    }
}
