//! Python's pickle format, as data only.
//!
//! [`Pickle`] reads what CPython writes at protocols 2 to 5 (also what Python 2 writes at protocol
//! 2), straight into Rust types or into a [`Value`]. It writes protocol 4, which every CPython since 3.4
//! reads.
//!
//! # Types
//!
//! | Python | [`Value`] | Rust types, by serde |
//! |---|---|---|
//! | `None` | `None` | `()`, `None`, unit structs |
//! | `bool` | `Bool` | `bool` |
//! | `int` | `Int`, `BigInt` beyond 64 bits | integers of every size, within their range |
//! | `float` | `Float` | floats; an `int` is read into them too |
//! | `complex` | `Complex` | read as a pair of floats |
//! | `str` | `Str`, `SurrogateStr` with lone surrogates | `String`, `char`, unit variants of enums |
//! | `bytes` | `Bytes` | serde's bytes; read into `Vec<u8>` too |
//! | `bytearray` | `ByteArray` | read as `bytes` |
//! | `list` | `List` | sequences |
//! | `tuple` | `Tuple` | tuples, tuple structs; read into sequences too |
//! | `set`, `frozenset` | `Set`, `FrozenSet` | read into sequences, such as a `HashSet` |
//! | `dict` | `Dict` | maps, structs, variants of enums with content |
//! | a class or function | `Class` | |
//! | an instance | `Object` | structs, where [its class is mapped](Pickle::class) |
//! | the same object again | `Shared` | read as an equal copy |
//!
//! Sequences are also read from objects that Python appends to (`deque`), and maps from those that it
//! sets entries in (`OrderedDict`, `defaultdict`), and from a `Counter`. Enums are written as serde's
//! externally tagged ones: `'Dot'`, `{'Circle': 1.5}`, `{'Line': (1, 2)}`, `{'Box': {'width': 3}}`. A
//! `Vec<u8>` is a list of ints, as serde sees it; a field with `#[serde(with = "serde_bytes")]` is
//! `bytes`.
//!
//! What serde reads twice (untagged enums, `flatten`) takes the natural types only, and so cannot
//! contain a `Value`.
//!
//! # Safety
//!
//! In Python, loading a pickle runs what its author wants. Here nothing ever runs: a call is noted
//! as an [`Object`], and only its data is there to be looked at.
//!
//! ```
//! use conn::codec::{Codec, Pickle, pickle::Value};
//!
//! let message = b"\x80\x04cos\nsystem\n\x8c\x08rm -rf /\x85R.";
//! let value: Value = Pickle::default().decode(message)?;
//! assert_eq!(value.to_string(), "os.system('rm -rf /')");
//! # Ok::<(), rpc_core::FormatError>(())
//! ```
//!
//! What is written is loaded by Python, so a `Value` that came from one peer should not be sent to
//! another that trusts this side more.
//!
//! # Limits
//!
//! [Depth](Pickle::max_depth) and [number of values](Pickle::max_values) are limited. The memory for
//! a pickle is proportional to its length, whatever lengths and numbers it names, and references
//! are counted where they make copies. A value that contains itself is an error: neither serde nor
//! a tree has a form for it.
//!
//! # Exceptions
//!
//! ```
//! use conn::codec::{Codec, Pickle, pickle::Value};
//!
//! // pickle.dumps(ValueError('no such colour', 3))
//! let message = b"\x80\x04\x8c\x08builtins\x94\x8c\x0aValueError\x94\x93\x94\
//!     \x8c\x0eno such colour\x94K\x03\x86\x94R\x94.";
//! let value: Value = Pickle::default().decode(message)?;
//! let error = value.as_object().unwrap();
//! assert_eq!(error.class().unwrap().name(), "ValueError");
//! assert_eq!(error.args()[0], "no such colour");
//! # Ok::<(), rpc_core::FormatError>(())
//! ```

mod de;
mod error;
mod known_calls;
mod machine;
mod memo;
mod nesting;
mod nodes;
mod opcode;
mod opcode_reader;
mod python2_names;
mod ser;
#[cfg(test)]
mod tests;
mod value;
mod value_counter;

use std::sync::Arc;

use rpc_core::FormatError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use value::NAME as VALUE;
pub use value::{Class, Construction, Object, Value};

use super::Codec;
use super::limits::CodecLimits;

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
    limits: CodecLimits,
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
            limits: CodecLimits {
                max_depth: 64,
                max_values: 1_000_000,
            },
            classes: Arc::default(),
        }
    }
}

impl Pickle {
    /// How deep values may be nested, in what is read and in what is written. Default: 64, which is
    /// more than programs nest their data, and little of any stack.
    #[must_use]
    pub const fn max_depth(mut self, max_depth: u8) -> Self {
        self.limits.max_depth = max_depth;
        self
    }

    /// How many values a pickle may have, counting each element, key and text. Default: 1,000,000,
    /// as in XML-RPC. The smallest of them, two bytes each, can take some 100 megabytes as a [`Value`].
    ///
    /// What is read is counted once more, each time that the pickle refers to it, whatever it is read as, be it
    /// `None` or ignored: types without [`Value::Shared`] hold a copy for each reference, and a short pickle can
    /// refer to itself very often. For the same reason, texts and bytes that are copied may be no more than 17 times
    /// as long as the message; and once they are longer than the message, each 64 bytes of them count as a
    /// value, as do each 8 numbers that `bytes` are read as.
    #[must_use]
    pub const fn max_values(mut self, max_values: usize) -> Self {
        self.limits.max_values = max_values;
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
