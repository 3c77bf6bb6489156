//! Nodes as a [`Value`](crate::Value): its kind, and the content of that kind.

use serde::de::value::{EnumAccessDeserializer, SeqAccessDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::access::{ElementAccess, scalars};
use super::{NodeDe, NodeReader};
use crate::error::Error;
use crate::nodes::{Chain, Data, Id, Ids, NONE, ObjectNode};
use crate::value::ValueKind;

/// Maximum length of texts, bytes and integers that are copied wherever the pickle refers to them.
/// Longer ones are shared, as are containers.
const MAX_COPIED: u32 = 64;

/// A node as a variant of `Value`, including `Shared` and `Reference`.
pub(super) struct ValueVariant<'a, 'm>(pub(super) NodeDe<'a, 'm>);

impl<'de, 'a, 'm> EnumAccess<'de> for ValueVariant<'a, 'm> {
    type Error = Error;
    type Variant = VariantContent<'a, 'm>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Error> {
        let node = self.0;
        let data = node.data();
        if !node.arena().is_shared(node.id) || !is_shareable(data) {
            return UnsharedVariant(node).variant_seed(seed);
        }
        let mut references = node.reader.references.borrow_mut();
        let next = references.len() as u32;
        let (kind, content) = match references.get(&node.id) {
            Some(number) => (ValueKind::Reference, VariantContent::Reference(*number)),
            None => {
                references.insert(node.id, next);
                (ValueKind::Shared, VariantContent::Shared(node))
            }
        };
        drop(references);
        Ok((tag(seed, kind)?, content))
    }
}

fn is_shareable(data: Data) -> bool {
    match data {
        Data::ByteArray(_) => true,
        Data::Str(span) | Data::Surrogates(span) | Data::Bytes(span) | Data::Long(span) => {
            span.len > MAX_COPIED
        }
        data => data.is_container(),
    }
}

/// A node as a variant of `Value`, even if it is shared.
struct UnsharedVariant<'a, 'm>(NodeDe<'a, 'm>);

impl<'de, 'a, 'm> EnumAccess<'de> for UnsharedVariant<'a, 'm> {
    type Error = Error;
    type Variant = VariantContent<'a, 'm>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Error> {
        let kind = match self.0.data() {
            Data::None => ValueKind::None,
            Data::Bool(_) => ValueKind::Bool,
            Data::Int(_) => ValueKind::Int,
            Data::Long(_) => ValueKind::BigInt,
            Data::Float(_) => ValueKind::Float,
            Data::Complex(_) => ValueKind::Complex,
            Data::Str(_) => ValueKind::Str,
            Data::Surrogates(_) => ValueKind::SurrogateStr,
            Data::Bytes(_) => ValueKind::Bytes,
            Data::ByteArray(_) => ValueKind::ByteArray,
            Data::List(_) => ValueKind::List,
            Data::Tuple(_) => ValueKind::Tuple,
            Data::Set(_) => ValueKind::Set,
            Data::FrozenSet(_) => ValueKind::FrozenSet,
            Data::Dict(_) => ValueKind::Dict,
            Data::Class(_) => ValueKind::Class,
            Data::Object(index) if self.0.arena().objects[index as usize].reduced => {
                ValueKind::Reduced
            }
            Data::Object(_) => ValueKind::Object,
        };
        Ok((tag(seed, kind)?, VariantContent::Of(self.0)))
    }
}

fn tag<'de, V: DeserializeSeed<'de>>(seed: V, kind: ValueKind) -> Result<V::Value, Error> {
    let number: U32Deserializer<Error> = (kind as u32).into_deserializer();
    seed.deserialize(number)
}

/// The content of a variant.
pub(super) enum VariantContent<'a, 'm> {
    Of(NodeDe<'a, 'm>),
    Shared(NodeDe<'a, 'm>),
    Reference(u32),
}

impl<'de> VariantAccess<'de> for VariantContent<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        match self {
            Self::Of(node) => seed
                .deserialize(ContentDe(node))
                .map_err(|error| error.at(node.at())),
            Self::Shared(node) => {
                seed.deserialize(EnumAccessDeserializer::new(UnsharedVariant(node)))
            }
            Self::Reference(number) => seed.deserialize(number.into_deserializer()),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(unexpected())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(unexpected())
    }
}

/// Creates the error for a type that uses the name of `Value`, and is not `Value`.
fn unexpected() -> Error {
    Error::custom("pickle::Value has no variant of this form")
}

/// Deserializer of the content of a node.
struct ContentDe<'a, 'm>(NodeDe<'a, 'm>);

impl<'de> Deserializer<'de> for ContentDe<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        content(self.0, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

fn content<'de, V: Visitor<'de>>(node: NodeDe<'_, '_>, visitor: V) -> Result<V::Value, Error> {
    let arena = node.arena();
    let ids = match arena.data(node.id) {
        Data::List(chain) | Data::Set(chain) => arena.chain(chain),
        Data::Tuple(span) | Data::FrozenSet(span) => arena.span(span),
        Data::Dict(chain) => {
            let ids = arena.chain(chain);
            return visitor.visit_seq(EntrySeq::new(node.reader, ids, node.deeper()?));
        }
        Data::Object(index) => {
            return visitor.visit_seq(ObjectParts {
                node,
                object: arena.objects[index as usize],
                parts: 0,
            });
        }
        data => return scalar(node, data, visitor),
    };
    visitor.visit_seq(ElementAccess::new(node.reader, ids, node.deeper()?))
}

/// Reads a value without contents. This is a separate function, so that its variables take no stack
/// at each level.
fn scalar<'de, V: Visitor<'de>>(
    node: NodeDe<'_, '_>,
    data: Data,
    visitor: V,
) -> Result<V::Value, Error> {
    let arena = node.arena();
    match data {
        Data::Bool(truth) => visitor.visit_bool(truth),
        Data::Int(bits) => visitor.visit_i64(bits.int()),
        Data::Float(bits) => visitor.visit_f64(bits.float()),
        Data::Str(span) => visitor.visit_str(node.text(span)?),
        Data::Long(span) | Data::Surrogates(span) | Data::Bytes(span) | Data::ByteArray(span) => {
            visitor.visit_bytes(node.bytes(span)?)
        }
        Data::Complex(index) => visitor.visit_seq(scalars(&arena.complexes[index as usize])),
        Data::Class(index) => {
            let class = &arena.classes[index as usize];
            node.count_copied(class.module.len() + class.name.len())?;
            visitor.visit_seq(scalars(&[class.module, &*class.name]))
        }
        _ => visitor.visit_unit(),
    }
}

/// The parts of an instance.
struct ObjectParts<'a, 'm> {
    node: NodeDe<'a, 'm>,
    object: ObjectNode,
    /// Number of parts read.
    parts: u8,
}

impl<'de> SeqAccess<'de> for ObjectParts<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Self {
            node,
            object,
            parts,
        } = self;
        let (reader, arena, depth) = (node.reader, node.arena(), node.deeper()?);
        // The tuple of the arguments and the dict of the keyword arguments are one level more.
        let inner = |id: Id| reader.deeper(depth, id);
        *parts += 1;
        let part = match *parts {
            1 => seed.deserialize(reader.node(object.callable, depth)?),
            2 => {
                let depth = inner(object.args)?;
                sequence(seed, ElementAccess::new(reader, arena.args(object), depth))
            }
            3 if object.kwargs == NONE => {
                sequence(seed, EntrySeq::new(reader, arena.chain(Chain::EMPTY), 0))
            }
            3 => {
                let kwargs = arena.as_dict(object.kwargs).unwrap_or(Chain::EMPTY);
                let depth = inner(object.kwargs)?;
                sequence(seed, EntrySeq::new(reader, arena.chain(kwargs), depth))
            }
            4 => sequence(
                seed,
                ElementAccess::new(reader, arena.chain(object.items), depth),
            ),
            5 => sequence(
                seed,
                EntrySeq::new(reader, arena.chain(object.entries), depth),
            ),
            6 => {
                let state = match object.state {
                    NONE => None,
                    state => Some(reader.node(state, depth)?),
                };
                seed.deserialize(OptionalState(state))
            }
            _ => return Ok(None),
        };
        part.map(Some)
    }
}

fn sequence<'de, T: DeserializeSeed<'de>, A: SeqAccess<'de>>(
    seed: T,
    access: A,
) -> Result<T::Value, A::Error> {
    seed.deserialize(SeqAccessDeserializer::new(access))
}

/// The state of an instance, if it has one.
struct OptionalState<'a, 'm>(Option<NodeDe<'a, 'm>>);

impl<'de> Deserializer<'de> for OptionalState<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Some(state) => visitor.visit_some(state),
            None => visitor.visit_none(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// The entries of a dict, as a sequence of pairs.
struct EntrySeq<'a, 'm> {
    reader: &'a NodeReader<'m>,
    ids: Ids<'a>,
    depth: u8,
}

impl<'a, 'm> EntrySeq<'a, 'm> {
    const fn new(reader: &'a NodeReader<'m>, ids: Ids<'a>, depth: u8) -> Self {
        Self { reader, ids, depth }
    }
}

impl<'de> SeqAccess<'de> for EntrySeq<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let (Some(key), Some(value)) = (self.ids.next(), self.ids.next()) else {
            return Ok(None);
        };
        let pair = EntryTuple {
            reader: self.reader,
            ids: [key, value].into_iter(),
            depth: self.depth,
        };
        sequence(seed, pair).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.ids.size_hint().0 / 2)
    }
}

/// A key and its value, as a tuple.
struct EntryTuple<'a, 'm> {
    reader: &'a NodeReader<'m>,
    ids: std::array::IntoIter<Id, 2>,
    depth: u8,
}

impl<'de> SeqAccess<'de> for EntryTuple<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(id) = self.ids.next() else {
            return Ok(None);
        };
        let node = self.reader.node(id, self.depth)?;
        seed.deserialize(node).map(Some)
    }
}
