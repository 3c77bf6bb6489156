//! Python's pickle format, restricted to data: pickles are read and written, and nothing in them is
//! ever executed.
//!
//! [`from_slice`] reads pickles of CPython at protocols 0 to 5, and of Python 2 at protocol 2,
//! directly into serde's types or into a [`Value`]. [`to_vec`] writes protocol 4, which every
//! CPython since 3.4 reads. [`Pickle`] does both with other limits than the defaults, and with
//! structs as instances of Python classes.
//!
//! ```
//! use std::collections::HashMap;
//!
//! // pickle.dumps({'x': [1, 2], 'y': []})
//! let message = b"\x80\x04\x95\x17\0\0\0\0\0\0\0}\x94(\
//!     \x8c\x01x\x94]\x94(K\x01K\x02e\x8c\x01y\x94]\x94u.";
//! let lists: HashMap<String, Vec<u32>> = farcall_pickle::from_slice(message)?;
//! assert_eq!(lists["x"], [1, 2]);
//!
//! // Python reads it by pickle.loads(…).
//! let message = farcall_pickle::to_vec(&("answer", 42))?;
//! assert_eq!(farcall_pickle::from_slice::<(String, i32)>(&message)?.1, 42);
//! # Ok::<(), farcall_pickle::Error>(())
//! ```
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
//! | `str` | `Str`; `SurrogateStr` with lone surrogates | `String`, `char`, unit enum variants |
//! | `bytes` | `Bytes` | serde's bytes; read into `Vec<u8>` too |
//! | `bytearray` | `ByteArray` | read as `bytes` |
//! | `list` | `List` | sequences |
//! | `tuple` | `Tuple` | tuples, tuple structs; read into sequences too |
//! | `set`, `frozenset` | `Set`, `FrozenSet` | read into sequences, such as a `HashSet` |
//! | `dict` | `Dict` | maps, structs, variants of enums with content |
//! | a class or function | `Class` | |
//! | an instance | `Object` | structs and enums with [a class](macro@pickle), or where [it is mapped](Pickle::class) |
//! | `datetime`, `Decimal`, `UUID`, … | `Object` | [`DateTime`], [`Decimal`], [`Uuid`], … ([`PythonType`]) |
//! | an array of numpy, `array.array` | `Object` | [`Array`], and more types by [`numpy`] and [`array_array`] |
//! | the same object again | `Shared` | read as an equal copy |
//!
//! Sequences are also read from objects that Python appends to (`deque`). Maps are also read from
//! objects that Python sets entries in (`OrderedDict`, `defaultdict`), and from a `Counter`. Enums
//! are written in serde's externally tagged form: `'Dot'`, `{'Circle': 1.5}`, `{'Line': (1, 2)}`,
//! `{'Box': {'width': 3}}`. Sets, deques and other kinds of collections are written by modules for
//! the attribute `with`: [`set`], [`frozenset`], [`tuple`](mod@tuple), [`deque`], [`ordered_dict`],
//! [`counter`], [`bytearray`]. A `Vec<u8>` is a list of ints, as in serde's data model; a field
//! with `#[serde(with = "serde_bytes")]` is `bytes`.
//!
//! Types that serde buffers before it reads them (untagged enums, `flatten`) support serde's own
//! data model only, and so cannot contain a `Value`.
//!
//! # Safety
//!
//! In Python, loading a pickle runs any code that its author chooses. This crate never runs
//! anything: it represents a call as an [`Object`], which is data only.
//!
//! ```
//! use farcall_pickle::Value;
//!
//! let message = b"\x80\x04cos\nsystem\n\x8c\x08rm -rf /\x85R.";
//! let value: Value = farcall_pickle::from_slice(message)?;
//! assert_eq!(value.to_string(), "os.system('rm -rf /')");
//! # Ok::<(), farcall_pickle::Error>(())
//! ```
//!
//! Python loads the pickles that this crate writes, so do not send a `Value` from one peer to
//! another that trusts the local side more than that peer.
//!
//! # Limits
//!
//! [Depth](Pickle::max_depth) and [number of values](Pickle::max_values) are limited. The memory
//! for a pickle is proportional to its length, whatever lengths and memo numbers it contains, and
//! references are counted where they make copies. A value that contains itself is an error: neither
//! serde nor a tree can represent it.
//!
//! # Exceptions
//!
//! ```
//! use farcall_pickle::Value;
//!
//! // pickle.dumps(ValueError('no such colour', 3))
//! let message = b"\x80\x04\x8c\x08builtins\x94\x8c\x0aValueError\x94\x93\x94\
//!     \x8c\x0eno such colour\x94K\x03\x86\x94R\x94.";
//! let value: Value = farcall_pickle::from_slice(message)?;
//! let error = value.as_object().unwrap();
//! assert_eq!(error.class().unwrap().name(), "ValueError");
//! assert_eq!(error.args()[0], "no such colour");
//! # Ok::<(), farcall_pickle::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod array;
mod classes;
mod containers;
mod de;
mod error;
mod machine;
mod memo;
mod names;
mod nesting;
mod nodes;
mod opcode;
mod opcode_reader;
mod python2_names;
mod raw;
mod ser;
#[cfg(test)]
mod tests;
mod value;
mod value_counter;

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use array::{Array, Element, F16, Order, array_array, numpy};
pub use classes::{
    Complex, Date, DateTime, Decimal, Exception, Fraction, IpInterface, IpNetwork, Path, PathClass,
    Py, PythonType, Range, Slice, Time, TimeDelta, Uuid, Zone,
};
pub use containers::{bytearray, counter, deque, frozenset, ordered_dict, set, tuple};
pub use error::{Error, ErrorKind};
/// Makes a struct or an enum an instance of a class in Python, in both directions, by the names
/// that its serde implementations pass on. It belongs before the derive macros of serde.
///
/// ```
/// use farcall_pickle::{Value, from_slice, pickle, to_vec};
/// use serde::{Deserialize, Serialize};
///
/// #[pickle(class = "shop.models.Order")]
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// struct Order {
///     id: u64,
///     status: Status,
/// }
///
/// #[pickle(class = "shop.models.Status")]
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// #[serde(rename_all = "UPPERCASE")]
/// enum Status {
///     Open = 1,
///     Paid = 2,
/// }
///
/// let order = Order { id: 7, status: Status::Paid };
/// let message = to_vec(&order)?; // shop.models.Order(id=7, status=shop.models.Status.PAID)
/// assert_eq!(from_slice::<Order>(&message)?, order);
/// let value: Value = from_slice(&message)?;
/// assert_eq!(value.as_object().unwrap().class().unwrap().to_string(), "shop.models.Order");
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
///
/// # Options
/// - `class`: the class, as in [`Class::from`].
/// - `form`: the way in which Python gets the fields. Without it, named fields are the attributes
///   of an instance that is created without `__init__`, as dataclasses and plain classes are
///   pickled, and unnamed fields are the arguments of `__new__`, as named tuples are pickled.
///
///   | form | Python |
///   |---|---|
///   | `call` | a call of the class with the fields in their order: exceptions, any dataclass |
///   | `new` | a call of `__new__` with the fields in their order: named tuples |
///   | `slots` | attributes in `__slots__` |
///   | `fields` | the state of a frozen dataclass with `slots=True`, which has a list of its fields |
///
///   Reading accepts all of these forms.
///
/// An enum with a class is a Python enum: a variant is written by its name, and read by its name or
/// by its value, which is the number after it or `#[pickle(value = "…")]`. `#[serde(rename_all)]`
/// makes the names those of Python.
///
/// The variants of an enum without a class can have one each, with a form: then the class of an
/// instance chooses the variant. The form `content` is one of a variant whose only field is itself
/// an instance of that class.
///
/// ```
/// use farcall_pickle::{from_slice, pickle, to_vec};
/// use serde::{Deserialize, Serialize};
///
/// #[pickle]
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// enum Failure {
///     #[pickle(class = "KeyError", form = "call")]
///     Key(String),
///     #[pickle(class = "shop.errors.OutOfStock", form = "call")]
///     OutOfStock { item: String, left: u32 },
/// }
///
/// let failure = Failure::Key("colour".to_owned());
/// assert_eq!(from_slice::<Failure>(&to_vec(&failure)?)?, failure); // KeyError('colour')
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[cfg(feature = "derive")]
pub use farcall_macros::pickle;
pub use raw::{RawMessage, RawPart, RawValue};
#[doc(hidden)]
pub use value::NAME as VALUE_NAME;
pub use value::{Class, Construction, Object, Value};

/// Functions for the attribute `with` of serde, which make a field of another crate's type an
/// instance of a class in Python: see [`PythonType`].
pub mod python {
    pub use crate::classes::{deserialize, serialize};
}

/// Decodes a pickle, with the [default](Pickle) limits and without mapped classes. The value must
/// take up the whole message.
///
/// # Errors
/// If the pickle is malformed, breaks a limit, or does not fit the type.
pub fn from_slice<T: DeserializeOwned>(message: &[u8]) -> Result<T, Error> {
    Pickle::default().decode(message)
}

/// Encodes a value as a pickle, with the [default](Pickle) limits and without mapped classes.
///
/// # Errors
/// If the value cannot be represented as a pickle.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    Pickle::default().to_vec(value)
}

/// Bytes that are reserved for a value before it is encoded.
const SMALL: usize = 64;

/// Settings and limits for reading and writing pickles.
///
/// ```
/// use farcall_pickle::{ErrorKind, Pickle};
///
/// let pickle = Pickle::default().max_values(100);
/// let message = pickle.to_vec(&vec!["a"; 1000])?;
/// let error = pickle.decode::<Vec<String>>(&message).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Limit);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Pickle {
    max_depth: u8,
    max_values: usize,
    classes: Arc<Vec<Mapping>>,
}

/// Mapping of a struct to a class: the struct is written as an instance of the class, and read from
/// one.
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
    /// Maximum depth of nested values, for decoding and encoding. Default: 64, which is more than
    /// programs nest their data, and takes little of any stack. At most 255, which fits the stack
    /// of a thread.
    pub const fn max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = if max_depth < 255 {
            max_depth as u8
        } else {
            255
        };
        self
    }

    /// Maximum number of values in a decoded pickle, including each element, key and text. Default:
    /// 1,000,000, as in XML-RPC. As a [`Value`], 1,000,000 of the smallest values, two bytes each,
    /// can take about 100 megabytes.
    ///
    /// Decoding also counts each reference to a value, whatever type the value is read as, and also
    /// if it is `None` or ignored: types without [`Value::Shared`] hold a copy for each reference,
    /// and a short pickle can contain very many references. For the same reason, copied texts and
    /// bytes may be at most 17 times as long as the message. Once they are longer than the message,
    /// every 64 bytes of them count as a value. So do every 8 numbers read from `bytes`, beyond one
    /// number for each byte of the message.
    pub const fn max_values(mut self, max_values: usize) -> Self {
        self.max_values = max_values;
        self
    }

    /// Maps a Python class to the Rust struct of this name (its name in serde).
    ///
    /// The struct is then written as an instance of the class, and can be read from one. Without
    /// a mapping it is written as a dict; dicts are read into structs in any case.
    ///
    /// A struct with named fields is an instance with these attributes: Python creates it by
    /// `__new__` without arguments, and then sets its `__dict__` or calls its `__setstate__`. A
    /// tuple struct is an instance created by `__new__` with these arguments, which is how named
    /// tuples are pickled.
    ///
    /// A struct with named fields is read from the attributes (including those in `__slots__`) or,
    /// if there are none, from the arguments in their order. A tuple struct is read from the
    /// arguments.
    ///
    /// Several classes can be mapped to one struct; it is written as an instance of the class that
    /// was mapped first.
    ///
    /// ```
    /// use farcall_pickle::Pickle;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Point { x: i32, y: i32 }
    ///
    /// let pickle = Pickle::default().class("app.models.Point", "Point");
    /// let message = pickle.to_vec(&Point { x: 1, y: 2 })?; // app.models.Point(x=1, y=2)
    /// let point: Point = pickle.decode(&message)?;
    /// assert!(Pickle::default().decode::<Point>(&message).is_err());
    /// # Ok::<(), farcall_pickle::Error>(())
    /// ```
    pub fn class(mut self, class: impl Into<Class>, struct_name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.classes).push(Mapping {
            class: class.into(),
            name: struct_name.into(),
        });
        self
    }

    /// Appends the encoded value to `out`. After an error, the bytes appended so far are invalid.
    ///
    /// # Errors
    /// If the value cannot be represented as a pickle.
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        // Room for most values at once, not in steps.
        out.reserve(SMALL);
        ser::write(self, value, out)
    }

    /// Encodes a value as a pickle.
    ///
    /// # Errors
    /// If the value cannot be represented as a pickle.
    pub fn to_vec<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, Error> {
        let mut message = Vec::new();
        self.encode(value, &mut message)?;
        Ok(message)
    }

    /// Decodes a pickle. The value must take up the whole message.
    ///
    /// # Errors
    /// If the pickle is malformed, breaks a limit, or does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, Error> {
        de::read(self, message)
    }
}
