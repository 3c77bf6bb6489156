//! Values that XML-RPC can represent.

use arbitrary::{Arbitrary, Result, Unstructured};
use farcall::{DateTime, Value};

/// Generates a value with a depth of at most `depth`.
///
/// # Errors
/// As for every `Arbitrary`.
pub fn value(u: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let kinds = if depth == 0 { 7 } else { 9 };
    Ok(match u.int_in_range(0..=kinds - 1)? {
        0 => Value::Nil,
        1 => Value::Bool(u.arbitrary()?),
        2 => Value::Int(u.arbitrary()?),
        3 => Value::Double(finite(u)?),
        4 => Value::String(text(u)?),
        5 => Value::Bytes(u.arbitrary()?),
        6 => Value::DateTime(date(u)?),
        7 => {
            let mut list = Vec::new();
            while u.ratio(3, 4)? && list.len() < 30 {
                list.push(value(u, depth - 1)?);
            }
            Value::Array(list)
        }
        _ => {
            let mut members = Vec::new();
            while u.ratio(3, 4)? && members.len() < 30 {
                members.push((text(u)?, value(u, depth - 1)?));
            }
            Value::Struct(members.into_iter().collect())
        }
    })
}

/// Generates a date and time of whole seconds without an offset, as in XML-RPC.
fn date(u: &mut Unstructured<'_>) -> Result<DateTime> {
    let date = DateTime::new(
        u.int_in_range(0..=9999)?,
        u.int_in_range(1..=12)?,
        u.int_in_range(1..=28)?,
        u.int_in_range(0..=23)?,
        u.int_in_range(0..=59)?,
        u.int_in_range(0..=59)?,
    );
    Ok(date.unwrap())
}

fn finite(u: &mut Unstructured<'_>) -> Result<f64> {
    let number = f64::arbitrary(u)?;
    Ok(if number.is_finite() { number } else { 0.5 })
}

/// Generates a text of characters that XML allows.
fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let text = String::arbitrary(u)?;
    let is_allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    Ok(text.chars().filter(is_allowed).collect())
}
