//! Arrays: `array.array`.

use std::sync::{Arc, Mutex};

use farcall_pickle::{Class, Object, Value};

use crate::managers::object::{
    Answer, MethodCall, Raises, SharedObject, Slice, Stored, StoredGuard, debug_by_repr, encode,
    index_of, iterate, lock, names, no_method, slice_of, type_name,
};
use crate::managers::wire::Exception;

/// Array of numbers of one type, as `Array` of a `SyncManager`: an `array.array` in Python.
pub struct Array {
    typecode: char,
    elements: Mutex<Vec<Value>>,
    /// Holds the memory of the elements in the budget.
    _guard: Option<Arc<dyn StoredGuard>>,
}

impl Array {
    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let [typecode, elements, _lock] = call.bind(["typecode", "sequence", "lock"], 2)?;
        let typecode = typecode.unwrap_or_default().text()?;
        let Some(typecode) = typecode
            .chars()
            .next()
            .filter(|code| size_of_code(*code).is_some())
        else {
            let text = "bad typecode (must be b, B, h, H, i, I, l, L, q, Q, f or d)";
            return Err(Exception::with_text("ValueError", text));
        };
        let source = elements.unwrap_or_default();
        let elements = iterate(&source.value()?, &|count| source.charge_elements(count))?;
        let elements: Raises<Vec<Value>> = elements
            .iter()
            .map(|element| checked(typecode, element))
            .collect();
        Ok(Arc::new(Self {
            typecode,
            elements: Mutex::new(elements?),
            _guard: source.guard(),
        }))
    }

    /// Creates an array of floating-point numbers, with the type code `d`.
    #[must_use]
    pub fn of_floats(numbers: impl IntoIterator<Item = f64>) -> Arc<Self> {
        Arc::new(Self {
            typecode: 'd',
            elements: Mutex::new(numbers.into_iter().map(Value::from).collect()),
            _guard: None,
        })
    }

    /// Creates an array of integers, with the type code `q`.
    #[must_use]
    pub fn of_ints(numbers: impl IntoIterator<Item = i64>) -> Arc<Self> {
        Arc::new(Self {
            typecode: 'q',
            elements: Mutex::new(numbers.into_iter().map(Value::from).collect()),
            _guard: None,
        })
    }

    /// Returns the numbers as floating-point numbers.
    #[must_use]
    pub fn to_floats(&self) -> Vec<f64> {
        let elements = lock(&self.elements);
        elements
            .iter()
            .map(|number| number.as_f64().unwrap_or(f64::NAN))
            .collect()
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.elements).len()
    }

    /// Returns `true` if there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns numbers as a value: `array.array(typecode, bytes)`, as CPython pickles one over a
    /// connection.
    fn array(&self, elements: &[Value]) -> Value {
        let mut bytes = Vec::with_capacity(elements.len() * 8);
        for element in elements {
            write(self.typecode, element, &mut bytes);
        }
        let object = Object::call(Class::new("array", "array"));
        object
            .with_args([self.typecode.into(), Value::Bytes(bytes)])
            .into()
    }

    fn get(&self, index: &Value) -> Raises<Answer> {
        let elements = lock(&self.elements);
        if let Some(slice) = slice_of(index, elements.len())? {
            let selected: Vec<Value> = slice
                .indices
                .iter()
                .map(|at| elements[*at].clone())
                .collect();
            return Answer::of(&self.array(&selected));
        }
        match index_of(index, elements.len(), "array")? {
            Some(index) => Answer::of(&elements[index]),
            None => Err(Exception::with_text(
                "IndexError",
                "array index out of range",
            )),
        }
    }

    fn set(&self, index: &Value, value: &Value) -> Raises<()> {
        let mut elements = lock(&self.elements);
        if let Some(Slice {
            start,
            indices,
            step,
        }) = slice_of(index, elements.len())?
        {
            if type_name(value) != "array" {
                let text = format!(
                    "can only assign array (not \"{}\") to array slice",
                    type_name(value)
                );
                return Err(Exception::with_text("TypeError", text));
            }
            let values: Raises<Vec<Value>> = iterate(value, &|_| Ok(()))?
                .iter()
                .map(|value| checked(self.typecode, value))
                .collect();
            let values = values?;
            if step == 1 {
                elements.splice(start..start + indices.len(), values);
            } else if values.len() == indices.len() {
                for (index, value) in indices.into_iter().zip(values) {
                    elements[index] = value;
                }
            } else {
                let text = format!(
                    "attempt to assign array of size {} to extended slice of size {}",
                    values.len(),
                    indices.len()
                );
                return Err(Exception::with_text("ValueError", text));
            }
            return Ok(());
        }
        let value = checked(self.typecode, value)?;
        match index_of(index, elements.len(), "array")? {
            Some(index) => elements[index] = value,
            None => {
                let text = "array assignment index out of range";
                return Err(Exception::with_text("IndexError", text));
            }
        }
        Ok(())
    }
}

const fn size_of_code(typecode: char) -> Option<usize> {
    Some(match typecode {
        'b' | 'B' => 1,
        'h' | 'H' => 2,
        'i' | 'I' | 'f' => 4,
        'l' | 'L' | 'q' | 'Q' | 'd' => 8,
        _ => return None,
    })
}

/// Returns the number as an element of an array of this type.
fn checked(typecode: char, value: &Value) -> Raises<Value> {
    let wrong = |what: &str| {
        let text = format!("{what}, not {}", type_name(value));
        Err(Exception::with_text("TypeError", text))
    };
    let value = value.unshared();
    match typecode {
        'f' | 'd' => match value.as_f64() {
            Some(number) if typecode == 'f' => Ok(f64::from(number as f32).into()),
            Some(number) => Ok(number.into()),
            None => wrong("must be real number"),
        },
        _ => {
            let number = match value {
                Value::Bool(truth) => i128::from(*truth),
                Value::Int(number) => (*number).into(),
                Value::BigInt(number) => number.to_string().parse().unwrap_or(i128::MAX),
                _ => return wrong("an integer is required"),
            };
            let bits = 8 * size_of_code(typecode).unwrap_or(8) as u32;
            let (min, max) = if typecode.is_ascii_lowercase() {
                (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
            } else {
                (0, (1_i128 << bits) - 1)
            };
            if number < min || number > max {
                let text = "the number is out of the range of the array's type";
                return Err(Exception::with_text("OverflowError", text));
            }
            Ok(number.into())
        }
    }
}

fn write(typecode: char, value: &Value, out: &mut Vec<u8>) {
    let size = size_of_code(typecode).unwrap_or(8);
    match typecode {
        'f' => out.extend((value.as_f64().unwrap_or_default() as f32).to_ne_bytes()),
        'd' => out.extend(value.as_f64().unwrap_or_default().to_ne_bytes()),
        _ => {
            let number = match value {
                Value::BigInt(number) => number.to_string().parse().unwrap_or(0),
                value => i128::from(value.as_i64().unwrap_or_default()),
            };
            // The least significant bytes, in the order of this machine.
            let bytes = number.to_ne_bytes();
            if cfg!(target_endian = "little") {
                out.extend(&bytes[..size]);
            } else {
                out.extend(&bytes[bytes.len() - size..]);
            }
        }
    }
}

impl SharedObject for Array {
    fn exposed(&self) -> Vec<String> {
        names(&["__getitem__", "__len__", "__setitem__"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "__len__" => Answer::of(&self.len()),
            "__getitem__" => {
                let [index] = call.bind_all(["index"])?;
                self.get(&index.value()?)
            }
            "__setitem__" => {
                let [index, value] = call.bind_all(["index", "value"])?;
                self.set(&index.value()?, &value.value()?)?;
                Answer::none()
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let shown = Value::List(lock(&self.elements).clone());
        format!("array('{}', {shown})", self.typecode)
    }

    fn value(&self) -> Raises<Stored> {
        let elements = lock(&self.elements).clone();
        Ok(encode(&self.array(&elements))?.into())
    }
}

debug_by_repr!(Array);
