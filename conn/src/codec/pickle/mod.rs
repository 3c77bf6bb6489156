//! Python's pickle format, as data only.

mod arena;
mod bytes;
mod check;
mod de;
mod error;
mod machine;
mod memo;
mod names;
mod opcode;
mod reduce;
mod ser;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use rpc_core::FormatError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use value::{Class, Construction, Object, Value};

use super::Codec;

/// Python's pickle format: its settings and limits.
///
/// ```
/// use conn::codec::{Codec, Pickle};
///
/// let mut message = Vec::new();
/// Pickle::default().encode(&("answer", 42), &mut message)?;
/// let (name, number): (String, i32) = Pickle::default().decode(&message)?;
/// assert_eq!((&*name, number), ("answer", 42));
/// # Ok::<(), rpc_core::FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pickle {
    max_depth: u8,
    max_values: usize,
    classes: Arc<Vec<Mapping>>,
}

/// A struct that is written as the instance of a class, and read from one.
#[derive(Clone, Debug)]
struct Mapping {
    class: Class,
    name: String,
}

impl Default for Pickle {
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_values: 1_000_000,
            classes: Arc::default(),
        }
    }
}

impl Pickle {
    /// How deep values may be nested, in what is read and in what is written. Default: 64, which is
    /// more than programs nest their data, and little of any stack.
    #[must_use]
    pub const fn max_depth(mut self, max_depth: u8) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// How many values a pickle may have, counting each element, key and text. Default: 1,000,000.
    ///
    /// What is read into Rust types is counted once more, each time that the pickle refers to it:
    /// types without [`Value::Shared`] hold a copy for each reference, and a short pickle can refer
    /// to itself very often. The texts and bytes that are copied may be as long as the message, and
    /// 64 bytes more for each of these values.
    #[must_use]
    pub const fn max_values(mut self, max_values: usize) -> Self {
        self.max_values = max_values;
        self
    }

    /// Maps a class of Python to the Rust struct of this name (the name that serde knows it by).
    ///
    /// The struct is then written as an instance of the class, and can be read from one. Without
    /// a mapping it is a dict; dicts are read into structs in any case.
    ///
    /// A struct with named fields is an instance with these attributes: Python makes it by
    /// `__new__` without arguments, and then sets its `__dict__` or calls its `__setstate__`. A
    /// tuple struct is an instance made by `__new__` with these arguments, which is how named tuples
    /// are pickled. Either is read from attributes (also those in `__slots__`), or else from the
    /// arguments, by their order.
    ///
    /// Several classes can be read into one struct; it is written as the one that was mapped
    /// first.
    ///
    /// ```
    /// use conn::codec::{Codec, Pickle};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Point { x: i32, y: i32 }
    ///
    /// let pickle = Pickle::default().class("app.models.Point", "Point");
    /// let mut message = Vec::new();
    /// pickle.encode(&Point { x: 1, y: 2 }, &mut message)?; // app.models.Point(x=1, y=2)
    /// let point: Point = pickle.decode(&message)?;
    /// assert!(Pickle::default().decode::<Point>(&message).is_err());
    /// # Ok::<(), rpc_core::FormatError>(())
    /// ```
    #[must_use]
    pub fn class(mut self, class: impl Into<Class>, struct_name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.classes).push(Mapping {
            class: class.into(),
            name: struct_name.into(),
        });
        self
    }
}

impl Codec for Pickle {
    const NAME: &'static str = "pickle";

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        ser::write(self, value, out)
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        de::read(self, message).map_err(FormatError::from)
    }
}
