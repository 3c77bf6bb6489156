//! Universally unique identifiers.

use std::fmt;

use super::{PythonType, is_instance, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A `uuid.UUID`, as its number. It converts to `uuid::Uuid` with the feature `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

/// Displays the usual form: five groups of hexadecimal digits.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        let (low, mid, high) = (bits >> 96, bits >> 80 & 0xffff, bits >> 64 & 0xffff);
        let (clock, node) = (bits >> 48 & 0xffff, bits & 0xffff_ffff_ffff);
        write!(f, "{low:08x}-{mid:04x}-{high:04x}-{clock:04x}-{node:012x}")
    }
}

impl PythonType for Uuid {
    const CLASS: &'static str = "uuid.UUID";

    fn to_python(&self) -> Result<Value, Error> {
        let state = Value::dict([("int", self.0)]);
        Ok(Object::new(Self::CLASS).with_state(state).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let object = value.as_object();
        let Some(object) = object.filter(|object| is_instance(object, "uuid", "UUID")) else {
            return Err(other_class::<Self>(&value));
        };
        let number = object.attribute("int").and_then(Value::as_big_int);
        number
            .and_then(|number| u128::try_from(number).ok())
            .map(Self)
            .ok_or_else(|| out_of_range(Self::CLASS, "its number does not fit 128 bits"))
    }
}

/// A `uuid.UUID`.
#[cfg(feature = "uuid")]
impl PythonType for ::uuid::Uuid {
    const CLASS: &'static str = Uuid::CLASS;

    fn to_python(&self) -> Result<Value, Error> {
        Uuid(self.as_u128()).to_python()
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        Uuid::from_python(value).map(|uuid| Self::from_u128(uuid.0))
    }
}

#[cfg(feature = "uuid")]
impl From<::uuid::Uuid> for Uuid {
    fn from(uuid: ::uuid::Uuid) -> Self {
        Self(uuid.as_u128())
    }
}

#[cfg(feature = "uuid")]
impl From<Uuid> for ::uuid::Uuid {
    fn from(uuid: Uuid) -> Self {
        Self::from_u128(uuid.0)
    }
}
