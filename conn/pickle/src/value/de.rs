//! Deserialisation of values. See `ser` for their form.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor,
};

use super::{Class, Construction, NAME, Object, Value};

/// Maximum depth of a value in any codec. Codecs other than ours may have no limit, and a deeper
/// value would overflow the stack when it is read or dropped.
const MAX_DEPTH: u8 = 255;

/// Maximum elements to reserve memory for before they are read.
const MAX_RESERVED: usize = 1024;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// Variants of a value in its serialised form. Codecs that write the index of a variant
        /// depend on their order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
        #[serde(field_identifier)]
        pub(crate) enum ValueKind {
            $($kind,)*
        }

        const NAMES: &[&str] = &[$(stringify!($kind)),*];

        impl ValueKind {
            /// Returns the kind with this index.
            pub(crate) fn of(number: u32) -> Option<Self> {
                [$(Self::$kind),*].get(number as usize).copied()
            }
        }
    };
}

kinds! {
    None Bool Int BigInt Float Complex Str SurrogateStr Bytes ByteArray List Tuple Set FrozenSet
    Dict Class Object Reduced Shared Reference
}

impl ValueKind {
    pub(super) const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, ValueVisitor)
    }
}

/// Defines what a visitor expects.
macro_rules! expecting {
    ($text:literal) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str($text)
        }
    };
}

/// Makes visitors seeds of what they visit, read by this method of the deserializer.
macro_rules! seeds {
    ($($seed:ident -> $value:ty: $method:ident($($argument:expr),*);)*) => {$(
        impl<'de> DeserializeSeed<'de> for $seed<'_> {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<$value, D::Error> {
                source.$method($($argument,)* self)
            }
        }
    )*};
}

seeds! {
    PartSeed -> Value: deserialize_enum(NAME, NAMES);
    ListSeed -> Vec<Value>: deserialize_seq();
    PairsSeed -> Vec<(Value, Value)>: deserialize_seq();
    PairSeed -> (Value, Value): deserialize_tuple(2);
    ObjectSeed -> Box<Object>: deserialize_tuple(6);
    StateSeed -> Option<Value>: deserialize_option();
}

pub(crate) struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    expecting!("a pickle::Value");

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        let part = PartSeed {
            shared: &SharedValues::default(),
            depth: 0,
            is_shared: false,
        };
        part.deserialize(source)
    }
}

/// The values shared so far.
#[derive(Default)]
struct SharedValues {
    /// The shared values by number. `None` while the value is read.
    values: RefCell<Vec<Option<DefinedValue>>>,
    /// The deepest level since the start of the last `Shared`.
    deepest: Cell<u8>,
}

/// A shared value, and the number of levels in it.
struct DefinedValue {
    value: Arc<Value>,
    depth: u8,
}

/// Seed of a part of a value, at this depth.
#[derive(Clone, Copy)]
struct PartSeed<'a> {
    shared: &'a SharedValues,
    depth: u8,
    /// `true` for the content of `Shared`, which must not be `Shared` or `Reference`.
    is_shared: bool,
}

impl<'de> Visitor<'de> for PartSeed<'_> {
    type Value = Value;

    expecting!("a pickle::Value");

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (kind, content) = data.variant::<ValueKind>()?;
        match kind {
            ValueKind::List | ValueKind::Tuple | ValueKind::Set | ValueKind::FrozenSet => {
                self.list(kind, content)
            }
            ValueKind::Dict => self.dict(content),
            ValueKind::Object | ValueKind::Reduced => self.object(kind, content),
            ValueKind::Shared => self.define(content),
            ValueKind::Reference => self.refer(content),
            kind => scalar(kind, content),
        }
    }
}

// Each kind has a separate function: in one function, the variables of all kinds would take stack
// at each level.
impl PartSeed<'_> {
    fn list<'de, A: VariantAccess<'de>>(
        self,
        kind: ValueKind,
        content: A,
    ) -> Result<Value, A::Error> {
        let values = content.newtype_variant_seed(ListSeed(self.deeper(1)?))?;
        Ok(match kind {
            ValueKind::Tuple => Value::Tuple(values),
            ValueKind::Set => Value::Set(values),
            ValueKind::FrozenSet => Value::FrozenSet(values),
            _ => Value::List(values),
        })
    }

    fn dict<'de, A: VariantAccess<'de>>(self, content: A) -> Result<Value, A::Error> {
        let entries = content.newtype_variant_seed(PairsSeed(self.deeper(1)?));
        entries.map(Value::Dict)
    }

    fn object<'de, A: VariantAccess<'de>>(
        self,
        kind: ValueKind,
        content: A,
    ) -> Result<Value, A::Error> {
        let construction = match kind {
            ValueKind::Object => Construction::New,
            _ => Construction::Call,
        };
        let object = content.newtype_variant_seed(ObjectSeed(construction, self.deeper(1)?));
        object.map(Value::Object)
    }

    fn define<'de, A: VariantAccess<'de>>(self, content: A) -> Result<Value, A::Error> {
        self.check_not_shared()?;
        let number = self.shared.values.borrow().len();
        self.shared.values.borrow_mut().push(None);
        let outer = self.shared.deepest.replace(self.depth);
        let value = content.newtype_variant_seed(Self {
            is_shared: true,
            ..self
        })?;
        let deepest = self.shared.deepest.get();
        self.shared.deepest.set(outer.max(deepest));
        let value = Arc::new(value);
        let known = DefinedValue {
            value: Arc::clone(&value),
            depth: deepest - self.depth,
        };
        self.shared.values.borrow_mut()[number] = Some(known);
        Ok(Value::Shared(value))
    }

    fn refer<'de, A: VariantAccess<'de>>(self, content: A) -> Result<Value, A::Error> {
        self.check_not_shared()?;
        let number: u32 = content.newtype_variant()?;
        let values = self.shared.values.borrow();
        match values.get(number as usize) {
            Some(Some(known)) => {
                self.deeper::<A::Error>(known.depth)?;
                Ok(Value::Shared(Arc::clone(&known.value)))
            }
            Some(None) => Err(de::Error::custom("a value contains itself")),
            None => Err(de::Error::custom(
                "a reference to a shared value that does not exist",
            )),
        }
    }

    fn check_not_shared<E: de::Error>(self) -> Result<(), E> {
        if self.is_shared {
            return Err(E::custom("the content of a shared value is itself shared"));
        }
        Ok(())
    }

    /// Returns the seed of a part that is `levels` deeper.
    fn deeper<E: de::Error>(self, levels: u8) -> Result<Self, E> {
        let depth = self.depth.checked_add(levels).ok_or_else(too_deep)?;
        self.shared
            .deepest
            .set(self.shared.deepest.get().max(depth));
        Ok(Self {
            depth,
            is_shared: false,
            ..self
        })
    }
}

fn too_deep<E: de::Error>() -> E {
    E::custom(format_args!(
        "the values are nested more than {MAX_DEPTH} deep"
    ))
}

/// Reads a value without contents.
fn scalar<'de, A: VariantAccess<'de>>(kind: ValueKind, content: A) -> Result<Value, A::Error> {
    let bytes = |content: A| content.newtype_variant::<ByteBuf>().map(|bytes| bytes.0);
    Ok(match kind {
        ValueKind::Bool => Value::Bool(content.newtype_variant()?),
        ValueKind::Int => Value::Int(content.newtype_variant()?),
        ValueKind::BigInt => BigInt::from_signed_bytes_le(&bytes(content)?).into(),
        ValueKind::Float => Value::Float(content.newtype_variant()?),
        ValueKind::Complex => {
            let (real, imaginary) = content.newtype_variant()?;
            Value::Complex(real, imaginary)
        }
        ValueKind::Str => Value::Str(content.newtype_variant()?),
        ValueKind::SurrogateStr => Value::SurrogateStr(bytes(content)?),
        ValueKind::Bytes => Value::Bytes(bytes(content)?),
        ValueKind::ByteArray => Value::ByteArray(bytes(content)?),
        ValueKind::Class => {
            let (module, name): (String, String) = content.newtype_variant()?;
            Value::Class(Class::new(module, name))
        }
        _ => {
            content.unit_variant()?;
            Value::None
        }
    })
}

/// Seed of a list of values.
struct ListSeed<'a>(PartSeed<'a>);

/// Seed of a list of keys with their values.
struct PairsSeed<'a>(PartSeed<'a>);

macro_rules! read_all {
    ($reader:ident: $element:ty, $seed:expr) => {
        impl<'de> Visitor<'de> for $reader<'_> {
            type Value = Vec<$element>;

            expecting!("the contents of a pickle::Value");

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let expected = seq.size_hint().unwrap_or(0).min(MAX_RESERVED);
                let mut all = Vec::with_capacity(expected);
                while let Some(element) = seq.next_element_seed($seed(self.0))? {
                    all.push(element);
                }
                Ok(all)
            }
        }
    };
}

read_all!(ListSeed: Value, |part| part);
read_all!(PairsSeed: (Value, Value), PairSeed);

struct PairSeed<'a>(PartSeed<'a>);

impl<'de> Visitor<'de> for PairSeed<'_> {
    type Value = (Value, Value);

    expecting!("a key with its value");

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let key = next(&mut seq, self.0)?;
        Ok((key, next(&mut seq, self.0)?))
    }
}

/// Seed of an instance, with its parts as a tuple.
struct ObjectSeed<'a>(Construction, PartSeed<'a>);

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Box<Object>;

    expecting!("the six parts of an instance");

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Box<Object>, A::Error> {
        let Self(construction, part) = self;
        let mut object = Box::new(Object::of(construction, next(&mut seq, part)?));
        object.args = next(&mut seq, ListSeed(part))?;
        object.kwargs = next(&mut seq, PairsSeed(part))?;
        object.items = next(&mut seq, ListSeed(part))?;
        object.entries = next(&mut seq, PairsSeed(part))?;
        object.state = next(&mut seq, StateSeed(part))?;
        Ok(object)
    }
}

fn next<'de, A: SeqAccess<'de>, S: DeserializeSeed<'de>>(
    seq: &mut A,
    seed: S,
) -> Result<S::Value, A::Error> {
    let missing = || de::Error::custom("a part of a pickle::Value is missing");
    seq.next_element_seed(seed)?.ok_or_else(missing)
}

/// Seed of the optional state of an instance.
struct StateSeed<'a>(PartSeed<'a>);

impl<'de> Visitor<'de> for StateSeed<'_> {
    type Value = Option<Value>;

    expecting!("the state of an instance");

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(source).map(Some)
    }
}

/// Bytes, also from codecs that write them as lists of numbers.
pub(crate) struct ByteBuf(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for ByteBuf {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_byte_buf(ByteBufVisitor)
    }
}

struct ByteBufVisitor;

impl<'de> Visitor<'de> for ByteBufVisitor {
    type Value = ByteBuf;

    expecting!("bytes");

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ByteBuf, E> {
        Ok(ByteBuf(bytes.to_vec()))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<ByteBuf, E> {
        Ok(ByteBuf(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ByteBuf, A::Error> {
        let expected = seq.size_hint().unwrap_or(0).min(MAX_RESERVED);
        let mut bytes = Vec::with_capacity(expected);
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(ByteBuf(bytes))
    }
}
