//! Paths of files.

use std::fmt;
use std::path::PathBuf;

use super::{PythonType, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// A path of Python's `pathlib`, as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    class: PathClass,
    text: String,
}

/// The class of a [`Path`]. Only a system of its kind can have one that is not pure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PathClass {
    /// `PurePosixPath`, which every system can have.
    #[default]
    PurePosix,
    /// `PosixPath`, which `Path` is on Unix.
    Posix,
    /// `PureWindowsPath`, which every system can have.
    PureWindows,
    /// `WindowsPath`, which `Path` is on Windows.
    Windows,
}

impl PathClass {
    const ALL: [(Self, &str); 4] = [
        (Self::PurePosix, "PurePosixPath"),
        (Self::Posix, "PosixPath"),
        (Self::PureWindows, "PureWindowsPath"),
        (Self::Windows, "WindowsPath"),
    ];

    fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, other)| *other == name)
            .map(|(class, _)| *class)
    }

    fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(class, _)| *class == self)
            .map_or("", |(_, name)| name)
    }

    const fn separator(self) -> char {
        match self {
            Self::PurePosix | Self::Posix => '/',
            Self::PureWindows | Self::Windows => '\\',
        }
    }
}

impl Path {
    /// Creates a path of this class.
    #[must_use]
    pub fn new(class: PathClass, text: impl Into<String>) -> Self {
        Self {
            class,
            text: text.into(),
        }
    }

    /// Returns its class.
    #[must_use]
    pub const fn class(&self) -> PathClass {
        self.class
    }

    /// Returns its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PythonType for Path {
    const CLASS: &'static str = "a path of pathlib";

    fn to_python(&self) -> Result<Value, Error> {
        let class = format!("pathlib.{}", self.class.name());
        let text = self.as_str().into();
        Ok(Object::call(class).with_args([text]).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let object = value.as_object();
        let class = object.and_then(|object| {
            // The module of CPython 3.13 has another name.
            let class = object.class();
            let class =
                class.filter(|class| matches!(class.module(), "pathlib" | "pathlib._local"));
            PathClass::of(class?.name())
        });
        let (Some(object), Some(class)) = (object, class) else {
            return Err(other_class::<Self>(&value));
        };
        let mut text = String::new();
        for part in object.args() {
            let Some(part) = part.as_str() else {
                return Err(out_of_range(Self::CLASS, "a part of it is not UTF-8"));
            };
            // The first part can be the root.
            if !text.is_empty() && !text.ends_with(class.separator()) {
                text.push(class.separator());
            }
            text.push_str(part);
        }
        if text.is_empty() {
            text.push('.');
        }
        Ok(Self { class, text })
    }
}

/// A pure path of the class of this system, so that every peer can read it. Paths of the other kind
/// of system are an error, and so are those that are not UTF-8.
impl PythonType for PathBuf {
    const CLASS: &'static str = Path::CLASS;

    fn to_python(&self) -> Result<Value, Error> {
        let class = if cfg!(windows) {
            PathClass::PureWindows
        } else {
            PathClass::PurePosix
        };
        let Some(text) = self.to_str() else {
            return Err(out_of_range(Self::CLASS, "it is not UTF-8"));
        };
        Path::new(class, text).to_python()
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let path = Path::from_python(value)?;
        let is_windows = path.class.separator() == '\\';
        if is_windows == cfg!(windows) {
            return Ok(path.text.into());
        }
        let reason = format_args!("{} belongs to another system", path.class.name());
        Err(out_of_range(Self::CLASS, reason))
    }
}
