//! Check of texts for UTF-8.

use std::ops::Range;

use simdutf8::compat::from_utf8;

/// A part of a message that is known to be UTF-8.
///
/// Most texts have a few bytes, for which the check of the standard library takes longer than the
/// rest of reading them. Thus the bytes after a text are checked with it, and the next texts are
/// only cut out of what was checked.
#[derive(Default)]
pub(super) struct Checked<'a> {
    text: &'a str,
    /// Offset of the part in the message.
    start: usize,
}

impl<'a> Checked<'a> {
    /// Number of bytes that are checked at once, at least.
    const LEN: usize = 4096;

    /// Returns the text in `range` of the message, or `None` if it is not UTF-8. `end` is the
    /// offset up to which the message is read.
    #[inline]
    pub(super) fn text(
        &mut self,
        message: &'a [u8],
        end: usize,
        range: Range<usize>,
    ) -> Option<&'a str> {
        let len = range.len();
        let known = range
            .start
            .checked_sub(self.start)
            .and_then(|from| self.text.get(from..from + len));
        known.or_else(|| {
            self.check(message, end, &range);
            self.text.get(..len)
        })
    }

    #[inline(never)]
    fn check(&mut self, message: &'a [u8], end: usize, range: &Range<usize>) {
        let to = range.end.max(end.min(range.start + Self::LEN));
        // A character at the end is not cut.
        let rest = message[to..end].iter().take(3);
        let to = to + rest.take_while(|&&byte| byte & 0xC0 == 0x80).count();
        let part = &message[range.start..to];
        self.start = range.start;
        self.text = from_utf8(part)
            .or_else(|error| from_utf8(&part[..error.valid_up_to()]))
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_at_the_end_of_a_part_is_whole() {
        for filler in 0..4 {
            let message = format!("{}{}", "a".repeat(filler), "🦀".repeat(Checked::LEN));
            let mut checked = Checked::default();
            checked.text(message.as_bytes(), message.len(), 0..1);
            assert!((0..4).contains(&(checked.text.len() - Checked::LEN)));
        }
    }

    proptest! {
        #[test]
        fn texts_are_those_of_the_standard_library(
            parts in prop::collection::vec(("[a-é🦀]{0,3000}", prop::option::weighted(0.1, any::<u8>())), 1..8),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..5000_usize), 1..20),
        ) {
            let message: Vec<u8> = parts
                .into_iter()
                .flat_map(|(text, byte)| text.into_bytes().into_iter().chain(byte))
                .collect();
            let mut checked = Checked::default();
            for (start, len) in cuts {
                let start = start.index(message.len() + 1);
                let range = start..message.len().min(start + len);
                prop_assert_eq!(
                    checked.text(&message, message.len(), range.clone()),
                    std::str::from_utf8(&message[range]).ok()
                );
            }
        }
    }
}
