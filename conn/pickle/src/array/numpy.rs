//! The form of an array of numpy for fields with other types than [`Array`]: vectors, which are
//! arrays of one dimension, and the arrays of the crate ndarray (feature `ndarray`).
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Signal {
//!     rate: f64,
//!     #[serde(with = "farcall_pickle::numpy")]
//!     samples: Vec<f32>, // numpy.array(…, dtype='float32')
//! }
//! ```

use serde::de::{Deserializer, Error};
use serde::ser::Serializer;

use super::{Array, Element, read, write};
use crate::names::NewtypeKind;

/// A type that is an array of numpy.
pub trait NumpyArray: Sized {
    /// The type of its elements.
    type Element: Element;

    /// Returns the shape and the elements, in the order of C or, with `true`, of Fortran. Elements
    /// in another order are passed as a copy.
    fn parts(&self) -> (Vec<usize>, bool, std::borrow::Cow<'_, [Self::Element]>);

    /// Creates the value of an array. Returns `None` if it has another number of dimensions.
    fn of_array(array: Array<Self::Element>) -> Option<Self>;
}

impl<T: Element> NumpyArray for Vec<T> {
    type Element = T;

    fn parts(&self) -> (Vec<usize>, bool, std::borrow::Cow<'_, [T]>) {
        (vec![self.len()], false, self.into())
    }

    fn of_array(array: Array<T>) -> Option<Self> {
        (array.shape.len() == 1).then_some(array.elements)
    }
}

/// Serialises a value as an array of numpy.
///
/// # Errors
/// If the serializer fails.
pub fn serialize<A: NumpyArray, S: Serializer>(
    array: &A,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (shape, fortran, elements) = array.parts();
    write(
        NewtypeKind::NumpyArray,
        &shape,
        fortran,
        &elements,
        serializer,
    )
}

/// Deserialises a value from an array of numpy, or from an `array.array`.
///
/// # Errors
/// If it is not an array, or one with other elements or another number of dimensions.
pub fn deserialize<'de, A: NumpyArray, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<A, D::Error> {
    let array = read(NewtypeKind::NumpyArray, deserializer)?;
    let dimensions = array.shape.len();
    A::of_array(array).ok_or_else(|| {
        Error::custom(format_args!(
            "the array has {dimensions} dimensions, which its type does not have"
        ))
    })
}
