//! The types of Python's values, and their integers.

use farcall_pickle::Value;

/// Returns the name of the type of a value.
pub(crate) fn type_name(value: &Value) -> &str {
    match value.unshared() {
        Value::None | Value::Shared(_) => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::BigInt(_) => "int",
        Value::Float(_) => "float",
        Value::Complex(..) => "complex",
        Value::Str(_) | Value::SurrogateStr(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::ByteArray(_) => "bytearray",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Set(_) => "set",
        Value::FrozenSet(_) => "frozenset",
        Value::Dict(_) => "dict",
        Value::Class(_) => "type",
        Value::Object(object) => object.class().map_or("object", |class| class.name()),
    }
}

/// Returns the integer that a value is equal to.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(truth) => Some((*truth).into()),
        Value::Int(number) => Some(*number),
        // 2 to the power of 53: all integers up to it are floats.
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= 9e15 => {
            Some(*number as i64)
        }
        _ => None,
    }
}
