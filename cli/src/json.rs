//! Values as people type and read them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| (name.to_owned(), to_json(value)))
            .collect(),
        _ => serde_json::Value::Null,
    }
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
    fn bytes_and_dates_become_text() {
        assert_eq!(write(&Value::Bytes(vec![1, 2, 3])), r#""AQID""#);
        let date = "19980717T14:08:55".parse().unwrap();
        assert_eq!(write(&Value::DateTime(date)), r#""1998-07-17T14:08:55""#);
    }
}
