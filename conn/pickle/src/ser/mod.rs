//! Serializer of Rust types to pickles of protocol 4, which every CPython since 3.4 reads.

mod compound;
mod instances;
mod newtypes;
mod opcode_writer;
mod value_form;

use std::collections::HashMap;

use serde::ser::{Serialize, Serializer};

use self::compound::{Compound, CompoundShape};
use self::opcode_writer::OpcodeWriter;
use self::value_form::ValueForm;
use super::error::Error;
use super::names::{self, Form, MappedClass, NewtypeKind};
use super::opcode;
use super::raw;
use super::value::ValueKind;
use super::{Mapping, Pickle};

/// Appends a whole pickle to `out`.
pub(super) fn write<T: Serialize + ?Sized>(
    pickle: &Pickle,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    out.extend([opcode::PROTO, 4]);
    let mut writer = PickleWriter {
        out: OpcodeWriter(out),
        max_depth: pickle.max_depth,
        depth: pickle.max_depth,
        mappings: &pickle.classes,
        next: ValueForm::Plain,
        memoized: 0,
        classes: HashMap::new(),
        shared: Vec::new(),
    };
    value.serialize(&mut writer)?;
    out.push(opcode::STOP);
    Ok(())
}

struct PickleWriter<'p> {
    out: OpcodeWriter<'p>,
    max_depth: u8,
    /// Levels left for the contents of the current value.
    depth: u8,
    mappings: &'p [Mapping],
    /// Form of the next value, if serde's data model does not determine it.
    next: ValueForm,
    /// Number of values in the memo.
    memoized: u32,
    /// Memo numbers of the classes, by their encoded names.
    classes: HashMap<Vec<u8>, u32>,
    /// Memo numbers of the shared values of the current `Value`. `None` while a value is written.
    shared: Vec<Option<u32>>,
}

impl<'p> PickleWriter<'p> {
    /// Returns the form of the next value, and resets it to `Plain`.
    fn form(&mut self) -> ValueForm {
        std::mem::take(&mut self.next)
    }

    fn deeper(&mut self) -> Result<(), Error> {
        match self.depth.checked_sub(1) {
            Some(depth) => {
                self.depth = depth;
                Ok(())
            }
            None => Err(Error::unrepresentable(format!(
                "the values are nested more than {} deep",
                self.max_depth
            ))),
        }
    }

    /// Writes MEMOIZE, which puts the last value into the memo. Returns its memo number.
    fn memoize(&mut self) -> u32 {
        let number = self.memoized;
        self.memoized += 1;
        self.out.push(opcode::MEMOIZE);
        number
    }

    fn class(&mut self, module: &str, name: &str) {
        let start = self.out.len();
        self.out.text(module);
        self.out.text(name);
        self.class_since(start);
    }

    /// Turns the two texts written since `start` into a class. A class that was written before is
    /// replaced by a reference to the memo.
    fn class_since(&mut self, start: usize) {
        if let Some(number) = self.classes.get(self.out.since(start)) {
            let number = *number;
            self.out.truncate(start);
            self.out.memoized(number);
            return;
        }
        let names = self.out.since(start).to_vec();
        self.out.push(opcode::STACK_GLOBAL);
        let number = self.memoize();
        self.classes.insert(names, number);
    }

    /// Returns the class that the struct or enum of this name is mapped to.
    fn mapping(&self, type_name: &'static str) -> Option<MappedClass<'p>> {
        let mut mappings = self.mappings.iter();
        let mapping = mappings.find(|mapping| mapping.name == type_name);
        mapping.map_or_else(
            || names::class_in(type_name),
            |mapping| {
                Some(MappedClass {
                    module: mapping.class.module(),
                    name: mapping.class.name(),
                    form: Form::Default,
                })
            },
        )
    }

    /// Writes the name of a variant. Its content follows.
    fn variant(&mut self, name: &str) -> Result<(), Error> {
        self.deeper()?;
        self.out.push(opcode::EMPTY_DICT);
        self.out.text(name);
        Ok(())
    }

    /// Writes the content of a variant of `Value`.
    fn value<T: Serialize + ?Sized>(&mut self, kind: u32, content: &T) -> Result<(), Error> {
        let kind = ValueKind::of(kind)
            .ok_or_else(|| Error::unrepresentable("unknown variant of pickle::Value"))?;
        if kind == ValueKind::Shared {
            return self.share(content);
        }
        self.next = ValueForm::Content(kind);
        content.serialize(&mut *self)
    }

    /// Writes a value that later references refer to by its number.
    fn share<T: Serialize + ?Sized>(&mut self, content: &T) -> Result<(), Error> {
        let number = self.shared.len();
        self.shared.push(None);
        content.serialize(&mut *self)?;
        let memoized = self.memoize();
        self.shared[number] = Some(memoized);
        Ok(())
    }

    fn reference(&mut self, number: u32) -> Result<(), Error> {
        match self.shared.get(number as usize) {
            Some(Some(memoized)) => {
                self.out.memoized(*memoized);
                Ok(())
            }
            _ => Err(Error::unrepresentable(
                "a value refers to a shared value that does not exist",
            )),
        }
    }
}

macro_rules! ints {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, number: $type) -> Result<(), Error> {
            self.out.int(number.into());
            Ok(())
        }
    )*};
}

impl<'w, 'p> Serializer for &'w mut PickleWriter<'p> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'w, 'p>;
    type SerializeTuple = Compound<'w, 'p>;
    type SerializeTupleStruct = Compound<'w, 'p>;
    type SerializeTupleVariant = Compound<'w, 'p>;
    type SerializeMap = Compound<'w, 'p>;
    type SerializeStruct = Compound<'w, 'p>;
    type SerializeStructVariant = Compound<'w, 'p>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, truth: bool) -> Result<(), Error> {
        let opcodes = [opcode::NEWFALSE, opcode::NEWTRUE];
        self.out.push(opcodes[usize::from(truth)]);
        Ok(())
    }

    ints! {
        serialize_i8(i8)
        serialize_i16(i16)
        serialize_i32(i32)
        serialize_i64(i64)
        serialize_u8(u8)
        serialize_u16(u16)
    }

    fn serialize_u32(self, number: u32) -> Result<(), Error> {
        match self.form() {
            ValueForm::Content(ValueKind::Reference) => self.reference(number),
            _ => {
                self.out.int(number.into());
                Ok(())
            }
        }
    }

    fn serialize_u64(self, number: u64) -> Result<(), Error> {
        match i64::try_from(number) {
            Ok(number) => self.serialize_i64(number),
            Err(_) => self.serialize_i128(number.into()),
        }
    }

    fn serialize_i128(self, number: i128) -> Result<(), Error> {
        match i64::try_from(number) {
            Ok(number) => self.out.int(number),
            Err(_) => self.out.long(&number.to_le_bytes())?,
        }
        Ok(())
    }

    fn serialize_u128(self, number: u128) -> Result<(), Error> {
        if let Ok(number) = i128::try_from(number) {
            return self.serialize_i128(number);
        }
        // One byte more, for the sign.
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&number.to_le_bytes());
        self.out.long(&bytes)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        self.out.float(number);
        Ok(())
    }

    fn serialize_char(self, character: char) -> Result<(), Error> {
        self.out.text(character.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        match self.next {
            ValueForm::Newtype(NewtypeKind::DateTimeText) => self.datetime(text),
            ValueForm::ElementType => self.element_type(text),
            ValueForm::TypeCode => self.type_code(text),
            _ => {
                self.out.text(text);
                Ok(())
            }
        }
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        match self.form() {
            ValueForm::Newtype(NewtypeKind::RawValue) => self.out.extend(bytes),
            ValueForm::Newtype(NewtypeKind::LinkedRawValue) => {
                self.memoized += raw::relocate(bytes, self.memoized, self.out.0)?;
            }
            ValueForm::Content(ValueKind::BigInt) => self.out.long(bytes)?,
            ValueForm::Content(ValueKind::SurrogateStr) => self.out.surrogates(bytes)?,
            ValueForm::Content(ValueKind::ByteArray) => {
                // Protocol 4 has no opcode for a bytearray.
                self.class("builtins", "bytearray");
                self.out.bytes(bytes);
                self.out.extend(&[opcode::TUPLE1, opcode::REDUCE]);
            }
            _ => self.out.bytes(bytes),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        if self.form() != ValueForm::State {
            self.out.push(opcode::NONE);
        }
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        let form = self.form();
        if form != ValueForm::State {
            self.next = form;
            return value.serialize(self);
        }
        value.serialize(&mut *self)?;
        self.out.push(opcode::BUILD);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Error> {
        match self.mapping(name) {
            Some(class) => {
                self.unit_instance(class);
                Ok(())
            }
            None => self.serialize_none(),
        }
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        if NewtypeKind::of(name) == Some(NewtypeKind::Value) {
            return self.serialize_none();
        }
        if let Some(class) = names::class_in(variant) {
            self.unit_instance(class);
        } else if let Some(class) = self.mapping(name) {
            self.member(class, variant);
        } else {
            self.out.text(variant);
        }
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if let Some(kind) = NewtypeKind::of(name) {
            return self.newtype(kind, value);
        }
        match self.mapping(name) {
            Some(class) => self.newtype_instance(class, value),
            None => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if NewtypeKind::of(name) == Some(NewtypeKind::Value) {
            return self.value(index, value);
        }
        if let Some(class) = names::class_in(variant) {
            return self.newtype_instance(class, value);
        }
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.out.push(opcode::SETITEM);
        self.depth += 1;
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'w, 'p>, Error> {
        let shape = match self.form() {
            ValueForm::Content(ValueKind::Tuple) => CompoundShape::tuple(len.unwrap_or(usize::MAX)),
            ValueForm::Content(ValueKind::FrozenSet) => CompoundShape::Marked {
                gather: opcode::FROZENSET,
            },
            ValueForm::Content(ValueKind::Set) => CompoundShape::set(),
            ValueForm::Content(ValueKind::Dict) => CompoundShape::pairs(),
            ValueForm::Kwargs { new } => CompoundShape::Kwargs { new, count: 0 },
            ValueForm::Items => CompoundShape::items(),
            ValueForm::Entries => CompoundShape::entries(),
            ValueForm::Newtype(NewtypeKind::Deque) => {
                self.call("collections", "deque");
                return Compound::open_level(self, CompoundShape::items(), &[]);
            }
            _ => CompoundShape::list(),
        };
        Compound::open(self, shape)
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'w, 'p>, Error> {
        let shape = match self.form() {
            ValueForm::Pair => CompoundShape::Bare,
            ValueForm::Content(ValueKind::Class) => CompoundShape::Class {
                start: self.out.len(),
            },
            ValueForm::Content(ValueKind::Complex) => {
                self.class("builtins", "complex");
                CompoundShape::Complex
            }
            ValueForm::Content(kind @ (ValueKind::Object | ValueKind::Reduced)) => {
                let new = kind == ValueKind::Object;
                CompoundShape::Object { new, parts: 0 }
            }
            ValueForm::Newtype(NewtypeKind::NumpyArray) => return self.numpy_array(),
            ValueForm::Newtype(NewtypeKind::ArrayArray) => return self.array_array(),
            _ => CompoundShape::tuple(len),
        };
        Compound::open(self, shape)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Compound<'w, 'p>, Error> {
        match self.mapping(name) {
            Some(class) => self.tuple_instance(class, len),
            None => self.serialize_tuple(len),
        }
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'w, 'p>, Error> {
        if let Some(class) = names::class_in(variant) {
            return self.tuple_instance(class, len);
        }
        self.variant(variant)?;
        let mut tuple = Compound::open(self, CompoundShape::tuple(len))?;
        tuple.make_content();
        Ok(tuple)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'p>, Error> {
        match self.form() {
            ValueForm::Newtype(NewtypeKind::OrderedDict) => {
                self.call("collections", "OrderedDict");
                Compound::open_level(self, CompoundShape::map_entries(), &[])
            }
            ValueForm::Newtype(NewtypeKind::Counter) => {
                self.class("collections", "Counter");
                // The tuple of the arguments is a level too.
                let tail = &[opcode::TUPLE1, opcode::REDUCE];
                let mut dict = Compound::open_level(self, CompoundShape::map(), tail)?;
                dict.deeper()?;
                Ok(dict)
            }
            _ => Compound::open(self, CompoundShape::map()),
        }
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Compound<'w, 'p>, Error> {
        match self.mapping(name) {
            Some(class) => self.struct_instance(class, len),
            None => Compound::open(self, CompoundShape::map()),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'w, 'p>, Error> {
        if let Some(class) = names::class_in(variant) {
            return self.struct_instance(class, len);
        }
        self.variant(variant)?;
        let mut map = Compound::open(self, CompoundShape::map())?;
        map.make_content();
        Ok(map)
    }
}
