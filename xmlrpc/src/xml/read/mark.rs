//! Look-ahead: marks, and the return to them.

use super::{Reader, State};

/// State of a reader just after the start tag of an element.
pub(crate) struct Mark<'a> {
    rest: &'a [u8],
    state: State,
    name: &'a [u8],
    /// Number of open elements around that element.
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Creates a mark, just after a start tag.
    pub(crate) fn mark(&self) -> Mark<'a> {
        Mark {
            rest: self.rest,
            state: self.state,
            name: self.open.last().copied().unwrap_or_default(),
            depth: self.open.len().saturating_sub(1),
        }
    }

    /// Returns to a mark. Of the elements that were open at the mark, only the innermost may have
    /// been closed.
    pub(crate) fn reset_to(&mut self, mark: &Mark<'a>) {
        self.rest = mark.rest;
        self.state = mark.state;
        self.open.truncate(mark.depth);
        self.open.push(mark.name);
    }

    /// Jumps to `offset`, the end of the element that was just opened. Returns `false` if this is
    /// not possible.
    pub(crate) fn jump(&mut self, offset: usize) -> bool {
        let Some(rest) = self.message.get(offset..self.end) else {
            return false;
        };
        self.rest = rest;
        self.state = State::Reading;
        self.open.pop();
        true
    }

    /// Returns the text of the element whose start tag is at `offset`, or an empty text if it
    /// cannot be read. For error messages.
    #[cold]
    pub(crate) fn text_at(&self, offset: usize) -> String {
        const MAX_OPEN: usize = 4;
        let rest = self.message.get(offset..self.end).unwrap_or_default();
        let mut reader =
            Reader::part(self.message, self.end, rest, MAX_OPEN).forbidden(self.forbidden);
        match reader.tag().and_then(|_| reader.text()) {
            Ok(text) => text.into_owned(),
            Err(_) => String::new(),
        }
    }
}
