//! Reading Rust types from the nodes of a pickle.

mod access;
mod instance;
mod value_access;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use rpc_core::FormatErrorKind;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use self::access::{ElementAccess, EntryAccess, EnumVariant};
use self::value_access::ValueVariant;
use super::error::Error;
use super::nodes::{Data, Id, Ids, NodeArena, Span};
use super::value_counter::ValueCounter;
use super::{Mapping, Pickle, check, machine, value};
use crate::codec::limits::CodecLimits;

/// Reads a type from a pickle.
pub(super) fn read<'de, T: Deserialize<'de>>(pickle: &Pickle, message: &[u8]) -> Result<T, Error> {
    let CodecLimits {
        max_depth,
        max_values,
    } = pickle.limits;
    let (arena, root) = machine::run(message, max_values)?;
    nesting::check(&arena, root, max_depth)?;
    let reader = NodeReader {
        max_depth,
        counter: ValueCounter::new(max_values, message),
        bytes_left: Cell::new(max_copied(message.len())),
        classes: &pickle.classes,
        references: RefCell::default(),
        arena,
    };
    T::deserialize(reader.node(root, max_depth)?)
}

/// How many bytes of texts may be copied out of a message. An entry of a dict takes at least four bytes
/// where its key was there before, and keys are shorter than 64 bytes.
fn max_copied(length: usize) -> usize {
    length.saturating_mul(17).saturating_add(1024)
}

/// All nodes, and what may still be read of them.
pub(super) struct NodeReader<'m> {
    arena: NodeArena<'m>,
    max_depth: u8,
    counter: ValueCounter,
    bytes_left: Cell<usize>,
    classes: &'m [Mapping],
    /// The numbers of what was shared so far within the `Value` that is being read.
    references: RefCell<HashMap<Id, u32>>,
}

impl<'m> NodeReader<'m> {
    /// What reads a node. There is no other way to read one, so each is counted here, wherever the pickle
    /// refers to it and whatever it is read as.
    fn node(&self, id: Id, depth: u8) -> Result<NodeDe<'_, 'm>, Error> {
        self.allow(self.counter.add_values(1), id)?;
        Ok(NodeDe {
            reader: self,
            id,
            depth,
        })
    }

    /// The error where the budget does not allow what is read of the node.
    fn allow(&self, allowed: bool, id: Id) -> Result<(), Error> {
        if allowed {
            return Ok(());
        }
        let max = self.counter.max_values();
        let text = format!("the pickle refers to its values more than {max} times");
        Err(Error::new(FormatErrorKind::Limit, self.arena.at(id), text))
    }

    /// The depth that the contents of a node at this depth may have.
    fn deeper(&self, depth: u8, id: Id) -> Result<u8, Error> {
        let deeper = depth.checked_sub(1);
        deeper.ok_or_else(|| nesting::too_deep(self.arena.at(id), self.max_depth))
    }
}

/// Reads a node. `depth` is how many levels there may be from here.
#[derive(Clone, Copy)]
struct NodeDe<'a, 'm> {
    reader: &'a NodeReader<'m>,
    id: Id,
    depth: u8,
}

impl<'a, 'm> NodeDe<'a, 'm> {
    fn arena(&self) -> &'a NodeArena<'m> {
        &self.reader.arena
    }

    fn at(&self) -> usize {
        self.arena().at(self.id)
    }

    fn data(&self) -> Data {
        self.arena().data(self.id)
    }

    /// Counts bytes that are about to be copied.
    fn count_copied(&self, len: usize) -> Result<(), Error> {
        self.reader
            .allow(self.reader.counter.add_bytes(len), self.id)?;
        match self.reader.bytes_left.get().checked_sub(len) {
            Some(left) => {
                self.reader.bytes_left.set(left);
                Ok(())
            }
            None => {
                let text = "the pickle refers to its texts and bytes too often";
                Err(Error::new(FormatErrorKind::Limit, self.at(), text))
            }
        }
    }

    fn text(&self, span: Span) -> Result<&'m str, Error> {
        self.count_copied(span.len as usize)?;
        Ok(self.arena().text(span))
    }

    fn bytes(&self, span: Span) -> Result<&'a [u8], Error> {
        self.count_copied(span.len as usize)?;
        Ok(self.arena().bytes(span))
    }

    /// The depth that the contents of this node may have.
    fn deeper(&self) -> Result<u8, Error> {
        self.reader.deeper(self.depth, self.id)
    }

    fn mismatch<'de, V: Visitor<'de>>(&self, expected: &V) -> Error {
        Error::mismatch(self.at(), self.arena().describe(self.id), expected)
    }

    fn seq<'de, V: Visitor<'de>>(&self, ids: Ids<'_>, visitor: V) -> Result<V::Value, Error> {
        let mut elements = ElementAccess::new(self.reader, ids, self.deeper()?);
        let value = visitor.visit_seq(&mut elements)?;
        elements.expect_end(self)?;
        Ok(value)
    }

    fn map<'de, V: Visitor<'de>>(&self, ids: Ids<'_>, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(EntryAccess::new(self.reader, ids, self.deeper()?))
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::None => visitor.visit_unit(),
            Data::Bool(truth) => visitor.visit_bool(truth),
            Data::Int(bits) => visitor.visit_i64(bits.int()),
            Data::Long(span) => self.long(span, visitor),
            Data::Float(bits) => visitor.visit_f64(bits.float()),
            Data::Str(span) => visitor.visit_str(self.text(span)?),
            Data::Bytes(span) | Data::ByteArray(span) => visitor.visit_bytes(self.bytes(span)?),
            Data::List(chain) | Data::Set(chain) => self.seq(self.arena().chain(chain), visitor),
            Data::Tuple(span) | Data::FrozenSet(span) => self.seq(self.arena().span(span), visitor),
            Data::Dict(chain) => self.map(self.arena().chain(chain), visitor),
            Data::Complex(index) => {
                let parts = self.arena().complexes[index as usize];
                visitor.visit_seq(access::scalars(&parts))
            }
            Data::Object(index) => self.instance(index, visitor),
            Data::Surrogates(_) | Data::Class(_) => Err(self.mismatch(&visitor)),
        }
    }

    /// An enum: the name of a variant, or a dict of its name and its content.
    fn variant<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::Str(_) => visitor.visit_enum(EnumVariant::unit(self)),
            Data::Dict(chain) => {
                let mut ids = self.arena().chain(chain);
                let (Some(name), Some(content), None) = (ids.next(), ids.next(), ids.next()) else {
                    let found = "a dict that has not one entry";
                    return Err(Error::mismatch(self.at(), found, &visitor));
                };
                let depth = self.deeper()?;
                visitor.visit_enum(EnumVariant::new(self.reader, [name, content], depth)?)
            }
            _ => Err(self.mismatch(&visitor)),
        }
    }

    /// An integer beyond 64 bits.
    fn long<'de, V: Visitor<'de>>(&self, span: Span, visitor: V) -> Result<V::Value, Error> {
        let number = (span.len <= 17).then(|| self.arena().long(span));
        if let Some(number) = number {
            if let Ok(number) = u64::try_from(&number) {
                return visitor.visit_u64(number);
            }
            if let Ok(number) = i128::try_from(&number) {
                return visitor.visit_i128(number);
            }
            if let Ok(number) = u128::try_from(&number) {
                return visitor.visit_u128(number);
            }
        }
        let found = format!("an int of {} bytes", span.len);
        Err(Error::mismatch(self.at(), found, &visitor))
    }
}

/// Says at which byte what did not fit was.
macro_rules! at {
    ($de:ident => $value:expr) => {{
        let value = $value;
        value.map_err(|error: Error| error.at($de.at()))
    }};
}

impl<'de> Deserializer<'de> for NodeDe<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        at!(self => self.any(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// A text. Bytes are not taken for one, although serde would.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::Str(span) => at!(self => visitor.visit_str(self.text(span)?)),
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// The name of a field or variant. Numbers are not taken for one, although serde would.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// Bytes. A text is not taken for bytes, although serde would.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::Str(_) => Err(self.mismatch(&visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    /// Also bytes: serde knows a vector of bytes as a sequence of numbers.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        at!(self => match self.data() {
            Data::Bytes(span) | Data::ByteArray(span) => {
                let numbers = self.bytes(span)?;
                let allowed = self.reader.counter.add_numbers(numbers.len());
                self.reader.allow(allowed, self.id)?;
                visitor.visit_seq(access::scalars(numbers))
            }
            _ => self.any(visitor),
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        at!(self => match self.mapped(name) {
            Some(object) => self.positional(object, visitor),
            None => self.deserialize_seq(visitor),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        at!(self => self.structure(name, visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == value::NAME {
            // Each `Value` has numbers of its own.
            self.reader.references.borrow_mut().clear();
        } else if let Some(object) = self.mapped(name) {
            return at!(self => self.single(object, visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.mapped(name) {
            Some(_) => visitor.visit_unit(),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == value::NAME {
            return visitor.visit_enum(ValueVariant(self));
        }
        at!(self => self.variant(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char unit map
    }
}
