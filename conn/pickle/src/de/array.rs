//! Arrays and scalars of numpy, and `array.array`.

use std::borrow::Cow;

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::NodeDe;
use crate::array::{ElementType, element_type};
use crate::error::{Error, ErrorKind};
use crate::nodes::{Data, Id, NONE, ObjectNode};

/// Maximum number of dimensions, which is that of numpy.
const MAX_DIMENSIONS: usize = 64;

/// The numbers of an array, and their places.
pub(super) struct ArrayView<'a> {
    shape: Vec<usize>,
    /// The distance between neighbours in each dimension, in elements.
    strides: Vec<usize>,
    element: ElementType,
    bytes: Cow<'a, [u8]>,
    /// `true` for a single number, which is not an array of one.
    is_scalar: bool,
}

impl<'a> NodeDe<'a, '_> {
    /// Returns the array or number of numpy, or the `array.array`, if the instance is one.
    pub(super) fn array(&self, object: &ObjectNode) -> Result<Option<ArrayView<'a>>, Error> {
        let Some((module, name)) = self.class_name(object) else {
            return Ok(None);
        };
        let view = match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                self.reconstructed(object)
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => self.buffered(object),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => self.number(object),
            ("array", "_array_reconstructor") => self.array_array(object),
            ("array", "array") => self.array_of_list(object)?,
            _ => return Ok(None),
        };
        let Some(view) = view else {
            let found = self.arena().describe(self.id);
            let text = format!("{found} in a form that is not supported");
            return Err(Error::new(ErrorKind::Structure, self.at(), text));
        };
        let size = view.element.size();
        let elements = view
            .shape
            .iter()
            .try_fold(1_usize, |product, length| product.checked_mul(*length));
        if elements.and_then(|elements| elements.checked_mul(size)) != Some(view.bytes.len()) {
            let text = "the bytes of an array do not fit its shape";
            return Err(Error::new(ErrorKind::Structure, self.at(), text));
        }
        // Each element can become a number, and all bytes may be copied.
        self.count_copied(view.bytes.len())?;
        let numbers = view.bytes.len() / size;
        self.reader
            .allow(self.reader.counter.add_numbers(numbers), self.id)?;
        Ok(Some(view))
    }

    /// Returns the array that protocols 2 to 4 have, and protocol 5 for arrays with gaps.
    fn reconstructed(&self, object: &ObjectNode) -> Option<ArrayView<'a>> {
        let arena = self.arena();
        let class = arena.as_class(*arena.as_tuple(object.args)?.first()?)?;
        if (class.module, &*class.name) != ("numpy", "ndarray") || object.state == NONE {
            return None;
        }
        let &[_, shape, element, fortran, bytes] = arena.as_tuple(object.state)? else {
            return None;
        };
        let shape = self.shape(shape)?;
        let strides = match arena.data(fortran) {
            Data::Bool(true) => fortran_strides(&shape)?,
            Data::Bool(false) => strides(&shape)?,
            _ => return None,
        };
        self.view(shape, strides, self.element(element)?, bytes)
    }

    /// Returns the array that protocol 5 has.
    fn buffered(&self, object: &ObjectNode) -> Option<ArrayView<'a>> {
        let arena = self.arena();
        let args = arena.as_tuple(object.args)?;
        let (&[bytes, element, shape, order], rest) = args.split_first_chunk()?;
        let mut shape = self.shape(shape)?;
        let Data::Str(order) = arena.data(order) else {
            return None;
        };
        let strides = match (arena.text(order), rest) {
            ("C", []) | ("C", &[_]) => strides(&shape)?,
            ("F", []) | ("F", &[_]) => fortran_strides(&shape)?,
            ("K", &[axes]) => {
                // The buffer has another order of dimensions: numpy transposes it.
                let axes = self.shape(axes)?;
                let stored = strides(&shape)?;
                let transposed = permuted(&stored, &axes)?;
                shape = permuted(&shape, &axes)?;
                transposed
            }
            _ => return None,
        };
        self.view(shape, strides, self.element(element)?, bytes)
    }

    fn number(&self, object: &ObjectNode) -> Option<ArrayView<'a>> {
        let &[element, bytes] = self.arena().as_tuple(object.args)? else {
            return None;
        };
        let view = self.view(vec![], vec![], self.element(element)?, bytes)?;
        Some(ArrayView {
            is_scalar: true,
            ..view
        })
    }

    /// Returns the `array.array` that protocols since 3 have.
    fn array_array(&self, object: &ObjectNode) -> Option<ArrayView<'a>> {
        let arena = self.arena();
        let &[_, _, format, bytes] = arena.as_tuple(object.args)? else {
            return None;
        };
        let Data::Int(format) = arena.data(format) else {
            return None;
        };
        let element = ElementType::of_machine_format(format.int())?;
        let length = self.content(bytes)?.len() / element.size();
        self.view(vec![length], vec![1], element, bytes)
    }

    /// Returns the `array.array` that older protocols have: its elements are a list.
    fn array_of_list(&self, object: &ObjectNode) -> Result<Option<ArrayView<'a>>, Error> {
        let arena = self.arena();
        let Some(&[code, list]) = arena.as_tuple(object.args) else {
            return Ok(None);
        };
        let (Data::Str(code), Data::List(chain)) = (arena.data(code), arena.data(list)) else {
            return Ok(None);
        };
        let Some(element) = ElementType::of_type_code(arena.text(code)) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let mut length = 0;
        for id in arena.chain(chain) {
            self.reader.allow(self.reader.counter.add_values(1), id)?;
            length += 1;
            let stored = match arena.data(id) {
                Data::Int(bits) => element.store_int(bits.int().into(), &mut bytes),
                Data::Long(span) if span.len <= 16 => i128::try_from(arena.long(span))
                    .is_ok_and(|number| element.store_int(number, &mut bytes)),
                Data::Float(bits) => element.store_float(bits.float(), &mut bytes),
                _ => false,
            };
            if !stored {
                return Ok(None);
            }
        }
        Ok(Some(ArrayView {
            shape: vec![length],
            strides: vec![1],
            element,
            bytes: bytes.into(),
            is_scalar: false,
        }))
    }

    fn view(
        &self,
        shape: Vec<usize>,
        strides: Vec<usize>,
        element: ElementType,
        bytes: Id,
    ) -> Option<ArrayView<'a>> {
        Some(ArrayView {
            shape,
            strides,
            element,
            bytes: self.content(bytes)?.into(),
            is_scalar: false,
        })
    }

    /// Returns the content of bytes or of a `bytearray`, which may also be a text in Latin-1 that
    /// was encoded.
    fn content(&self, id: Id) -> Option<&'a [u8]> {
        match self.arena().data(id) {
            Data::Bytes(span) | Data::ByteArray(span) => Some(self.arena().bytes(span)),
            _ => None,
        }
    }

    fn shape(&self, id: Id) -> Option<Vec<usize>> {
        let lengths = self.arena().as_tuple(id)?;
        if lengths.len() > MAX_DIMENSIONS {
            return None;
        }
        let lengths = lengths.iter().map(|id| match self.arena().data(*id) {
            Data::Int(bits) => usize::try_from(bits.int()).ok(),
            _ => None,
        });
        lengths.collect()
    }

    /// Returns the element type of a `numpy.dtype`.
    fn element(&self, id: Id) -> Option<ElementType> {
        let arena = self.arena();
        let Data::Object(index) = arena.data(id) else {
            return None;
        };
        let object = self.object(index);
        if self.class_name(&object)? != ("numpy", "dtype") || object.state == NONE {
            return None;
        }
        let text = |id: Id| match arena.data(id) {
            Data::Str(span) => Some(arena.text(span)),
            _ => None,
        };
        let code = text(*arena.as_tuple(object.args)?.first()?)?;
        let order = text(*arena.as_tuple(object.state)?.get(1)?)?;
        element_type(order, code)
    }
}

/// Returns the strides of an array whose last dimension is contiguous.
fn strides(shape: &[usize]) -> Option<Vec<usize>> {
    let mut strides = fortran_strides(&shape.iter().rev().copied().collect::<Vec<_>>())?;
    strides.reverse();
    Some(strides)
}

/// Returns the strides of an array whose first dimension is contiguous.
fn fortran_strides(shape: &[usize]) -> Option<Vec<usize>> {
    let mut next = 1_usize;
    let strides = shape.iter().map(|length| {
        let stride = next;
        next = next.checked_mul(*length)?;
        Some(stride)
    });
    strides.collect()
}

/// Returns the values in the order of `axes`, if these are a permutation.
fn permuted(values: &[usize], axes: &[usize]) -> Option<Vec<usize>> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    let is_permutation = sorted.into_iter().eq(0..values.len());
    is_permutation.then(|| axes.iter().map(|axis| values[*axis]).collect())
}

impl ArrayView<'_> {
    /// Reads the array as sequences in each other, or the only number.
    pub(super) fn read<'de, V: Visitor<'de>>(
        &self,
        node: &NodeDe<'_, '_>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if usize::from(node.depth) < self.shape.len() {
            node.reader.deeper(0, node.id)?;
        }
        let row = Row {
            view: self,
            node,
            axis: 0,
            start: 0,
        };
        row.deserialize_any(visitor)
    }

    /// Returns the bytes in the order of C or Fortran, and `true` if it is that of Fortran.
    fn contiguous(&self) -> (Cow<'_, [u8]>, bool) {
        if Some(&self.strides) == strides(&self.shape).as_ref() {
            return (Cow::Borrowed(&self.bytes), false);
        }
        if Some(&self.strides) == fortran_strides(&self.shape).as_ref() {
            return (Cow::Borrowed(&self.bytes), true);
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        self.gather(0, 0, &mut bytes);
        (bytes.into(), false)
    }

    fn gather(&self, axis: usize, start: usize, bytes: &mut Vec<u8>) {
        let (Some(length), Some(stride)) = (self.shape.get(axis), self.strides.get(axis)) else {
            bytes.extend_from_slice(self.number(start));
            return;
        };
        // Without elements, there may be very many empty rows.
        if !self.bytes.is_empty() {
            (0..*length).for_each(|index| self.gather(axis + 1, start + index * stride, bytes));
        }
    }

    fn number(&self, index: usize) -> &[u8] {
        let size = self.element.size();
        self.bytes
            .get(index * size..)
            .and_then(|rest| rest.get(..size))
            .unwrap_or_default()
    }
}

/// A part of an array from `start`: a number, or the elements of a dimension.
#[derive(Clone, Copy)]
struct Row<'v, 'n, 'a, 'm> {
    view: &'v ArrayView<'a>,
    node: &'n NodeDe<'a, 'm>,
    axis: usize,
    start: usize,
}

impl<'de> Deserializer<'de> for Row<'_, '_, '_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.axis < self.view.shape.len() {
            return visitor.visit_seq(Rows { row: self, read: 0 });
        }
        self.view
            .element
            .visit(self.view.number(self.start), visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The elements of a dimension.
struct Rows<'v, 'n, 'a, 'm> {
    row: Row<'v, 'n, 'a, 'm>,
    read: usize,
}

impl<'de> SeqAccess<'de> for Rows<'_, '_, '_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Row {
            view,
            node,
            axis,
            start,
        } = self.row;
        if self.read >= view.shape[axis] {
            return Ok(None);
        }
        if axis + 1 < view.shape.len() {
            // A row may have no numbers that are counted.
            node.reader
                .allow(node.reader.counter.add_values(1), node.id)?;
        }
        let element = Row {
            axis: axis + 1,
            start: start + self.read * view.strides[axis],
            ..self.row
        };
        self.read += 1;
        seed.deserialize(element).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.view.shape[self.row.axis] - self.read)
    }
}

/// Deserializer of an array as its parts, for [`Array`](crate::array::Array).
pub(super) struct ArrayParts<'a, 'm>(pub(super) NodeDe<'a, 'm>);

impl<'de> Deserializer<'de> for ArrayParts<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let node = self.0;
        let object = match node.data() {
            Data::Object(index) => node.array(&node.object(index))?,
            _ => None,
        };
        let Some(view) = object.filter(|view| !view.is_scalar) else {
            return Err(node.mismatch(&visitor));
        };
        let (bytes, fortran) = view.contiguous();
        visitor.visit_seq(PartSeq {
            view: &view,
            bytes: &bytes,
            fortran,
            parts: 0,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

struct PartSeq<'v, 'a> {
    view: &'v ArrayView<'a>,
    bytes: &'v [u8],
    fortran: bool,
    parts: u8,
}

impl<'de> SeqAccess<'de> for PartSeq<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.parts += 1;
        let part = match self.parts {
            1 => {
                let lengths = self.view.shape.iter().map(|length| *length as u64);
                seed.deserialize(SeqDeserializer::new(lengths))
            }
            2 => seed.deserialize(self.view.element.to_string().into_deserializer()),
            3 => seed.deserialize(self.fortran.into_deserializer()),
            4 => seed.deserialize(BytesSource(self.bytes)),
            _ => return Ok(None),
        };
        part.map(Some)
    }
}

/// Bytes that are copied by their visitor only.
struct BytesSource<'v>(&'v [u8]);

impl<'de> Deserializer<'de> for BytesSource<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
