//! Exceptions as data.

use std::fmt;

use super::PythonType;
use crate::error::Error;
use crate::value::{Class, Construction, Object, Value};

/// An exception of any class: its class, its arguments and its attributes. Only its class tells
/// that it is one, so any instance that a call creates is read as such.
///
/// ```
/// use farcall_pickle::{Exception, from_slice, to_vec};
///
/// let error = Exception::new("KeyError", ["colour".into()]);
/// assert_eq!(error.to_string(), "KeyError('colour')");
/// assert_eq!(from_slice::<Exception>(&to_vec(&error)?)?, error);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    class: Class,
    args: Vec<Value>,
    attributes: Option<Value>,
}

impl Exception {
    /// Creates an exception of a class with these arguments.
    #[must_use]
    pub fn new(class: impl Into<Class>, args: impl IntoIterator<Item = Value>) -> Self {
        Self {
            class: class.into(),
            args: args.into_iter().collect(),
            attributes: None,
        }
    }

    /// Sets the attributes that it has beside its arguments, as a dict. Default: none.
    #[must_use]
    pub fn with_attributes(mut self, attributes: impl Into<Value>) -> Self {
        self.attributes = Some(attributes.into());
        self
    }

    /// Returns its class.
    #[must_use]
    pub const fn class(&self) -> &Class {
        &self.class
    }

    /// Returns its arguments, which Python has as `args`.
    #[must_use]
    pub fn args(&self) -> &[Value] {
        &self.args
    }

    /// Returns its attributes beside its arguments, as a dict, if it has any.
    #[must_use]
    pub const fn attributes(&self) -> Option<&Value> {
        self.attributes.as_ref()
    }
}

/// Displays the exception like Python's `repr`.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.class.module() != "builtins" {
            write!(f, "{}.", self.class.module())?;
        }
        write!(f, "{}(", self.class.name())?;
        for (index, argument) in self.args.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{argument}")?;
        }
        f.write_str(")")
    }
}

impl From<Exception> for Value {
    fn from(error: Exception) -> Self {
        let object = Object::call(error.class).with_args(error.args);
        match error.attributes {
            Some(attributes) => object.with_state(attributes).into(),
            None => object.into(),
        }
    }
}

impl PythonType for Exception {
    const CLASS: &'static str = "an exception";

    fn to_python(&self) -> Result<Value, Error> {
        Ok(self.clone().into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let object = value.as_object();
        let called = object.filter(|object| object.construction() == Construction::Call);
        let (Some(object), Some(class)) = (called, called.and_then(Object::class)) else {
            return Err(super::other_class::<Self>(&value));
        };
        Ok(Self {
            class: class.clone(),
            args: object.args().to_vec(),
            attributes: object.state().cloned(),
        })
    }
}
