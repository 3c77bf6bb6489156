//! Method names.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use compact_str::CompactString;

/// The method of all calls that name none of the server, as figures and spans have it.
pub(crate) const OTHER: &str = "_OTHER";

/// The name of a method. Names of up to 24 bytes need no allocation.
///
/// Functions take method names as `impl Into<Name>`: a reference to any string (`&str`, `&String`,
/// `&Name`, `&Cow<str>`, an item of an iterator over those), or an owned string (`String`, `Name`,
/// `Cow<str>`, `Box<str>`).
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(CompactString);

impl Name {
    /// The name as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Covers references to all string types. A list of types would always miss one, such as the
/// `&&str` of an iterator over an array of names.
impl<T: AsRef<str> + ?Sized> From<&T> for Name {
    fn from(name: &T) -> Self {
        Self(name.as_ref().into())
    }
}

macro_rules! from_owned {
    ($($string:ty)*) => {$(
        impl From<$string> for Name {
            fn from(name: $string) -> Self {
                Self(name.into())
            }
        }
    )*};
}

from_owned! { String Box<str> Cow<'_, str> }

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn name(name: impl Into<Name>) -> Name {
        name.into()
    }

    #[test]
    fn every_string_type_converts_to_a_name() {
        let string = String::from("add");
        let boxed: Box<str> = "add".into();
        let shared: Arc<str> = "add".into();
        let compact = CompactString::from("add");
        let borrowed = Cow::Borrowed("add");
        let owned: Cow<'_, str> = Cow::Owned(string.clone());
        let add = Name::from("add");
        let mut mutable = string.clone();
        let mutable: &mut str = mutable.as_mut_str();
        let names = [
            name("add"),
            name(&string),
            name(string.as_str()),
            name(&*mutable),
            name(&boxed),
            name(&shared),
            name(&compact),
            name(&borrowed),
            name(&add),
            name(add.clone()),
            name(boxed.clone()),
            name(borrowed.clone()),
            name(owned),
            name(string.clone()),
        ];
        for name in names {
            assert_eq!(name, add);
        }
        let listed: Vec<Name> = ["add", "sub"].iter().map(name).collect();
        assert_eq!(listed, [add, "sub".into()]);
    }
}
