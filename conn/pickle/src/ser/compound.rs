//! Serializer of values with contents.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::PickleWriter;
use super::value_form::ValueForm;
use crate::error::Error;
use crate::opcode;
use crate::value::ValueKind;

/// Maximum elements that one opcode adds, as in CPython: Python keeps them on its stack until then.
const BATCH: u32 = 1000;

/// Encoding of the contents of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum CompoundShape {
    /// Batches that the opcode `add` appends to the container. An element may be two values that
    /// are written separately: a key and its value.
    Batches {
        add: u8,
        open: Option<u8>,
        element: ValueForm,
        count: u32,
    },
    /// Values since a mark, which the opcode `gather` collects.
    Marked { gather: u8 },
    /// A tuple of up to 3 elements: its length, and the number of elements written so far.
    Short { len: u8, count: u8 },
    /// The values only, without an opcode around them.
    Bare,
    /// The two names of a class, written since `start`.
    Class { start: usize },
    /// The two parts of a complex number.
    Complex,
    /// The parts of an instance.
    Object { new: bool, parts: u8 },
    /// The keyword arguments of an instance.
    Kwargs { new: bool, count: u32 },
    /// The state of an array of numpy.
    NumpyArray { parts: u8 },
    /// The arguments of an `array.array`: some parts are omitted, by removing what was written
    /// since `start`.
    ArrayArray { parts: u8, start: usize },
}

impl CompoundShape {
    const fn batches(open: Option<u8>, add: u8, element: ValueForm) -> Self {
        Self::Batches {
            add,
            open,
            element,
            count: 0,
        }
    }

    pub(super) const fn list() -> Self {
        Self::batches(Some(opcode::EMPTY_LIST), opcode::APPENDS, ValueForm::Plain)
    }

    pub(super) const fn set() -> Self {
        Self::batches(Some(opcode::EMPTY_SET), opcode::ADDITEMS, ValueForm::Plain)
    }

    /// A dict whose keys and values are serialised separately.
    pub(super) const fn map() -> Self {
        Self::batches(Some(opcode::EMPTY_DICT), opcode::SETITEMS, ValueForm::Plain)
    }

    /// A dict whose keys and values are serialised as pairs.
    pub(super) const fn pairs() -> Self {
        Self::batches(Some(opcode::EMPTY_DICT), opcode::SETITEMS, ValueForm::Pair)
    }

    pub(super) const fn items() -> Self {
        Self::batches(None, opcode::APPENDS, ValueForm::Plain)
    }

    pub(super) const fn entries() -> Self {
        Self::batches(None, opcode::SETITEMS, ValueForm::Pair)
    }

    /// Entries whose keys and values are serialised separately.
    pub(super) const fn map_entries() -> Self {
        Self::batches(None, opcode::SETITEMS, ValueForm::Plain)
    }

    pub(super) const fn tuple(len: usize) -> Self {
        match len {
            0..=3 => Self::Short {
                len: len as u8,
                count: 0,
            },
            _ => Self::Marked {
                gather: opcode::TUPLE,
            },
        }
    }

    /// Returns `true` if its contents are one level deeper.
    const fn is_level(self) -> bool {
        match self {
            Self::Batches { open, .. } => open.is_some(),
            Self::Marked { .. }
            | Self::Short { .. }
            | Self::Object { .. }
            | Self::NumpyArray { .. }
            | Self::ArrayArray { .. } => true,
            // Keyword arguments are a level only if there are any.
            Self::Kwargs { .. } | Self::Bare | Self::Class { .. } | Self::Complex => false,
        }
    }
}

/// Serializer of the contents of one value.
pub(super) struct Compound<'w, 'p> {
    writer: &'w mut PickleWriter<'p>,
    shape: CompoundShape,
    /// The depth to restore at the end.
    depth: u8,
    /// Opcodes to write at the end.
    tail: &'static [u8],
    /// `true` if the fields of a struct are written with their names.
    named: bool,
}

impl<'w, 'p> Compound<'w, 'p> {
    pub(super) fn open(
        writer: &'w mut PickleWriter<'p>,
        shape: CompoundShape,
    ) -> Result<Self, Error> {
        let depth = writer.depth;
        if shape.is_level() {
            writer.deeper()?;
        }
        match shape {
            CompoundShape::Batches {
                open: Some(open), ..
            } => writer.out.push(open),
            CompoundShape::Marked { .. }
            | CompoundShape::NumpyArray { .. }
            | CompoundShape::ArrayArray { .. } => writer.out.push(opcode::MARK),
            _ => {}
        }
        Ok(Self {
            writer,
            shape,
            depth,
            tail: &[],
            named: true,
        })
    }

    /// Opens a compound that is a part of an instance, which is a level too. The opcodes of `tail`
    /// follow its contents.
    pub(super) fn open_level(
        writer: &'w mut PickleWriter<'p>,
        shape: CompoundShape,
        tail: &'static [u8],
    ) -> Result<Self, Error> {
        let mut compound = Self::open(writer, shape)?;
        compound.tail = tail;
        compound.deeper()?;
        Ok(compound)
    }

    /// Counts one level more around the contents.
    pub(super) fn deeper(&mut self) -> Result<(), Error> {
        self.writer.deeper()
    }

    /// Writes the fields of a struct without their names.
    pub(super) const fn omit_names(&mut self) {
        self.named = false;
    }

    /// Writes the version that the state of an array of numpy begins with.
    pub(super) fn version(&mut self) {
        self.writer.out.int(1);
    }

    /// Marks the contents as those of a variant. The dict around them is already counted as a
    /// level.
    pub(super) const fn make_content(&mut self) {
        self.tail = &[opcode::SETITEM];
        self.depth += 1;
    }

    /// Prepares for the next element.
    fn element(&mut self) -> Result<(), Error> {
        match &mut self.shape {
            CompoundShape::Batches {
                add,
                element,
                count,
                ..
            } => {
                if *count == BATCH {
                    *count = 0;
                    self.writer.out.push(*add);
                }
                if *count == 0 {
                    self.writer.out.push(opcode::MARK);
                }
                *count += 1;
                self.writer.next = *element;
            }
            CompoundShape::Short { count, .. } => *count = count.saturating_add(1),
            CompoundShape::Kwargs { count, .. } => {
                if *count == 0 {
                    // The dict is a level, like the tuple of the arguments.
                    self.writer.deeper()?;
                    self.writer.out.extend(&[opcode::EMPTY_DICT, opcode::MARK]);
                }
                *count += 1;
                self.writer.next = ValueForm::Pair;
            }
            CompoundShape::Object { new, parts } => {
                *parts += 1;
                self.writer.next = match parts {
                    1 => ValueForm::Plain,
                    2 => ValueForm::Content(ValueKind::Tuple),
                    3 => ValueForm::Kwargs { new: *new },
                    4 => ValueForm::Items,
                    5 => ValueForm::Entries,
                    _ => ValueForm::State,
                };
            }
            CompoundShape::NumpyArray { parts } => {
                *parts += 1;
                self.writer.next = match parts {
                    1 => ValueForm::Content(ValueKind::Tuple),
                    2 => ValueForm::ElementType,
                    _ => ValueForm::Plain,
                };
            }
            CompoundShape::ArrayArray { parts, start } => {
                *parts += 1;
                match parts {
                    1 => {
                        self.writer.class("array", "array");
                        *start = self.writer.out.len();
                    }
                    2 => {
                        self.writer.out.truncate(*start);
                        self.writer.next = ValueForm::TypeCode;
                    }
                    3 => *start = self.writer.out.len(),
                    _ => self.writer.out.truncate(*start),
                }
            }
            CompoundShape::Marked { .. }
            | CompoundShape::Bare
            | CompoundShape::Class { .. }
            | CompoundShape::Complex => {}
        }
        Ok(())
    }

    fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element()?;
        value.serialize(&mut *self.writer)
    }

    fn close(self) -> Result<(), Error> {
        let out = &mut self.writer.out;
        match self.shape {
            CompoundShape::Batches { add, count, .. } => {
                if count > 0 {
                    out.push(add);
                }
            }
            CompoundShape::Marked { gather } => out.push(gather),
            CompoundShape::Short { len, count } if len == count => out.push(match len {
                0 => opcode::EMPTY_TUPLE,
                1 => opcode::TUPLE1,
                2 => opcode::TUPLE2,
                _ => opcode::TUPLE3,
            }),
            CompoundShape::Short { len, count } => {
                return Err(Error::unrepresentable(format!(
                    "a tuple of {len} elements has {count}"
                )));
            }
            CompoundShape::Class { start } => self.writer.class_since(start),
            CompoundShape::Complex => out.extend(&[opcode::TUPLE2, opcode::REDUCE]),
            CompoundShape::Kwargs {
                new: true,
                count: 0,
            } => out.push(opcode::NEWOBJ),
            CompoundShape::Kwargs { new: true, .. } => {
                out.extend(&[opcode::SETITEMS, opcode::NEWOBJ_EX]);
            }
            CompoundShape::Kwargs {
                new: false,
                count: 0,
            } => out.push(opcode::REDUCE),
            CompoundShape::Kwargs { new: false, .. } => {
                return Err(Error::unrepresentable(
                    "an object created by a call cannot have keyword arguments in a pickle",
                ));
            }
            CompoundShape::NumpyArray { .. } => out.extend(&[opcode::TUPLE, opcode::BUILD]),
            CompoundShape::ArrayArray { .. } => out.extend(&[opcode::TUPLE, opcode::REDUCE]),
            CompoundShape::Bare | CompoundShape::Object { .. } => {}
        }
        self.writer.out.extend(self.tail);
        self.writer.depth = self.depth;
        Ok(())
    }
}

macro_rules! sequences {
    ($($part:ident: $method:ident;)*) => {$(
        impl $part for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.write(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )*};
}

sequences! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.write(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

macro_rules! structs {
    ($($part:ident)*) => {$(
        impl $part for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.element()?;
                if self.named {
                    self.writer.out.text(name);
                }
                value.serialize(&mut *self.writer)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Error> {
                if self.named {
                    return Ok(());
                }
                Err(Error::unrepresentable(format!(
                    "the field {name} cannot be skipped: the fields are known by their places"
                )))
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }
