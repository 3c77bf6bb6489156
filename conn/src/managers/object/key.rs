//! Keys of dicts and elements of sets.

use std::sync::Arc;

use farcall_pickle::{Value, to_vec};

use super::Raises;
use super::kinds::{integer, type_name};
use crate::managers::wire::Exception;

/// Maximum bytes of a key that is a tuple or a frozenset. A pickle of a hundred bytes can share
/// parts of a tuple so that its key, which shares nothing, would have any length.
const MAX_KEY: usize = 1 << 20;

/// Key of a dict or element of a set, in a form in which equal values have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(Arc<[u8]>);

impl Key {
    /// Returns the key of a text.
    pub(super) fn of_text(text: &str) -> Self {
        let mut out = Vec::with_capacity(text.len() + 9);
        sized(b's', text.as_bytes(), &mut out);
        Self(out.into())
    }

    /// Bytes that it takes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(value: &Value) -> Raises<Self> {
        let mut out = Vec::new();
        write_key(value, &mut out)?;
        Ok(Self(out.into()))
    }
}

fn sized(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

fn check_key(key: &[u8]) -> Raises<()> {
    if key.len() <= MAX_KEY {
        return Ok(());
    }
    let text = "the key is larger than this manager accepts";
    Err(Exception::with_text("MemoryError", text))
}

fn write_key(value: &Value, out: &mut Vec<u8>) -> Raises<()> {
    let value = value.unshared();
    if let Some(number) = integer(value) {
        out.push(b'i');
        out.extend(number.to_le_bytes());
        return Ok(());
    }
    match value {
        Value::None => out.push(b'n'),
        Value::BigInt(number) => sized(b'l', &number.to_signed_bytes_le(), out),
        Value::Float(number) => {
            out.push(b'f');
            out.extend(number.to_bits().to_le_bytes());
        }
        Value::Complex(real, imaginary) if *imaginary == 0.0 => {
            write_key(&Value::Float(*real), out)?;
        }
        Value::Complex(real, imaginary) => {
            out.push(b'c');
            out.extend(real.to_bits().to_le_bytes());
            out.extend(imaginary.to_bits().to_le_bytes());
        }
        Value::Str(text) => sized(b's', text.as_bytes(), out),
        Value::SurrogateStr(text) => sized(b'u', text, out),
        Value::Bytes(bytes) => sized(b'b', bytes, out),
        Value::Tuple(values) => {
            sized(b't', &(values.len() as u64).to_le_bytes(), out);
            for value in values {
                write_key(value, out)?;
                check_key(out)?;
            }
        }
        Value::FrozenSet(values) => {
            let mut keys = Vec::with_capacity(values.len());
            for value in values {
                keys.push(Key::of(value)?);
            }
            keys.sort_unstable();
            sized(b'z', &(keys.len() as u64).to_le_bytes(), out);
            for key in keys {
                sized(b'k', &key.0, out);
                check_key(out)?;
            }
        }
        // Their class decides when instances are equal, and does not run here: those with the same
        // content are.
        Value::Class(_) | Value::Object(_) => match to_vec(value) {
            Ok(bytes) => sized(b'o', &bytes, out),
            Err(error) => return Err(Exception::with_text("TypeError", error.to_string())),
        },
        value => {
            let text = format!("unhashable type: '{}'", type_name(value));
            return Err(Exception::with_text("TypeError", text));
        }
    }
    Ok(())
}
