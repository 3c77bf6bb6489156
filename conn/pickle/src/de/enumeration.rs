//! Enums: names of variants with their contents, instances of the class of a variant, and members
//! of Python's enums.

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, VariantAccess, Visitor,
};

use super::NodeDe;
use super::access::path_step;
use crate::error::Error;
use crate::names::{self, Form};
use crate::nodes::{ClassNode, Data, ObjectNode};

impl<'a, 'm> NodeDe<'a, 'm> {
    /// Reads an enum.
    pub(super) fn variant<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.data() {
            Data::Str(_) => visitor.visit_enum(EnumVariant {
                name: self,
                content: None,
            }),
            Data::Dict(chain) => {
                let mut ids = self.arena().chain(chain);
                let (Some(name), Some(content), None) = (ids.next(), ids.next(), ids.next()) else {
                    let found = "a dict without exactly one entry";
                    return Err(Error::mismatch(self.at(), found, &visitor));
                };
                let depth = self.deeper()?;
                visitor.visit_enum(EnumVariant {
                    name: self.reader.node(name, depth)?,
                    content: Some(self.reader.node(content, depth)?),
                })
            }
            Data::Object(index) => {
                let object = self.object(index);
                if let Some(variant) = self.instance_variant(object, variants) {
                    return visitor.visit_enum(variant);
                }
                match self.member_value(name, &object)? {
                    Some(member) => visitor.visit_enum(unit_variant(member)),
                    None => Err(self.unmapped(&visitor)),
                }
            }
            Data::Class(index) => {
                match self.member_name(name, &self.arena().classes[index as usize]) {
                    Some(member) => {
                        self.count_copied(member.len())?;
                        visitor.visit_enum(unit_variant(member.to_owned()))
                    }
                    None => Err(self.mismatch(&visitor)),
                }
            }
            _ => Err(self.mismatch(&visitor)),
        }
    }

    /// Returns the variant whose class is that of the instance.
    fn instance_variant(
        self,
        object: ObjectNode,
        variants: &'static [&'static str],
    ) -> Option<InstanceVariant<'a, 'm>> {
        let class = self.arena().as_class(object.callable)?;
        variants.iter().find_map(|name| {
            let mapped = names::class_in(name)?;
            mapped
                .is(class.module, &class.name)
                .then_some(InstanceVariant {
                    node: self,
                    object,
                    name,
                    form: mapped.form,
                })
        })
    }

    /// Returns the value of the member of the Python enum that is mapped to the enum of this name,
    /// as the text that the name or an alias of its variant has.
    fn member_value(
        &self,
        name: &'static str,
        object: &ObjectNode,
    ) -> Result<Option<String>, Error> {
        let arena = self.arena();
        let (Some(class), Some(&[value])) =
            (arena.as_class(object.callable), arena.as_tuple(object.args))
        else {
            return Ok(None);
        };
        if !self.is_mapped(class, Some(name)) {
            return Ok(None);
        }
        Ok(match arena.data(value) {
            Data::Str(span) => Some(self.text(span)?.to_owned()),
            Data::Int(bits) => Some(bits.int().to_string()),
            _ => None,
        })
    }

    /// Returns the name of the member of the Python enum that is mapped to the enum of this name.
    fn member_name<'c>(&self, name: &'static str, member: &'c ClassNode<'_>) -> Option<&'c str> {
        let (outer, member_name) = member.name.rsplit_once('.')?;
        let class = ClassNode {
            module: member.module,
            name: outer.into(),
        };
        self.is_mapped(&class, Some(name)).then_some(member_name)
    }
}

/// Returns the access to a variant without content.
fn unit_variant(name: String) -> StringDeserializer<Error> {
    name.into_deserializer()
}

/// A variant of an enum: its name, or its name and content.
struct EnumVariant<'a, 'm> {
    name: NodeDe<'a, 'm>,
    content: Option<NodeDe<'a, 'm>>,
}

impl<'a, 'm> EnumVariant<'a, 'm> {
    fn content(&self, expected: &dyn Expected) -> Result<NodeDe<'a, 'm>, Error> {
        self.content
            .ok_or_else(|| Error::mismatch(self.name.at(), "only the name of a variant", expected))
    }

    fn within(&self, error: Error) -> Error {
        error.within(path_step(self.name.reader, self.name.id))
    }
}

impl<'de> EnumAccess<'de> for EnumVariant<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = seed.deserialize(self.name)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for EnumVariant<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            None => Ok(()),
            Some(content) => match content.data() {
                Data::None => Ok(()),
                data => Err(Error::mismatch(
                    content.at(),
                    data.kind(),
                    &"a variant without content",
                )),
            },
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let content = self.content(&"a variant with content")?;
        seed.deserialize(content)
            .map_err(|error| self.within(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let content = self.content(&visitor)?;
        let value = content.deserialize_tuple(len, visitor);
        value.map_err(|error| self.within(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let content = self.content(&visitor)?;
        let value = content.deserialize_struct("", fields, visitor);
        value.map_err(|error| self.within(error))
    }
}

/// A variant that is an instance of its class.
struct InstanceVariant<'a, 'm> {
    node: NodeDe<'a, 'm>,
    object: ObjectNode,
    name: &'static str,
    form: Form,
}

impl<'de> EnumAccess<'de> for InstanceVariant<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = seed.deserialize(self.name.into_deserializer())?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for InstanceVariant<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let node = match self.form {
            Form::Content => self.node,
            _ => self
                .node
                .only_argument(&self.object, &"a variant with one field")?,
        };
        seed.deserialize(node)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.node.positional(&self.object, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.node.attributes(&self.object, self.form, visitor)
    }
}
