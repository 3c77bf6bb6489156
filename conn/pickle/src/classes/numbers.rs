//! Fractions, complex numbers, ranges and slices.

use std::fmt;

use num_bigint::BigInt;

use super::{PythonType, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A `fractions.Fraction`, as it was written: Python writes reduced ones only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: BigInt,
    denominator: BigInt,
}

impl Fraction {
    /// Creates a fraction. Returns `None` if the denominator is not positive. It is not reduced
    /// here; Python reduces it.
    #[must_use]
    pub fn new(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Option<Self> {
        let denominator = denominator.into();
        (denominator > BigInt::ZERO).then(|| Self {
            numerator: numerator.into(),
            denominator,
        })
    }

    /// Returns the number above the line.
    #[must_use]
    pub const fn numerator(&self) -> &BigInt {
        &self.numerator
    }

    /// Returns the number below the line, which is positive.
    #[must_use]
    pub const fn denominator(&self) -> &BigInt {
        &self.denominator
    }
}

/// Displays the fraction as Python does: `22/7`.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Maximum digits of the text of a fraction, which Python wrote up to 3.9: the limit that Python
/// itself has for the conversion of texts to integers.
const MAX_DIGITS: usize = 4300;

impl PythonType for Fraction {
    const CLASS: &'static str = "fractions.Fraction";

    fn to_python(&self) -> Result<Value, Error> {
        let parts = [
            self.numerator.clone().into(),
            self.denominator.clone().into(),
        ];
        Ok(Object::call(Self::CLASS).with_args(parts).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let parts = match arguments(&value, "fractions", "Fraction") {
            Some([text]) => text.as_str().and_then(|text| {
                let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
                let parse = |digits: &str| {
                    (digits.len() <= MAX_DIGITS).then(|| digits.parse::<BigInt>().ok())?
                };
                Some((parse(numerator)?, parse(denominator)?))
            }),
            Some([numerator, denominator]) => numerator.as_big_int().zip(denominator.as_big_int()),
            _ => return Err(other_class::<Self>(&value)),
        };
        parts
            .and_then(|(numerator, denominator)| Self::new(numerator, denominator))
            .ok_or_else(|| out_of_range(Self::CLASS, "its parts are not those of a fraction"))
    }
}

/// A `complex`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// The real part.
    pub real: f64,
    /// The imaginary part.
    pub imaginary: f64,
}

impl PythonType for Complex {
    const CLASS: &'static str = "complex";

    fn to_python(&self) -> Result<Value, Error> {
        Ok(Value::Complex(self.real, self.imaginary))
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        match value.unshared() {
            Value::Complex(real, imaginary) => Ok(Self {
                real: *real,
                imaginary: *imaginary,
            }),
            other => Err(other_class::<Self>(other)),
        }
    }
}

/// A `range`, with numbers of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The first number.
    pub start: i64,
    /// The number at which it ends, and which it does not include.
    pub stop: i64,
    /// The distance between its numbers, which is not zero.
    pub step: i64,
}

impl PythonType for Range {
    const CLASS: &'static str = "range";

    fn to_python(&self) -> Result<Value, Error> {
        if self.step == 0 {
            return Err(out_of_range(Self::CLASS, "its step is zero"));
        }
        let parts = [self.start.into(), self.stop.into(), self.step.into()];
        Ok(Object::call(Self::CLASS).with_args(parts).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some([start, stop, step]) = arguments(&value, "builtins", "range") else {
            return Err(other_class::<Self>(&value));
        };
        let parts = (start.as_i64(), stop.as_i64(), step.as_i64());
        match parts {
            (Some(start), Some(stop), Some(step)) if step != 0 => Ok(Self { start, stop, step }),
            _ => Err(out_of_range(Self::CLASS, "its numbers do not fit 64 bits")),
        }
    }
}

/// A `slice` of numbers of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first index, if it has one.
    pub start: Option<i64>,
    /// The index at which it ends, if it has one.
    pub stop: Option<i64>,
    /// The distance between its indices, if it has one.
    pub step: Option<i64>,
}

impl PythonType for Slice {
    const CLASS: &'static str = "slice";

    fn to_python(&self) -> Result<Value, Error> {
        let parts = [self.start, self.stop, self.step].map(Value::from);
        Ok(Object::call(Self::CLASS).with_args(parts).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some([start, stop, step]) = arguments(&value, "builtins", "slice") else {
            return Err(other_class::<Self>(&value));
        };
        let part = |value: &Value| match value.as_i64() {
            None if !value.is_none() => Err(out_of_range(
                Self::CLASS,
                "it is not one of numbers of 64 bits",
            )),
            part => Ok(part),
        };
        Ok(Self {
            start: part(start)?,
            stop: part(stop)?,
            step: part(step)?,
        })
    }
}

/// An `int` of any size.
impl PythonType for BigInt {
    const CLASS: &'static str = "int";

    fn to_python(&self) -> Result<Value, Error> {
        Ok(self.clone().into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        value
            .as_big_int()
            .ok_or_else(|| other_class::<Self>(&value))
    }
}
