//! The form of an `array.array` for vectors of numbers.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Signal {
//!     #[serde(with = "farcall_pickle::array_array")]
//!     samples: Vec<f64>, // array.array('d', …)
//! }
//! ```

use serde::de::{Deserializer, Error};
use serde::ser::Serializer;

use super::{Element, read, write};
use crate::names::NewtypeKind;

/// Serialises a vector as an `array.array`.
///
/// # Errors
/// If `array.array` has no elements of this type, such as `bool`.
pub fn serialize<T: Element, S: Serializer>(
    elements: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let shape = [elements.len()];
    write(NewtypeKind::ArrayArray, &shape, false, elements, serializer)
}

/// Deserialises a vector from an `array.array`, or from an array of numpy with one dimension.
///
/// # Errors
/// If it is not an array, or one with other elements or more dimensions.
pub fn deserialize<'de, T: Element, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let array = read(NewtypeKind::ArrayArray, deserializer)?;
    match array.shape[..] {
        [_] => Ok(array.elements),
        _ => Err(Error::custom("the array does not have one dimension")),
    }
}
