//! Values as people type and read them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conn::codec::pickle;
use rpc_core::Value;

/// Reads an argument: JSON, or else a string as it stands.
pub(crate) fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Writes a result as JSON. Bytes become base64 text, dates ISO 8601 text.
pub(crate) fn write(value: &Value) -> String {
    to_json(value).to_string()
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::String(text) => text.as_str().into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::DateTime(date) => date.to_string().into(),
        Value::DateTimeText(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| (name.to_owned(), to_json(value)))
            .collect(),
        _ => serde_json::Value::Null,
    }
}

/// Writes a value of Python as JSON. Tuples and sets become arrays, bytes base64 text; keys that are no
/// text, and values that JSON has nothing for, become what Python's `repr` shows of them.
///
/// `None` if it refers to its parts so often that it would have more than a million.
pub(crate) fn write_python(value: &pickle::Value) -> Option<String> {
    let mut parts_left = 1_000_000;
    python_to_json(value, &mut parts_left).map(|json| json.to_string())
}

fn python_to_json(value: &pickle::Value, parts_left: &mut usize) -> Option<serde_json::Value> {
    use pickle::Value as Python;

    *parts_left = parts_left.checked_sub(1)?;
    Some(match value.unshared() {
        Python::None => serde_json::Value::Null,
        Python::Bool(truth) => (*truth).into(),
        Python::Int(number) => (*number).into(),
        Python::Float(number) if number.is_finite() => (*number).into(),
        Python::Str(text) => text.as_str().into(),
        Python::Bytes(bytes) | Python::ByteArray(bytes) => STANDARD.encode(bytes).into(),
        Python::List(values)
        | Python::Tuple(values)
        | Python::Set(values)
        | Python::FrozenSet(values) => {
            let values = values.iter().map(|value| python_to_json(value, parts_left));
            values.collect::<Option<_>>()?
        }
        Python::Dict(entries) => {
            let members = entries.iter().map(|(key, value)| {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                Some((key, python_to_json(value, parts_left)?))
            });
            members.collect::<Option<_>>()?
        }
        other => other.to_string().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_json_or_strings() {
        assert_eq!(read("3"), Value::Int(3));
        assert_eq!(read("-2.5"), Value::Double(-2.5));
        assert_eq!(read("\"3\""), Value::String("3".to_owned()));
        assert_eq!(read("bare word"), Value::String("bare word".to_owned()));
        assert_eq!(read("null"), Value::Nil);
        assert_eq!(
            write(&read(r#"{"b": [1, true, null], "a": "x"}"#)),
            r#"{"b":[1,true,null],"a":"x"}"#
        );
    }

    #[test]
    fn values_of_python_become_what_json_has() {
        use pickle::Value as Python;

        let dict = Python::dict([
            (Python::from("a"), Python::Tuple(vec![1.into(), 2.5.into()])),
            (Python::Tuple(vec![1.into()]), Python::Bytes(vec![1, 2, 3])),
            (7.into(), Python::Float(f64::NAN)),
        ]);
        assert_eq!(
            write_python(&dict).as_deref(),
            Some(r#"{"a":[1,2.5],"(1,)":"AQID","7":"nan"}"#)
        );
        let mut bomb = Python::from(1);
        for _ in 0..60 {
            let shared = Python::Shared(bomb.into());
            bomb = Python::List(vec![shared.clone(), shared]);
        }
        assert_eq!(write_python(&bomb), None);
    }

    #[test]
    fn bytes_and_dates_become_text() {
        assert_eq!(write(&Value::Bytes(vec![1, 2, 3])), r#""AQID""#);
        let date = "19980717T14:08:55".parse().unwrap();
        assert_eq!(write(&Value::DateTime(date)), r#""1998-07-17T14:08:55""#);
    }
}
