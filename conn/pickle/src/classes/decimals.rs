//! Decimal numbers.

use std::fmt;
use std::str::FromStr;

use super::{PythonType, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A `decimal.Decimal`, as its text: Python's decimals have any number of digits, `NaN` and
/// `Infinity`.
///
/// It converts to `rust_decimal::Decimal` with the feature `rust_decimal`, for numbers that fit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal(String);

/// Maximum length of the text, which fits each of the numbers that programs compute with. Python
/// takes more than linear time for longer ones.
const MAX_LENGTH: usize = 4300;

impl Decimal {
    /// Returns its text, as Python writes it: `-1.50`, `1E+10`, `NaN`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Parses a text that Python accepts: digits with a point and an exponent, `Infinity`, `NaN` or
/// `sNaN`, after an optional sign.
impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() <= MAX_LENGTH && is_decimal(text) {
            return Ok(Self(text.to_owned()));
        }
        let text = crate::error::quoted(text);
        Err(out_of_range(
            Self::CLASS,
            format_args!("{text:?} is not a decimal number"),
        ))
    }
}

/// Returns `true` if the text is a `numeric-string` of the General Decimal Arithmetic
/// Specification.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    if matches!(&*lower, "inf" | "infinity") {
        return true;
    }
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((_, payload)) = lower
        .split_once("nan")
        .filter(|(sign, _)| matches!(*sign, "" | "s"))
    {
        return all_digits(payload);
    }
    let (digits, exponent) = match lower.split_once('e') {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (&*lower, None),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    all_digits(whole)
        && all_digits(fraction)
        && whole.len() + fraction.len() > 0
        && exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PythonType for Decimal {
    const CLASS: &'static str = "decimal.Decimal";

    fn to_python(&self) -> Result<Value, Error> {
        let text = self.as_str().into();
        Ok(Object::call(Self::CLASS).with_args([text]).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        match arguments(&value, "decimal", "Decimal") {
            Some([text]) => text.as_str().unwrap_or_default().parse(),
            _ => Err(other_class::<Self>(&value)),
        }
    }
}

/// A `decimal.Decimal`. One that does not fit 96 bits and 28 digits behind the point is an error.
#[cfg(feature = "rust_decimal")]
impl PythonType for rust_decimal::Decimal {
    const CLASS: &'static str = Decimal::CLASS;

    fn to_python(&self) -> Result<Value, Error> {
        Decimal(self.to_string()).to_python()
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        (&Decimal::from_python(value)?).try_into()
    }
}

#[cfg(feature = "rust_decimal")]
impl From<rust_decimal::Decimal> for Decimal {
    fn from(number: rust_decimal::Decimal) -> Self {
        Self(number.to_string())
    }
}

#[cfg(feature = "rust_decimal")]
impl TryFrom<&Decimal> for rust_decimal::Decimal {
    type Error = Error;

    fn try_from(number: &Decimal) -> Result<Self, Error> {
        let text = number.as_str();
        let parsed = if text.contains(['e', 'E']) {
            Self::from_scientific(text).ok()
        } else {
            Self::from_str_exact(text).ok()
        };
        parsed.ok_or_else(|| {
            let text = crate::error::quoted(text);
            out_of_range(
                Decimal::CLASS,
                format_args!("rust_decimal cannot represent {text}"),
            )
        })
    }
}
