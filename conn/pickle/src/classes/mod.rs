//! Rust types for classes of Python's standard library.

#[cfg(feature = "chrono")]
mod chrono;
mod constants;
mod containers;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
mod conversions;
mod date;
mod datetime;
mod decimals;
mod exception;
#[cfg(feature = "jiff")]
mod jiff;
mod network;
mod numbers;
mod path;
mod time;
#[cfg(feature = "time")]
mod time_crate;
mod timedelta;
mod uuid;
mod zone;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{self, Serialize, Serializer};

pub use date::Date;
pub use datetime::DateTime;
pub use decimals::Decimal;
pub use exception::Exception;
pub use network::{IpInterface, IpNetwork};
pub use numbers::{Complex, Fraction, Range, Slice};
pub use path::{Path, PathClass};
pub use time::Time;
pub use timedelta::TimeDelta;
pub use uuid::Uuid;
pub use zone::Zone;

use crate::error::Error;
use crate::value::{NAME, Object, Value, ValueVisitor};

/// A Rust type that is an instance of a class in Python.
///
/// The types of this crate, such as [`DateTime`], are serialised as such by themselves. For types
/// of other crates, whose form in serde is another one, there is [`Py`], and the module
/// [`python`](crate::python) for the attribute `with` of a field:
///
/// ```
/// use std::net::Ipv4Addr;
/// use std::time::Duration;
///
/// use farcall_pickle::{Py, from_slice, to_vec};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Host {
///     #[serde(with = "farcall_pickle::python")]
///     address: Ipv4Addr, // ipaddress.IPv4Address
///     #[serde(with = "farcall_pickle::python")]
///     timeout: Option<Duration>, // datetime.timedelta
/// }
///
/// let message = to_vec(&Py(Ipv4Addr::LOCALHOST))?;
/// assert_eq!(from_slice::<Py<Ipv4Addr>>(&message)?.0, Ipv4Addr::LOCALHOST);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
pub trait PythonType: Sized {
    /// The name of the class, for error messages: `datetime.date`.
    const CLASS: &'static str;

    /// Returns the instance.
    ///
    /// # Errors
    /// If the class cannot represent the value, such as a year beyond 9999.
    fn to_python(&self) -> Result<Value, Error>;

    /// Creates the Rust value of an instance.
    ///
    /// # Errors
    /// If it is not an instance of the class, or one that the type cannot represent.
    fn from_python(value: Value) -> Result<Self, Error>;
}

/// A value that is serialised as an instance in Python, for types whose form in serde is another
/// one. See [`PythonType`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Py<T>(pub T);

impl<T: PythonType> Serialize for Py<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de, T: PythonType> Deserialize<'de> for Py<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// Serialises a value as an instance in Python.
///
/// # Errors
/// If its class cannot represent the value.
pub fn serialize<T: PythonType, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let value = value.to_python().map_err(ser::Error::custom)?;
    value.serialize(serializer)
}

/// Deserialises a value from an instance of Python.
///
/// # Errors
/// If it is not an instance of its class, or one that the type cannot represent.
pub fn deserialize<'de, T: PythonType, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(NAME, PythonVisitor(PhantomData))
}

/// Visitor of a [`Value`] that is converted where it is read, so that an error has its position.
struct PythonVisitor<T>(PhantomData<T>);

impl<'de, T: PythonType> Visitor<'de> for PythonVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::CLASS)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<T, D::Error> {
        let value = ValueVisitor.visit_newtype_struct(source)?;
        T::from_python(value).map_err(|error| de::Error::custom(error.message()))
    }
}

/// Makes types of this crate serialisable as instances in Python.
macro_rules! serialised_as_python {
    ($($type:ty)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize(deserializer)
            }
        }
    )*};
}

serialised_as_python! {
    Complex Date DateTime Decimal Exception Fraction IpInterface IpNetwork Path Range Slice Time
    TimeDelta Uuid Zone
}

/// Creates the error for a value that is not an instance of this class.
#[cold]
fn other_class<T: PythonType>(found: &Value) -> Error {
    de::Error::custom(format_args!(
        "expected {}, found {}",
        T::CLASS,
        found.kind()
    ))
}

/// Creates the error for a value that is out of the range of a class or of a type.
#[cold]
fn out_of_range(class: &str, reason: impl fmt::Display) -> Error {
    de::Error::custom(format_args!("{class}: {reason}"))
}

/// Returns the arguments of the instance, if it is one of a class with this name.
fn arguments<'v>(value: &'v Value, module: &str, name: &str) -> Option<&'v [Value]> {
    let object = value.as_object()?;
    is_instance(object, module, name).then(|| object.args())
}

fn is_instance(object: &Object, module: &str, name: &str) -> bool {
    let class = object.class();
    class.is_some_and(|class| class.module() == module && class.name() == name)
}
