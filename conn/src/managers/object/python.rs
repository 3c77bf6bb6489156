//! Semantics of Python's values: truth, equality, order, hashing, iteration, indices.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use farcall_pickle::Value;

use super::Raises;
use super::key::Key;
use super::kinds::{integer, type_name};
use crate::managers::wire::Exception;

/// Maximum elements of a `range` that is iterated.
const MAX_RANGE: i128 = 10_000_000;

/// Returns whether a value counts as true.
pub(crate) fn is_true(value: &Value) -> bool {
    match value.unshared() {
        Value::None => false,
        Value::Bool(truth) => *truth,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::Bytes(bytes) | Value::ByteArray(bytes) => !bytes.is_empty(),
        Value::Dict(entries) => !entries.is_empty(),
        Value::List(values)
        | Value::Tuple(values)
        | Value::Set(values)
        | Value::FrozenSet(values) => !values.is_empty(),
        _ => true,
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::BigInt(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Compares numbers, if both are.
fn numbers(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    if let (Some(a), Some(b)) = (integer(a), integer(b)) {
        return Some(Some(a.cmp(&b)));
    }
    if let (Value::BigInt(a), Value::BigInt(b)) = (a, b) {
        return Some(Some(a.cmp(b)));
    }
    Some(real(a)?.partial_cmp(&real(b)?))
}

/// Returns `a == b`.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    same(a, b, &mut HashSet::new())
}

/// Compares two values. `compared` has the pairs of shared values that were or are compared: one
/// that differs ends the comparison. Without it, nested shared values would take exponential time.
fn same(a: &Value, b: &Value, compared: &mut HashSet<[*const Value; 2]>) -> bool {
    if let (Value::Shared(_), Value::Shared(_)) = (a, b) {
        let (a, b) = (a.unshared(), b.unshared());
        return std::ptr::eq(a, b) || !compared.insert([a, b]) || same(a, b, compared);
    }
    let (a, b) = (a.unshared(), b.unshared());
    if let Some(order) = numbers(a, b) {
        return order == Some(Ordering::Equal);
    }
    match (a, b) {
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, compared))
        }
        (Value::Bytes(a) | Value::ByteArray(a), Value::Bytes(b) | Value::ByteArray(b)) => a == b,
        (Value::Set(a) | Value::FrozenSet(a), Value::Set(b) | Value::FrozenSet(b)) => {
            a.len() == b.len() && keys(a) == keys(b)
        }
        (Value::Dict(a), Value::Dict(b)) => {
            let keyed = b.iter().map(|(key, value)| Ok((Key::of(key)?, value)));
            let keyed: Raises<HashMap<Key, &Value>> = keyed.collect();
            let mut is_in_b = |(key, value): &(Value, Value)| {
                let other = keyed.as_ref().ok()?.get(&Key::of(key).ok()?)?;
                Some(same(value, other, compared))
            };
            a.len() == b.len() && a.iter().all(|entry| is_in_b(entry) == Some(true))
        }
        (a, b) => a == b,
    }
}

fn keys(values: &[Value]) -> Option<Vec<Key>> {
    let mut keys: Vec<Key> = values.iter().map(Key::of).collect::<Raises<_>>().ok()?;
    keys.sort_unstable();
    Some(keys)
}

/// Returns the order of two values, as `<` defines it.
pub(crate) fn compare(a: &Value, b: &Value) -> Raises<Ordering> {
    let (a, b) = (a.unshared(), b.unshared());
    if let Some(order) = numbers(a, b) {
        // A NaN is neither less nor greater, which sorting takes for equal.
        return Ok(order.unwrap_or(Ordering::Equal));
    }
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Ok(a.cmp(b)),
        (Value::Bytes(a) | Value::ByteArray(a), Value::Bytes(b) | Value::ByteArray(b)) => {
            Ok(a.cmp(b))
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            for (a, b) in a.iter().zip(b) {
                if !equal(a, b) {
                    return compare(a, b);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        _ => {
            let text = format!(
                "'<' not supported between instances of '{}' and '{}'",
                type_name(a),
                type_name(b)
            );
            Err(Exception::with_text("TypeError", text))
        }
    }
}

/// Returns the elements of an iterable value. `admit` is called with their number before they take
/// memory.
pub(crate) fn iterate(value: &Value, admit: &dyn Fn(usize) -> Raises<()>) -> Raises<Vec<Value>> {
    let not_iterable = || {
        let text = format!("'{}' object is not iterable", type_name(value));
        Exception::with_text("TypeError", text)
    };
    if let Some(elements) = value.elements() {
        admit(elements.len())?;
        return Ok(elements.to_vec());
    }
    match value.unshared() {
        Value::Dict(entries) => {
            admit(entries.len())?;
            Ok(entries.iter().map(|(key, _)| key.clone()).collect())
        }
        Value::Str(text) => {
            admit(text.len())?;
            Ok(text.chars().map(Value::from).collect())
        }
        Value::Bytes(bytes) | Value::ByteArray(bytes) => {
            admit(bytes.len())?;
            Ok(bytes.iter().map(|byte| i64::from(*byte).into()).collect())
        }
        Value::Object(object) => {
            let class = object.class().ok_or_else(not_iterable)?;
            match (class.module(), class.name(), object.args()) {
                ("builtins", "range", [start, stop, step]) => {
                    let bounds = (start.as_i64(), stop.as_i64(), step.as_i64());
                    admit(range_len(bounds).ok_or_else(not_iterable)?)?;
                    range(bounds).ok_or_else(not_iterable)
                }
                ("builtins", "iter" | "reversed", [elements, ..]) => {
                    let mut elements = iterate(elements, admit)?;
                    let skipped = object.state().and_then(Value::as_i64).unwrap_or(0);
                    let skipped = usize::try_from(skipped).unwrap_or(0).min(elements.len());
                    elements.drain(..skipped);
                    Ok(elements)
                }
                ("array", "array", [code, elements]) => iterate_array(code, elements, admit),
                _ if !object.entries().is_empty() => {
                    admit(object.entries().len())?;
                    let entries = object.entries().iter();
                    Ok(entries.map(|(key, _)| key.clone()).collect())
                }
                ("collections", "deque" | "OrderedDict", _) => Ok(Vec::new()),
                _ => Err(not_iterable()),
            }
        }
        _ => Err(not_iterable()),
    }
}

type Bounds = (Option<i64>, Option<i64>, Option<i64>);

/// Returns the number of elements of a range, if there are not too many.
fn range_len((start, stop, step): Bounds) -> Option<usize> {
    let (start, stop, step) = (i128::from(start?), i128::from(stop?), i128::from(step?));
    let len = (stop - start + step - step.signum())
        .checked_div(step)?
        .max(0);
    (len <= MAX_RANGE).then_some(len as usize)
}

fn range(bounds: Bounds) -> Option<Vec<Value>> {
    let (start, step) = (bounds.0?, bounds.2?);
    // The product alone may be larger than any element.
    let number = |index: i64| start.wrapping_add(index.wrapping_mul(step));
    let numbers = (0..range_len(bounds)? as i64).map(number);
    Some(numbers.map(Value::from).collect())
}

fn iterate_array(
    code: &Value,
    elements: &Value,
    admit: &dyn Fn(usize) -> Raises<()>,
) -> Raises<Vec<Value>> {
    let (Some(code), Some(bytes)) = (code.as_str(), elements.as_bytes()) else {
        return iterate(elements, admit);
    };
    admit(bytes.len())?;
    macro_rules! all {
        ($type:ty) => {
            bytes
                .chunks_exact(size_of::<$type>())
                .map(|chunk| {
                    let chunk = chunk.try_into().unwrap_or_default();
                    Value::from(<$type>::from_ne_bytes(chunk))
                })
                .collect()
        };
    }
    Ok(match code {
        "b" => all!(i8),
        "B" => bytes.iter().map(|byte| i64::from(*byte).into()).collect(),
        "h" => all!(i16),
        "H" => all!(u16),
        "i" => all!(i32),
        "I" => all!(u32),
        "l" | "q" => all!(i64),
        "L" | "Q" => all!(u64),
        "f" => all!(f32),
        "d" => all!(f64),
        _ => {
            let text = "bad typecode (must be b, B, h, H, i, I, l, L, q, Q, f or d)";
            return Err(Exception::with_text("ValueError", text));
        }
    })
}

/// Returns the place of an index in a sequence of `len` elements: negative ones count from the end.
/// `None` if it is out of range.
pub(crate) fn index_of(index: &Value, len: usize, what: &str) -> Raises<Option<usize>> {
    let Some(index) = integer(index.unshared()).filter(|_| !matches!(index, Value::Float(_)))
    else {
        let text = format!(
            "{what} indices must be integers or slices, not {}",
            type_name(index)
        );
        return Err(Exception::with_text("TypeError", text));
    };
    let len = len as i64;
    let index = if index < 0 { index + len } else { index };
    Ok((0..len).contains(&index).then_some(index as usize))
}

/// The places that a slice selects: a run, or a progression with another step than 1.
#[derive(Debug, PartialEq)]
pub(crate) struct Slice {
    pub(crate) start: usize,
    pub(crate) indices: Vec<usize>,
    pub(crate) step: i64,
}

/// Returns the places of a slice in a sequence of `len` elements, if the value is a slice.
pub(crate) fn slice_of(value: &Value, len: usize) -> Raises<Option<Slice>> {
    let Some(object) = value.as_object() else {
        return Ok(None);
    };
    let is_slice = object
        .class()
        .is_some_and(|class| class.module() == "builtins" && class.name() == "slice");
    let ([start, stop, step], true) = (object.args(), is_slice) else {
        return Ok(None);
    };
    let number = |value: &Value| match value.unshared() {
        Value::None => Ok(None),
        Value::Int(number) => Ok(Some(*number)),
        Value::Bool(truth) => Ok(Some((*truth).into())),
        Value::BigInt(number) if number.to_string().starts_with('-') => Ok(Some(i64::MIN / 2)),
        Value::BigInt(_) => Ok(Some(i64::MAX / 2)),
        _ => Err(Exception::with_text(
            "TypeError",
            "slice indices must be integers or None or have an __index__ method",
        )),
    };
    let step = number(step)?.unwrap_or(1);
    if step == 0 {
        let text = "slice step cannot be zero";
        return Err(Exception::with_text("ValueError", text));
    }
    let len = len as i64;
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamp = |index: i64| {
        let index = if index < 0 {
            index.saturating_add(len)
        } else {
            index
        };
        index.clamp(low, high)
    };
    let [first, last] = if step > 0 { [low, high] } else { [high, low] };
    let start = number(start)?.map_or(first, clamp);
    let stop = number(stop)?.map_or(last, clamp);
    let mut indices = Vec::new();
    let mut next = start;
    while (step > 0 && next < stop) || (step < 0 && next > stop) {
        indices.push(next as usize);
        next = next.saturating_add(step);
    }
    Ok(Some(Slice {
        start: start.max(0) as usize,
        indices,
        step,
    }))
}

#[cfg(test)]
mod tests {
    use farcall_pickle::Object;

    use super::*;

    fn slice(start: Value, stop: Value, step: Value) -> Value {
        Object::call("slice").with_args([start, stop, step]).into()
    }

    #[test]
    fn ranges_have_elements_whose_product_alone_is_too_large() {
        let step = i64::MAX / 2;
        let numbers = range((Some(i64::MIN), Some(i64::MAX), Some(step))).unwrap();
        let expected = (0..5).map(|index| i128::from(i64::MIN) + index * i128::from(step));
        let expected: Vec<Value> = expected
            .filter_map(|number| Some(i64::try_from(number).ok()?.into()))
            .collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn slices_select_as_in_python() {
        let select = |start: Option<i64>, stop: Option<i64>, step: Option<i64>| {
            let slice = slice(start.into(), stop.into(), step.into());
            slice_of(&slice, 5).unwrap().unwrap().indices
        };
        assert_eq!(select(None, None, None), [0, 1, 2, 3, 4]);
        assert_eq!(select(Some(1), Some(-1), None), [1, 2, 3]);
        assert_eq!(select(None, None, Some(-1)), [4, 3, 2, 1, 0]);
        assert_eq!(select(Some(-2), Some(0), Some(-2)), [3, 1]);
        assert!(select(Some(3), Some(1), None).is_empty());
        assert_eq!(select(Some(-100), Some(100), Some(2)), [0, 2, 4]);
        assert_eq!(slice_of(&1.into(), 5).unwrap(), None);
        let error = slice_of(&slice(Value::None, Value::None, 0.into()), 5).unwrap_err();
        assert_eq!(error.to_string(), "ValueError('slice step cannot be zero')");
    }

    #[test]
    fn equal_values_have_equal_keys() {
        let key = |value: Value| Key::of(&value).unwrap();
        assert_eq!(key(1.into()), key(1.0.into()));
        assert_eq!(key(true.into()), key(1.into()));
        assert_eq!(key((1, "a").into()), key((1.0, "a").into()));
        assert_ne!(key("a".into()), key(Value::Bytes(b"a".to_vec())));
        let set = |values: [i64; 2]| Value::FrozenSet(values.map(Value::from).to_vec());
        assert_eq!(key(set([1, 2])), key(set([2, 1])));
        let error = Key::of(&Value::List(vec![])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "TypeError('unhashable type: \\'list\\'')"
        );
        assert_eq!(key("é".into()), Key::of_text("é"));
    }

    #[test]
    fn values_compare_as_in_python() {
        assert!(equal(&1.into(), &true.into()) && equal(&2.into(), &2.0.into()));
        assert!(!equal(&Value::List(vec![]), &Value::Tuple(vec![])));
        let set = |values: [i64; 2]| Value::Set(values.map(Value::from).to_vec());
        assert!(equal(&set([1, 2]), &set([2, 1])));
        assert_eq!(
            compare(&(1, "b").into(), &(1, "a").into()),
            Ok(Ordering::Greater)
        );
        let error = compare(&1.into(), &"a".into()).unwrap_err();
        assert!(error.to_string().contains("instances of"), "{error}");
    }

    #[test]
    fn iterables_have_their_elements() {
        let range = Object::call("range").with_args([0.into(), 5.into(), 2.into()]);
        let all = |value: Value| iterate(&value, &|_| Ok(()));
        assert_eq!(all(range.into()).unwrap(), [0, 2, 4].map(Value::from));
        assert_eq!(all("ab".into()).unwrap(), ["a", "b"].map(Value::from));
        assert!(all(5.into()).is_err());
        for (bounds, len) in [
            ((3, 0, -1), Some(3)),
            ((0, 5, 2), Some(3)),
            ((5, 0, 1), Some(0)),
            ((0, 5, 0), None),
            ((i64::MIN, i64::MAX, 1), None),
        ] {
            let (start, stop, step) = bounds;
            assert_eq!(range_len((Some(start), Some(stop), Some(step))), len);
        }
    }
}
