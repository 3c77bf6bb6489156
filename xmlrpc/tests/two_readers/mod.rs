//! The comparison of our reader, with all its shortcuts, with quick-xml alone. It is part of the
//! unit tests and of a fuzz target, which both name what they compare `subject`.

mod reference;

use super::subject::{Forbidden, Texts, outcomes, tokens, value};

/// Compares two ways to read a document, in three steps.
///
/// 1. The tags, texts and errors of our reader without its shortcuts, with those of quick-xml
///    alone: from the start of the document and from `part` on, with the text between tags read,
///    refused and skipped.
/// 2. The values and errors of the document with those of the same document in a form that no
///    shortcut recognises, so that all of it is read as in the first step.
/// 3. The value of the document with that of the same document with all names of members before
///    their values, so that no value is skipped to find its name.
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
            for (start, max_open) in [(0, max_depth * 4 + 16), (part, 20)] {
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
    let plain = outcomes(document, (max_depth, max_values), &|offset| offset);
    let (tags, is_whole) = reference::tags(document);
    let (unusual, inserted) = unusual(document, &tags, is_whole);
    let original = |offset: usize| {
        let before = inserted.partition_point(|&at| at < offset);
        (offset - before).min(document.len())
    };
    let general = outcomes(&unusual, (max_depth, max_values), &original);
    assert_eq!(plain, general, "{}", String::from_utf8_lossy(document));
    if is_whole {
        let mut straight = Vec::new();
        Element::root(document, &tags).write(document, &mut straight);
        let [values_first, names_first] =
            [document, &straight[..]].map(|document| value(document, (max_depth, max_values)));
        assert_eq!(
            values_first,
            names_first,
            "{}",
            String::from_utf8_lossy(document)
        );
    }
}

/// Writes each tag of a document with a space at its end, and a comment at the end of the document:
/// the meaning stays, but no shortcut recognises it. Returns the offsets of the spaces.
fn unusual(document: &[u8], tags: &[(usize, usize)], is_whole: bool) -> (Vec<u8>, Vec<usize>) {
    let (mut unusual, mut inserted, mut from) = (Vec::new(), Vec::new(), 0);
    // The end of an empty element has no bytes of its own.
    for &(start, end) in tags.iter().filter(|(start, end)| start < end) {
        let close = match document[start..end].ends_with(b"/>") {
            true => end - 2,
            false => end - 1,
        };
        unusual.extend_from_slice(&document[from..close]);
        inserted.push(unusual.len());
        unusual.push(b' ');
        from = close;
    }
    unusual.extend_from_slice(&document[from..]);
    if is_whole {
        unusual.extend_from_slice(b"<!---->");
    }
    (unusual, inserted)
}

/// An element of a well-formed document, or all of the document.
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
        Self {
            end: document.len(),
            ..open.remove(0)
        }
    }

    /// Returns `true` for an element with this name, whatever its namespace.
    fn is(&self, name: &str, document: &[u8]) -> bool {
        let tag = String::from_utf8_lossy(&document[self.start..self.end]);
        let tag = tag.trim_start_matches('<');
        let end = tag.find([' ', '\t', '\r', '\n', '/', '>']);
        let qualified = &tag[..end.unwrap_or(tag.len())];
        qualified.rsplit(':').next() == Some(name)
    }

    /// Appends an element, in which each name of a member comes before the value.
    fn write(&self, document: &[u8], out: &mut Vec<u8>) {
        let mut children: Vec<&Self> = self.children.iter().collect();
        if let [value, name] = &mut children[..]
            && self.is("member", document)
            && value.is("value", document)
            && name.is("name", document)
        {
            std::mem::swap(value, name);
        }
        let mut from = self.start;
        for (place, child) in self.children.iter().zip(children) {
            out.extend_from_slice(&document[from..place.start]);
            child.write(document, out);
            from = place.end;
        }
        out.extend_from_slice(&document[from..self.end]);
    }
}
