//! Members whose value comes before their name.
//!
//! Serde asks for the name first. So the value is passed over, the name read, and then the value. Values within it
//! may stand before their names as well: where those end is kept, and they are not passed over again. However they
//! are nested, no byte is passed over more than once.

use std::borrow::Cow;

use rpc_core::FormatError;

use super::De;
use crate::xml::read::{Markup, Tag, plain};

impl<'de> De<'de> {
    /// The offset and the name of a member whose `<value>` tag, just read, starts at `start`. Reading goes on in
    /// that value.
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

    /// Passes over the value that starts at `start`. What is in it is counted when it is read.
    fn skip_ahead(&mut self, start: usize) -> Result<(), FormatError> {
        let (values, depth) = (self.values, self.depth);
        self.skipped.clear();
        self.open_value(start)?;
        let outside = self.reader.open() - 1;
        // Those that are still open: how many elements are open around each, and its place in the list.
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

    /// The name that is next, and its offset.
    pub(super) fn name(&mut self) -> Result<(usize, Cow<'de, str>), FormatError> {
        let start = self
            .reader
            .expect_start(&plain::NAME, "the <name> of a member")?;
        Ok((start, self.name_text()?))
    }

    /// The name in the `<name>` that is open.
    pub(super) fn name_text(&mut self) -> Result<Cow<'de, str>, FormatError> {
        let name = self.reader.text()?;
        self.end("</name>")?;
        Ok(name)
    }
}
