//! Arrays of numbers: those of numpy, and `array.array`.

pub mod array_array;
mod element;
#[cfg(feature = "ndarray")]
mod ndarray;
pub mod numpy;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

pub use element::{Element, F16};
pub(crate) use element::{ElementType, element_type, type_code};

use crate::names::NewtypeKind;
use crate::value::BytesRef;

/// An array of numpy with any number of dimensions, as its numbers and their order.
///
/// It is read with one copy of its bytes, and written with one. The type of the elements must be
/// that of the array, in either byte order. As sequences, such as `Vec<Vec<f64>>`, arrays are read
/// into any type of numbers that fits, number by number.
///
/// ```
/// use farcall_pickle::{Array, from_slice, to_vec};
///
/// // numpy.array([[1, 2, 3], [4, 5, 6]], dtype='f8')
/// let array = Array::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
/// let same: Array<f64> = from_slice(&to_vec(&array)?)?;
/// assert_eq!(same, array);
/// let rows: Vec<Vec<f32>> = from_slice(&to_vec(&array)?)?;
/// assert_eq!(rows[1], [4.0, 5.0, 6.0]);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    shape: Vec<usize>,
    order: Order,
    elements: Vec<T>,
}

/// The order of the elements of an [`Array`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last index changes fastest, as in C.
    #[default]
    C,
    /// The first index changes fastest, as in Fortran.
    Fortran,
}

impl<T> Array<T> {
    /// Creates an array of this shape, with its elements in the order of C. Returns `None` if their
    /// number is not that of the shape.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>, elements: Vec<T>) -> Option<Self> {
        Self::with_order(shape, Order::C, elements)
    }

    /// Creates an array of this shape, with its elements in this order. Returns `None` if their
    /// number is not that of the shape.
    #[must_use]
    pub fn with_order(
        shape: impl Into<Vec<usize>>,
        order: Order,
        elements: Vec<T>,
    ) -> Option<Self> {
        let shape = shape.into();
        let count = shape
            .iter()
            .try_fold(1_usize, |product, length| product.checked_mul(*length));
        (count == Some(elements.len())).then_some(Self {
            shape,
            order,
            elements,
        })
    }

    /// Returns the length of each dimension.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the order of the elements.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// Returns the elements, in their order.
    #[must_use]
    pub fn elements(&self) -> &[T] {
        &self.elements
    }

    /// Returns the elements, in their order, without a copy.
    #[must_use]
    pub fn into_elements(self) -> Vec<T> {
        self.elements
    }
}

/// Creates an array of one dimension.
impl<T> From<Vec<T>> for Array<T> {
    fn from(elements: Vec<T>) -> Self {
        Self {
            shape: vec![elements.len()],
            order: Order::C,
            elements,
        }
    }
}

impl<T: Element> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fortran = self.order == Order::Fortran;
        write(
            NewtypeKind::NumpyArray,
            &self.shape,
            fortran,
            &self.elements,
            serializer,
        )
    }
}

impl<'de, T: Element> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(NewtypeKind::NumpyArray, deserializer)
    }
}

/// Serialises an array as its parts.
fn write<T: Element, S: Serializer>(
    kind: NewtypeKind,
    shape: &[usize],
    fortran: bool,
    elements: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let order = if size_of::<T>() == 1 { '|' } else { '<' };
    let code = format!("{order}{}", T::CODE);
    let bytes = T::to_bytes(elements);
    let parts = (shape, code, fortran, BytesRef(&bytes));
    serializer.serialize_newtype_struct(kind.name(), &parts)
}

/// Deserialises an array from its parts.
fn read<'de, T: Element, D: Deserializer<'de>>(
    kind: NewtypeKind,
    deserializer: D,
) -> Result<Array<T>, D::Error> {
    deserializer.deserialize_newtype_struct(kind.name(), PartsVisitor(PhantomData))
}

struct PartsVisitor<T>(PhantomData<T>);

impl<'de, T: Element> Visitor<'de> for PartsVisitor<T> {
    type Value = Array<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array with elements of type {}", T::CODE)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Array<T>, D::Error> {
        source.deserialize_tuple(4, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Array<T>, A::Error> {
        let missing = || de::Error::custom("a part of an array is missing");
        let shape: Vec<u64> = seq.next_element()?.ok_or_else(missing)?;
        let code: String = seq.next_element()?.ok_or_else(missing)?;
        let (order, code) = code.split_at_checked(1).unwrap_or_default();
        if code != T::CODE {
            return Err(de::Error::custom(format_args!(
                "expected an array with elements of type {}, found {code}",
                T::CODE
            )));
        }
        let fortran: bool = seq.next_element()?.ok_or_else(missing)?;
        let elements = ElementsSeed {
            big_endian: order == ">",
            element: PhantomData,
        };
        let elements = seq.next_element_seed(elements)?.ok_or_else(missing)?;
        let shape: Result<Vec<usize>, _> = shape.into_iter().map(usize::try_from).collect();
        let order = if fortran { Order::Fortran } else { Order::C };
        let array = Array::with_order(shape.unwrap_or_default(), order, elements);
        array.ok_or_else(|| de::Error::custom("the bytes of an array do not fit its shape"))
    }
}

/// Seed of the elements, which are copied from their bytes once.
struct ElementsSeed<T> {
    big_endian: bool,
    element: PhantomData<T>,
}

impl<'de, T: Element> de::DeserializeSeed<'de> for ElementsSeed<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Vec<T>, D::Error> {
        source.deserialize_bytes(self)
    }
}

impl<'de, T: Element> Visitor<'de> for ElementsSeed<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of an array")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<T>, E> {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(E::custom("the bytes of an array end within an element"));
        }
        Ok(T::of_bytes(bytes, self.big_endian))
    }

    /// Reads the bytes from a format that writes them as numbers, such as JSON.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
