//! Containers of types with a class in Python.

use super::{PythonType, other_class};
use crate::error::Error;
use crate::value::Value;

/// The value, or `None`.
impl<T: PythonType> PythonType for Option<T> {
    const CLASS: &'static str = T::CLASS;

    fn to_python(&self) -> Result<Value, Error> {
        self.as_ref().map_or(Ok(Value::None), T::to_python)
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        if value.is_none() {
            return Ok(None);
        }
        T::from_python(value).map(Some)
    }
}

/// A list. A tuple or set is read too.
impl<T: PythonType> PythonType for Vec<T> {
    const CLASS: &'static str = "list";

    fn to_python(&self) -> Result<Value, Error> {
        let values: Result<Vec<Value>, Error> = self.iter().map(T::to_python).collect();
        values.map(Value::List)
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let elements = value
            .elements()
            .ok_or_else(|| other_class::<Self>(&value))?;
        elements.iter().cloned().map(T::from_python).collect()
    }
}
