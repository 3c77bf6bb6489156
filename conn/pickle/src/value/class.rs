//! Names of classes and functions.

use std::fmt;

use crate::names::split;

/// A Python class or function: its module, and its name in the module.
///
/// A string is split at its last dot: `"app.models.Point"` is `Point` in `app.models`. For a nested
/// class, write a colon after the module, as in Python's entry points: `"app.models:Shape.Kind"`. A
/// string without a dot or colon is a name in `builtins`.
///
/// ```
/// use farcall_pickle::Class;
///
/// assert_eq!(Class::from("app.models.Point"), Class::new("app.models", "Point"));
/// assert_eq!(Class::from("app:Shape.Kind"), Class::new("app", "Shape.Kind"));
/// assert_eq!(Class::from("ValueError").to_string(), "builtins.ValueError");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    module: String,
    name: String,
}

impl Class {
    /// Creates the name of a class or function in a module.
    #[must_use]
    pub fn new(module: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            module: module.into(),
            name: name.into(),
        }
    }

    /// Returns its module, such as `collections`.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Returns its name in its module, such as `OrderedDict`. This is Python's qualified name: the
    /// name of a nested class has dots.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&str> for Class {
    fn from(text: &str) -> Self {
        let (module, name) = split(text);
        Self::new(module, name)
    }
}

impl From<String> for Class {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}
