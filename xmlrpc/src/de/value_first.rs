//! Struct members whose value comes before their name.
//!
//! Serde requests the name first, so the value is skipped, the name is read, and then the value.
//! Nested values may come before their names as well. The ends of these are recorded, so that they
//! are not skipped again: at any depth of nesting, no byte is skipped more than once.

use std::borrow::Cow;

use farcall_core::FormatError;

use super::De;
use crate::xml::read::{Markup, Tag, plain};

impl<'de> De<'de> {
    /// Returns the offset and the name of a member whose `<value>` tag, just read, starts at
    /// `start`. The reader continues in that value.
    pub(super) fn name_after_value(
        &mut self,
        start: usize,
    ) -> Result<(usize, Cow<'de, str>), FormatError> {
        let mark = self.reader.mark();
        let known = self
            .skipped
            .binary_search_by_key(&start, |&(start, _)| start);
        let known = known.is_ok_and(|at| self.reader.jump(self.skipped[at].1));
        if !known {
            self.skip_ahead(start)?;
        }
        let name = self.name()?;
        self.reader.reset_to(&mark);
        Ok(name)
    }

    /// Skips the value that starts at `start`. It counts against the limits later, when it is read.
    fn skip_ahead(&mut self, start: usize) -> Result<(), FormatError> {
        let (values, depth) = (self.values, self.depth);
        self.skipped.clear();
        self.open_value(start)?;
        let outside = self.reader.open() - 1;
        // The open values before names: the number of elements open around each, and its index.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut in_member = false;
        loop {
            let token = self.reader.skip_to_tag()?;
            match token.markup {
                Markup::Start(Tag::Value) => {
                    self.open_value(token.start)?;
                    if in_member {
                        open.push((self.reader.open() - 1, self.skipped.len()));
                        self.skipped.push((token.start, token.end));
                    }
                }
                Markup::End(_) if self.reader.open() == outside => break,
                Markup::End(Tag::Value) => {
                    self.depth -= 1;
                    let around = self.reader.open();
                    if let Some((_, at)) = open.pop_if(|(outside, _)| *outside == around) {
                        self.skipped[at].1 = token.end;
                    }
                }
                _ => {}
            }
            in_member = token.markup == Markup::Start(Tag::Member);
        }
        (self.values, self.depth) = (values, depth);
        Ok(())
    }

    /// Reads the next `<name>`, and returns its offset and its text.
    pub(super) fn name(&mut self) -> Result<(usize, Cow<'de, str>), FormatError> {
        let start = self
            .reader
            .expect_start(&plain::NAME, "the <name> of a member")?;
        Ok((start, self.name_text()?))
    }

    /// Reads the text of the open `<name>`.
    pub(super) fn name_text(&mut self) -> Result<Cow<'de, str>, FormatError> {
        let name = self.reader.text()?;
        self.end("</name>")?;
        Ok(name)
    }
}
