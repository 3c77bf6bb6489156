//! Conversion between JSON and Python values.

use farcall::pickle;
use num_bigint::BigInt;

use super::{Json, Number, double};

/// Maximum number of values in a Python value that is converted.
const MAX_PARTS: usize = 1_000_000;

/// Maximum bits of a Python integer: the time to write it is quadratic in its length.
const MAX_BITS: u64 = 1_000_000;

impl Json {
    /// Converts the value to Python, whose integers have any size.
    pub(crate) fn to_python(&self) -> Result<pickle::Value, String> {
        use pickle::Value as Python;

        Ok(match self {
            Self::Null => Python::None,
            Self::Bool(truth) => Python::Bool(*truth),
            Self::Number(digits) => match Number::of(digits) {
                Number::Signed(number) => Python::Int(number),
                Number::Unsigned(number) => Python::BigInt(number.into()),
                Number::Double(number) if number.is_finite() => Python::Float(number),
                Number::Double(_) => {
                    return Err(format!("{digits} is beyond the range of a double"));
                }
                Number::OutOfRange => {
                    let number: Result<BigInt, _> = digits.parse();
                    Python::BigInt(number.map_err(|error| format!("{digits}: {error}"))?)
                }
            },
            Self::String(text) => Python::Str(text.clone()),
            Self::Bytes(bytes) => Python::Bytes(bytes.clone()),
            Self::Array(values) => {
                let values = values.iter().map(Self::to_python);
                Python::List(values.collect::<Result<_, _>>()?)
            }
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| Ok((Python::Str(name.clone()), value.to_python()?)));
                Python::Dict(members.collect::<Result<_, String>>()?)
            }
        })
    }

    /// Converts a Python value. Tuples and sets become arrays, and bytes stay bytes. Keys
    /// that are not text, and values that JSON does not have, become the text of Python's `repr`.
    ///
    /// # Errors
    /// If the value, with shared parts expanded, has more than 1,000,000 parts, or an integer has
    /// more than 1,000,000 bits.
    pub(crate) fn from_python(value: &pickle::Value) -> Result<Self, &'static str> {
        let mut parts_left = MAX_PARTS;
        python_to_json(value, &mut parts_left)
    }
}

fn python_to_json(value: &pickle::Value, parts_left: &mut usize) -> Result<Json, &'static str> {
    use pickle::Value as Python;

    *parts_left = parts_left
        .checked_sub(1)
        .ok_or("the received value has too many parts to print")?;
    Ok(match value.unshared() {
        Python::None => Json::Null,
        Python::Bool(truth) => Json::Bool(*truth),
        Python::Int(number) => Json::Number(number.to_string()),
        Python::BigInt(number) if number.bits() <= MAX_BITS => Json::Number(number.to_string()),
        Python::BigInt(_) => return Err("the received value has an integer too long to print"),
        Python::Float(number) => double(*number),
        Python::Str(text) => Json::String(text.clone()),
        Python::Bytes(bytes) | Python::ByteArray(bytes) => Json::Bytes(bytes.to_vec()),
        Python::List(values)
        | Python::Tuple(values)
        | Python::Set(values)
        | Python::FrozenSet(values) => {
            let values = values.iter().map(|value| python_to_json(value, parts_left));
            Json::Array(values.collect::<Result<_, _>>()?)
        }
        Python::Dict(entries) => {
            let members = entries.iter().map(|(key, value)| {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                python_to_json(value, parts_left).map(|value| (key, value))
            });
            Json::Object(members.collect::<Result<_, _>>()?)
        }
        other => Json::String(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn python_integers_of_any_size_are_converted() {
        let digits = "-123456789012345678901234567890";
        let python = parse(digits).unwrap().to_python().unwrap();
        assert_eq!(python, pickle::Value::BigInt(digits.parse().unwrap()));
        assert_eq!(
            Json::from_python(&python),
            Ok(Json::Number(digits.to_owned()))
        );
        let unsigned = parse("18446744073709551615").unwrap().to_python().unwrap();
        assert_eq!(unsigned, pickle::Value::BigInt(u64::MAX.into()));
        assert!(parse("[1e999]").unwrap().to_python().is_err());
        let long = pickle::Value::BigInt(BigInt::from(1) << 1_000_001);
        assert!(Json::from_python(&long).is_err());
    }

    #[test]
    fn python_values_become_json() {
        use pickle::Value as Python;

        let dict = Python::dict([
            (Python::from("a"), Python::Tuple(vec![1.into(), 2.5.into()])),
            (Python::Tuple(vec![1.into()]), Python::Bytes(vec![1, 2, 3])),
            (7.into(), Python::Float(f64::NAN)),
        ]);
        assert_eq!(
            Json::from_python(&dict).unwrap().write(),
            r#"{"a":[1,2.5],"(1,)":"AQID","7":"nan"}"#
        );
        let mut bomb = Python::from(1);
        for _ in 0..60 {
            let shared = Python::Shared(bomb.into());
            bomb = Python::List(vec![shared.clone(), shared]);
        }
        assert!(Json::from_python(&bomb).is_err());
    }
}
