//! Text form of values, for people.

use std::fmt::{self, Write};

use super::{Class, Object, Value};
use crate::error::Excerpt;

/// Maximum length of the text, in bytes. It is limited since a value can refer to its parts very
/// often.
const MAX_LENGTH: usize = 10_000;

/// Maximum bits of an integer that is written in decimal. The conversion of longer ones takes too
/// long.
const MAX_BITS: u64 = 4096;

/// Formats the value like Python's `repr`. Text beyond 10,000 bytes is cut off, and replaced by
/// `…`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut excerpt = Excerpt::new(MAX_LENGTH);
        // It fails once the text is cut off.
        let _ = value(&mut excerpt, self);
        f.write_str(&excerpt.text)
    }
}

/// Formats the value like `Display`, with the same limit: a peer can send a value that shares its
/// parts so often that its full text would be endless.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({self})")
    }
}

fn value(f: &mut Excerpt, value: &Value) -> fmt::Result {
    match value.unshared() {
        // `unshared` never returns `Shared`.
        Value::None | Value::Shared(_) => f.write_str("None"),
        Value::Bool(true) => f.write_str("True"),
        Value::Bool(false) => f.write_str("False"),
        Value::Int(number) => write!(f, "{number}"),
        Value::BigInt(number) => match number.bits() {
            ..=MAX_BITS => write!(f, "{number}"),
            bits => write!(f, "<int of {bits} bits>"),
        },
        Value::Float(number) if number.is_nan() => f.write_str("nan"),
        Value::Float(number) => write!(f, "{number:?}"),
        Value::Complex(real, imaginary) => {
            let sign = ['+', '-'][usize::from(imaginary.is_sign_negative())];
            write!(f, "({real}{sign}{}j)", imaginary.abs())
        }
        Value::Str(text) => quote(f, text.chars().map(Ok)),
        Value::SurrogateStr(bytes) => quote(f, surrogatepass(bytes)),
        Value::Bytes(bytes) => {
            f.write_char('b')?;
            quote_bytes(f, bytes)
        }
        Value::ByteArray(bytes) => {
            f.write_str("bytearray(b")?;
            quote_bytes(f, bytes)?;
            f.write_char(')')
        }
        Value::List(values) => list(f, ["[", "]"], values),
        Value::Tuple(values) if values.len() == 1 => list(f, ["(", ",)"], values),
        Value::Tuple(values) => list(f, ["(", ")"], values),
        Value::Set(values) if values.is_empty() => f.write_str("set()"),
        Value::Set(values) => list(f, ["{", "}"], values),
        Value::FrozenSet(values) if values.is_empty() => f.write_str("frozenset()"),
        Value::FrozenSet(values) => list(f, ["frozenset({", "})"], values),
        Value::Dict(entries) => dict(f, entries),
        Value::Class(name) => {
            f.write_str("<class '")?;
            class(f, name)?;
            f.write_str("'>")
        }
        Value::Object(instance) => object(f, instance),
    }
}

fn list(f: &mut Excerpt, [open, close]: [&str; 2], values: &[Value]) -> fmt::Result {
    f.write_str(open)?;
    for (i, element) in values.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        value(f, element)?;
    }
    f.write_str(close)
}

fn dict(f: &mut Excerpt, entries: &[(Value, Value)]) -> fmt::Result {
    f.write_char('{')?;
    for (i, (key, content)) in entries.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        value(f, key)?;
        f.write_str(": ")?;
        value(f, content)?;
    }
    f.write_char('}')
}

fn class(f: &mut Excerpt, class: &Class) -> fmt::Result {
    if class.module() != "builtins" {
        write!(f, "{}.", class.module())?;
    }
    f.write_str(class.name())
}

/// Formats an instance as a call: the arguments, then its items and entries, then its state.
fn object(f: &mut Excerpt, object: &Object) -> fmt::Result {
    match object.class() {
        Some(name) => class(f, name)?,
        None => value(f, &object.callable)?,
    }
    let mut separator = "(";
    let mut separate = |f: &mut Excerpt| f.write_str(std::mem::replace(&mut separator, ", "));
    for argument in &object.args {
        separate(f)?;
        value(f, argument)?;
    }
    for (name, argument) in &object.kwargs {
        separate(f)?;
        match name.as_str() {
            Some(name) => f.write_str(name)?,
            None => value(f, name)?,
        }
        f.write_char('=')?;
        value(f, argument)?;
    }
    if !object.items.is_empty() {
        separate(f)?;
        list(f, ["[", "]"], &object.items)?;
    }
    if !object.entries.is_empty() {
        separate(f)?;
        dict(f, &object.entries)?;
    }
    if let Some(state) = &object.state {
        separate(f)?;
        f.write_str("state=")?;
        value(f, state)?;
    }
    f.write_str(if separator == "(" { "()" } else { ")" })
}

/// Iterates over the characters of a text, and over the surrogates in it as `Err`.
fn surrogatepass(bytes: &[u8]) -> impl Iterator<Item = Result<char, u16>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if let [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, after @ ..] = rest {
            rest = after;
            let low = u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f);
            return Some(Err(0xd000 | low));
        }
        let chunk = rest[..rest.len().min(4)].utf8_chunks().next()?;
        match chunk.valid().chars().next() {
            Some(character) => {
                rest = &rest[character.len_utf8()..];
                Some(Ok(character))
            }
            // Python does not write this.
            None => {
                rest = &rest[chunk.invalid().len()..];
                Some(Ok(char::REPLACEMENT_CHARACTER))
            }
        }
    })
}

fn quote(f: &mut Excerpt, text: impl Iterator<Item = Result<char, u16>>) -> fmt::Result {
    f.write_char('\'')?;
    for character in text {
        match character {
            Ok('\'') => f.write_str("\\'")?,
            Ok('"') => f.write_char('"')?,
            Ok(character) => write!(f, "{}", character.escape_debug())?,
            Err(surrogate) => write!(f, "\\u{surrogate:04x}")?,
        }
    }
    f.write_char('\'')
}

fn quote_bytes(f: &mut Excerpt, bytes: &[u8]) -> fmt::Result {
    f.write_char('\'')?;
    for byte in bytes {
        match byte {
            b'"' => f.write_char('"')?,
            byte => write!(f, "{}", byte.escape_ascii())?,
        }
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::*;

    #[test]
    fn values_look_as_in_python() {
        for (value, text) in [
            (Value::None, "None"),
            (true.into(), "True"),
            (u64::MAX.into(), "18446744073709551615"),
            (1.0.into(), "1.0"),
            (1e100.into(), "1e100"),
            (f64::NAN.into(), "nan"),
            (f64::NEG_INFINITY.into(), "-inf"),
            (Value::Complex(1.0, -2.5), "(1-2.5j)"),
            ("it's \"x\"\n".into(), r#"'it\'s "x"\n'"#),
            (
                Value::SurrogateStr(b"a\xed\xb2\x80b".to_vec()),
                r"'a\udc80b'",
            ),
            (Value::Bytes(b"\0a'".to_vec()), r"b'\x00a\''"),
            (Value::ByteArray(vec![]), "bytearray(b'')"),
            ((1,).into(), "(1,)"),
            ((1, "a").into(), "(1, 'a')"),
            (Value::Tuple(vec![]), "()"),
            (Value::Set(vec![1.into()]), "{1}"),
            (Value::FrozenSet(vec![1.into()]), "frozenset({1})"),
            (Value::dict([("a", Value::List(vec![]))]), "{'a': []}"),
            (Class::from("int").into(), "<class 'int'>"),
            (Object::call("app.Thing").into(), "app.Thing()"),
            (
                Object::new("app.Thing")
                    .with_args([1.into()])
                    .with_kwargs([("k".into(), 2.into())])
                    .with_state(Value::dict([("x", 3)]))
                    .into(),
                "app.Thing(1, k=2, state={'x': 3})",
            ),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn long_text_is_cut_off() {
        let long = Value::List(vec!["é".repeat(300).into(); 100]);
        let text = long.to_string();
        assert!(text.ends_with('…') && text.len() < MAX_LENGTH + 10);
        let huge = Value::from(BigInt::from(1) << 1_000_000_u32);
        assert_eq!(huge.to_string(), "<int of 1000001 bits>");
    }
}
