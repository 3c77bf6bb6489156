//! Conversion between JSON and Python values.

use farcall::pickle;
use num_bigint::BigInt;

use super::{Json, Number, double};

/// Maximum number of values in a Python value that is converted, each element, key and text
/// counted, as in `Pickle::max_values`.
const MAX_PARTS: usize = 1_000_000;

/// Returns the maximum bytes of the texts of a value from a message of this length, as when it is
/// decoded into a type without references. A message can refer to one text very often.
const fn max_text(length: usize) -> usize {
    length.saturating_mul(17).saturating_add(1024)
}

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

    /// Converts a Python value that was decoded from a message of `length` bytes. Tuples and sets
    /// become arrays, and bytes stay bytes. Keys that are not text, and values that JSON does not
    /// have, become the text of Python's `repr`.
    ///
    /// # Errors
    /// If the value, with shared parts expanded, has more than 1,000,000 parts, or texts of more
    /// than 17 times the length of the message and 1,024 bytes; or if an integer has more than
    /// 1,000,000 bits, or several take as long to write.
    pub(crate) fn from_python(value: &pickle::Value, length: usize) -> Result<Self, &'static str> {
        let mut converter = Converter {
            parts_left: MAX_PARTS,
            text_left: max_text(length),
            work_left: MAX_BITS * MAX_BITS,
        };
        converter.json(value)
    }
}

/// The remainders of the limits of a value that is converted.
struct Converter {
    parts_left: usize,
    text_left: usize,
    /// Sum of the squares of the bits of integers, to which the time to write them is proportional.
    work_left: u64,
}

impl Converter {
    fn json(&mut self, value: &pickle::Value) -> Result<Json, &'static str> {
        use pickle::Value as Python;

        self.count_part()?;
        Ok(match value.unshared() {
            Python::None => Json::Null,
            Python::Bool(truth) => Json::Bool(*truth),
            Python::Int(number) => Json::Number(number.to_string()),
            Python::BigInt(number) => Json::Number(self.digits(number)?),
            Python::Float(number) => double(*number),
            Python::Str(text) => Json::String(self.text(text)?),
            Python::Bytes(bytes) | Python::ByteArray(bytes) => {
                self.count_text(bytes.len())?;
                Json::Bytes(bytes.to_vec())
            }
            Python::List(values)
            | Python::Tuple(values)
            | Python::Set(values)
            | Python::FrozenSet(values) => {
                let values = values.iter().map(|value| self.json(value));
                Json::Array(values.collect::<Result<_, _>>()?)
            }
            Python::Dict(entries) => {
                let mut members = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    members.push((self.key(key)?, self.json(value)?));
                }
                Json::Object(members)
            }
            other => Json::String(self.repr(other)?),
        })
    }

    fn key(&mut self, key: &pickle::Value) -> Result<String, &'static str> {
        self.count_part()?;
        match key.as_str() {
            Some(text) => self.text(text),
            None => self.repr(key),
        }
    }

    fn text(&mut self, text: &str) -> Result<String, &'static str> {
        self.count_text(text.len())?;
        Ok(text.to_owned())
    }

    /// Returns the text of Python's `repr`, which has a maximum length of its own.
    fn repr(&mut self, value: &pickle::Value) -> Result<String, &'static str> {
        let text = value.to_string();
        self.count_text(text.len())?;
        Ok(text)
    }

    fn digits(&mut self, number: &BigInt) -> Result<String, &'static str> {
        let too_long = "the received value has integers too long to print";
        let work = number.bits().saturating_mul(number.bits());
        self.work_left = self.work_left.checked_sub(work).ok_or(too_long)?;
        let digits = number.to_string();
        self.count_text(digits.len())?;
        Ok(digits)
    }

    fn count_part(&mut self) -> Result<(), &'static str> {
        let left = self.parts_left.checked_sub(1);
        self.parts_left = left.ok_or("the received value has too many parts to print")?;
        Ok(())
    }

    fn count_text(&mut self, bytes: usize) -> Result<(), &'static str> {
        let too_many = "the received value has too many references to its texts and bytes to print";
        self.text_left = self.text_left.checked_sub(bytes).ok_or(too_many)?;
        Ok(())
    }
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
            Json::from_python(&python, 100),
            Ok(Json::Number(digits.to_owned()))
        );
        let unsigned = parse("18446744073709551615").unwrap().to_python().unwrap();
        assert_eq!(unsigned, pickle::Value::BigInt(u64::MAX.into()));
        assert!(parse("[1e999]").unwrap().to_python().is_err());
        let long = pickle::Value::BigInt(BigInt::from(1) << 1_000_001);
        assert!(Json::from_python(&long, 1 << 20).is_err());
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
            Json::from_python(&dict, 100).unwrap().write(),
            r#"{"a":[1,2.5],"(1,)":"AQID","7":"nan"}"#
        );
        let mut bomb = Python::from(1);
        for _ in 0..60 {
            let shared = Python::Shared(bomb.into());
            bomb = Python::List(vec![shared.clone(), shared]);
        }
        assert!(Json::from_python(&bomb, 1000).is_err());
    }

    #[test]
    fn texts_that_a_value_shares_are_limited_by_the_length_of_the_message() {
        use pickle::Value as Python;

        let shared = |part: Python| Python::Shared(part.into());
        let text = shared("x".repeat(500).into());
        let parts = [
            text.clone(),
            shared(Python::Bytes(vec![7; 500])),
            shared(Python::SurrogateStr(vec![b'x'; 500])),
            shared(Python::BigInt(BigInt::from(1) << 1660)),
            Python::dict([(text.clone(), Python::from(1))]),
            Python::dict([(Python::Tuple(vec![text.clone()]), Python::from(1))]),
            pickle::Object::call("C").with_args([text]).into(),
        ];
        for part in parts {
            // A message of 1,000 bytes may have 18,024 bytes of texts.
            for (count, fits) in [(34, true), (37, false)] {
                let value = Python::List(vec![part.clone(); count]);
                let converted = Json::from_python(&value, 1000);
                assert_eq!(converted.is_ok(), fits, "{count} of {part}");
            }
        }
        // Integers whose texts are short enough, and take too long to write.
        let long = Python::BigInt(BigInt::from(1) << 600_000);
        let three = Python::List(vec![long; 3]);
        assert!(Json::from_python(&three, 1 << 20).is_err());
    }
}
