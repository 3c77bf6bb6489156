//! Reading ahead, and coming back.

use super::{Reader, State};

/// Where a reader is, in an element that was just opened.
pub(crate) struct Mark<'a> {
    rest: &'a [u8],
    state: State,
    name: &'a [u8],
    /// How many elements are open around that one.
    depth: usize,
    #[cfg(any(test, fuzzing))]
    reference: Option<Box<super::reference::ReferenceReader<'a>>>,
}

impl<'a> Reader<'a> {
    /// Where it is, in the element that was just opened.
    pub(crate) fn mark(&self) -> Mark<'a> {
        Mark {
            rest: self.rest,
            state: self.state,
            name: self.open.last().copied().unwrap_or_default(),
            depth: self.open.len().saturating_sub(1),
            #[cfg(any(test, fuzzing))]
            reference: self.reference.clone(),
        }
    }

    /// Goes back to where it was. Of the elements that were open then, none but the last was closed.
    pub(crate) fn reset_to(&mut self, mark: &Mark<'a>) {
        #[cfg(any(test, fuzzing))]
        if mark.reference.is_some() {
            self.reference.clone_from(&mark.reference);
            return;
        }
        self.rest = mark.rest;
        self.state = mark.state;
        self.open.truncate(mark.depth);
        self.open.push(mark.name);
    }

    /// Goes on at this offset, which is behind the end of the element that was just opened. False where that
    /// cannot be done.
    pub(crate) fn jump(&mut self, offset: usize) -> bool {
        #[cfg(any(test, fuzzing))]
        if self.reference.is_some() {
            return false;
        }
        let Some(rest) = self.message.get(offset..self.end) else {
            return false;
        };
        self.rest = rest;
        self.state = State::Reading;
        self.open.pop();
        true
    }

    /// The text of the element whose start tag is at this offset, as far as it can be read: for messages.
    #[cold]
    pub(crate) fn text_at(&self, offset: usize) -> String {
        const FEW: usize = 4;
        let rest = self.message.get(offset..self.end).unwrap_or_default();
        let mut reader = Reader::part(self.message, self.end, rest, FEW).forbidden(self.forbidden);
        match reader.tag().and_then(|_| reader.text()) {
            Ok(text) => text.into_owned(),
            Err(_) => String::new(),
        }
    }
}
