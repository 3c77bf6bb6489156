//! Classes and functions, by their names.

use std::fmt;

/// A class or function of Python: its module, and its name there.
///
/// A text is taken apart at its last dot: `"app.models.Point"` is `Point` in `app.models`. For a
/// class within a class write a colon after the module, as Python's entry points do:
/// `"app.models:Shape.Kind"`. A text with neither is a name of `builtins`.
///
/// ```
/// use conn::codec::pickle::Class;
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
    /// The class or function of this name in a module.
    #[must_use]
    pub fn new(module: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            module: module.into(),
            name: name.into(),
        }
    }

    /// The module that it is in, such as `collections`.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Its name in its module, such as `OrderedDict`. Python calls this the qualified name: that of
    /// a class within a class has dots.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&str> for Class {
    fn from(text: &str) -> Self {
        let (module, name) = text
            .split_once(':')
            .or_else(|| text.rsplit_once('.'))
            .unwrap_or(("builtins", text));
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
