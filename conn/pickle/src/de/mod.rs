//! Deserializer of Rust types, from the nodes of a pickle.

mod access;
mod array;
mod enumeration;
mod instance;
mod newtype;
mod value_access;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use self::access::{ElementAccess, EntryAccess};
use self::value_access::ValueVariant;
use super::error::{Error, ErrorKind};
use super::names::NewtypeKind;
use super::nodes::{Data, Id, Ids, NodeArena, Span};
use super::value_counter::ValueCounter;
use super::{Mapping, Pickle, machine, nesting};

/// Decodes a pickle into a Rust type.
pub(super) fn read<'de, T: Deserialize<'de>>(pickle: &Pickle, message: &[u8]) -> Result<T, Error> {
    let Pickle {
        max_depth,
        max_values,
        ..
    } = *pickle;
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

/// Returns the bytes of texts that may be copied out of a message of this length. An entry of a
/// dict whose key occurred before takes at least 4 bytes, and keys are shorter than 64 bytes.
fn max_copied(length: usize) -> usize {
    length.saturating_mul(17).saturating_add(1024)
}

/// All nodes, and what is left of the limits for reading them.
pub(super) struct NodeReader<'m> {
    arena: NodeArena<'m>,
    max_depth: u8,
    counter: ValueCounter,
    /// Bytes of texts that may still be copied.
    bytes_left: Cell<usize>,
    classes: &'m [Mapping],
    /// The numbers of the values shared so far within the current `Value`.
    references: RefCell<HashMap<Id, u32>>,
}

impl<'m> NodeReader<'m> {
    /// Creates the deserializer of a node, and counts the node. There is no other way to read a
    /// node, so each is counted, wherever the pickle refers to it and whatever type it is read as.
    fn node(&self, id: Id, depth: u8) -> Result<NodeDe<'_, 'm>, Error> {
        self.allow(self.counter.add_values(1), id)?;
        Ok(NodeDe {
            reader: self,
            id,
            depth,
        })
    }

    /// Returns an error at this node, unless `allowed`: the limit of values is exceeded.
    fn allow(&self, allowed: bool, id: Id) -> Result<(), Error> {
        if allowed {
            return Ok(());
        }
        let max = self.counter.max_values();
        let text = format!("the pickle contains more than {max} references to its values");
        Err(Error::new(ErrorKind::Limit, self.arena.at(id), text))
    }

    /// Returns the levels allowed below a node with `depth` levels left.
    fn deeper(&self, depth: u8, id: Id) -> Result<u8, Error> {
        let deeper = depth.checked_sub(1);
        deeper.ok_or_else(|| nesting::too_deep(self.arena.at(id), self.max_depth))
    }
}

/// Deserializer of a node. `depth` is the number of levels left, from this node down.
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
        let Some(left) = self.reader.bytes_left.get().checked_sub(len) else {
            let text = "the pickle contains too many references to its texts and bytes";
            return Err(Error::new(ErrorKind::Limit, self.at(), text));
        };
        self.reader.bytes_left.set(left);
        Ok(())
    }

    fn text(&self, span: Span) -> Result<&'a str, Error> {
        self.count_copied(span.len as usize)?;
        Ok(self.arena().text(span))
    }

    fn bytes(&self, span: Span) -> Result<&'a [u8], Error> {
        self.count_copied(span.len as usize)?;
        Ok(self.arena().bytes(span))
    }

    /// Returns the levels allowed below this node.
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

    /// Reads an integer beyond 64 bits.
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

/// Adds the offset of the node to the error of `$value`.
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

    /// Reads a text. Unlike serde, it does not accept bytes as a text.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::Str(span) => at!(self => visitor.visit_str(self.text(span)?)),
            _ => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// Reads the name of a field or variant. Unlike serde, it does not accept numbers.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// Reads bytes. Unlike serde, it does not accept a text as bytes.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data() {
            Data::Str(_) => Err(self.mismatch(&visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    /// Reads a sequence, or bytes: for serde, a vector of bytes is a sequence of numbers.
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
            Some((object, _)) => self.positional(&object, visitor),
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
        if let Some(kind) = NewtypeKind::of(name) {
            return at!(self => self.newtype(kind, visitor));
        }
        if let Some((object, _)) = self.mapped(name) {
            return at!(self => self.single(&object, visitor));
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
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if NewtypeKind::of(name) == Some(NewtypeKind::Value) {
            return visitor.visit_enum(ValueVariant(self));
        }
        at!(self => self.variant(name, variants, visitor))
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
