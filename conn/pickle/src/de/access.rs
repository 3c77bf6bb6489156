//! Access to the contents of containers, and to enums.

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess};

use super::{NodeDe, NodeReader};
use crate::error::{Error, PathStep};
use crate::nodes::{Data, Id, Ids};

/// The elements of a list, tuple or set.
pub(super) struct ElementAccess<'a, 'm> {
    reader: &'a NodeReader<'m>,
    ids: Ids<'a>,
    depth: u8,
    read: usize,
}

impl<'a, 'm> ElementAccess<'a, 'm> {
    pub(super) const fn new(reader: &'a NodeReader<'m>, ids: Ids<'a>, depth: u8) -> Self {
        Self {
            reader,
            ids,
            depth,
            read: 0,
        }
    }

    /// Returns an error if elements are left. These are counted for its message, and so they count
    /// against the limit of values.
    pub(super) fn expect_end(mut self, node: &NodeDe<'_, '_>) -> Result<(), Error> {
        let mut rest = 0;
        for id in &mut self.ids {
            self.reader.allow(self.reader.counter.add_values(1), id)?;
            rest += 1;
        }
        if rest == 0 {
            return Ok(());
        }
        let at = node.at();
        let (read, found) = (self.read, self.read + rest);
        Err(Error::custom(format_args!("expected {read} elements, found {found}")).at(at))
    }
}

impl<'de> SeqAccess<'de> for ElementAccess<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(id) = self.ids.next() else {
            return Ok(None);
        };
        let index = self.read;
        self.read += 1;
        seed.deserialize(self.reader.node(id, self.depth)?)
            .map(Some)
            .map_err(|error| error.within(PathStep::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.ids.size_hint().0)
    }
}

/// Access to elements that are not nodes: bytes, and the parts of complex numbers and of names.
pub(super) fn scalars<'de, T: Copy + IntoDeserializer<'de, Error>>(
    elements: &[T],
) -> SeqDeserializer<impl Iterator<Item = T>, Error> {
    SeqDeserializer::new(elements.iter().copied())
}

/// The entries of a dict.
pub(super) struct EntryAccess<'a, 'm> {
    reader: &'a NodeReader<'m>,
    /// Alternating keys and values.
    ids: Ids<'a>,
    /// The entries after these: the attributes in slots.
    more: Option<Ids<'a>>,
    depth: u8,
    /// The last key, for the path of an error.
    key: Id,
}

impl<'a, 'm> EntryAccess<'a, 'm> {
    pub(super) const fn new(reader: &'a NodeReader<'m>, ids: Ids<'a>, depth: u8) -> Self {
        Self {
            reader,
            ids,
            more: None,
            depth,
            key: 0,
        }
    }

    /// Adds entries after these.
    pub(super) fn followed_by(mut self, more: Ids<'a>) -> Self {
        self.more = Some(more);
        self
    }
}

impl<'de> MapAccess<'de> for EntryAccess<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let next = self.ids.next().or_else(|| {
            self.ids = self.more.take()?;
            self.ids.next()
        });
        let Some(key) = next else {
            return Ok(None);
        };
        self.key = key;
        seed.deserialize(self.reader.node(key, self.depth)?)
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(value) = self.ids.next() else {
            return Err(Error::custom(
                "the value of an entry was requested before its key",
            ));
        };
        seed.deserialize(self.reader.node(value, self.depth)?)
            .map_err(|error| error.within(path_step(self.reader, self.key)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.ids.size_hint().0 / 2)
    }
}

pub(super) fn path_step(reader: &NodeReader<'_>, key: Id) -> PathStep {
    match reader.arena.data(key) {
        Data::Str(span) => PathStep::key(reader.arena.text(span)),
        Data::Int(bits) => PathStep::key(&format!("[{}]", bits.int())),
        data => PathStep::key(&format!("[{}]", data.kind())),
    }
}
