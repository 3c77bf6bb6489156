//! Reserved names by which types tell the codec their form in Python.
//!
//! Serde passes the names of structs and variants to every format, and most formats ignore them. A
//! name with the prefix of this module is one that no program uses by chance.

/// Start of the name of a struct or variant that is an instance of a class. The name of its
/// [`Form`] follows, then a space and the class. The attribute `#[pickle(class = "…")]` writes such
/// names.
const CLASS: &str = "$farcall::pickle::class ";

/// The form in which an instance is written. All of these are read, whichever is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Named fields are a state, and unnamed fields arguments of `__new__`.
    #[default]
    Default,
    /// The fields are a state for `__slots__`.
    Slots,
    /// The fields are a state that is a list, as that of frozen dataclasses with slots.
    Fields,
    /// The fields are arguments of `__new__`, in their order.
    New,
    /// The fields are arguments of a call of the class, in their order.
    Call,
    /// Of a variant: its content is the instance.
    Content,
}

impl Form {
    const fn of(name: &str) -> Option<Self> {
        Some(match name.as_bytes() {
            b"default" => Self::Default,
            b"slots" => Self::Slots,
            b"fields" => Self::Fields,
            b"new" => Self::New,
            b"call" => Self::Call,
            b"content" => Self::Content,
            _ => return None,
        })
    }
}

/// A class that a struct or variant is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MappedClass<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) form: Form,
}

impl MappedClass<'_> {
    /// Returns `true` if it is the class of this name.
    pub(crate) fn is(&self, module: &str, name: &str) -> bool {
        self.module == module && self.name == name
    }
}

/// Returns the class that the name of a struct or variant contains, if it is a reserved one.
pub(crate) fn class_in(name: &str) -> Option<MappedClass<'_>> {
    let (form, class) = name.strip_prefix(CLASS)?.split_once(' ')?;
    let (module, name) = split(class);
    let form = Form::of(form)?;
    Some(MappedClass { module, name, form })
}

/// Returns the part of a name that people know: the class in a reserved name.
pub(crate) fn readable(name: &str) -> &str {
    let class = name
        .strip_prefix(CLASS)
        .and_then(|rest| rest.split_once(' '));
    class.map_or(name, |(_, class)| class)
}

/// Splits the text of a class into its module and its name in the module. See [`Class`].
///
/// [`Class`]: crate::Class
pub(crate) fn split(text: &str) -> (&str, &str) {
    text.split_once(':')
        .or_else(|| text.rsplit_once('.'))
        .unwrap_or(("builtins", text))
}

/// Declares the newtype names of values with a form of their own, and tells them apart.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal;)*) => {
        /// A form of a value that serde's data model does not have. A newtype of a reserved name
        /// has it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum NewtypeKind {
            $($(#[$doc])* $kind,)*
        }

        impl NewtypeKind {
            /// Returns the name of the newtype.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Returns the kind of this name.
            pub(crate) fn of(name: &str) -> Option<Self> {
                // Few types have a name of this kind, so most searches end here.
                if !name.starts_with("$farcall::") {
                    return None;
                }
                match name {
                    $($name => Some(Self::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Code of a value that was not decoded, without entries of the memo.
    RawValue = "$farcall::pickle::RawValue";
    /// The same, with entries of the memo, which are numbered anew.
    LinkedRawValue = "$farcall::pickle::LinkedRawValue";
    /// A sequence as a `set`.
    Set = "$farcall::pickle::set";
    /// A sequence as a `frozenset`.
    FrozenSet = "$farcall::pickle::frozenset";
    /// A sequence as a `tuple`.
    Tuple = "$farcall::pickle::tuple";
    /// A sequence as a `collections.deque`.
    Deque = "$farcall::pickle::deque";
    /// A map as a `collections.OrderedDict`.
    OrderedDict = "$farcall::pickle::OrderedDict";
    /// A map as a `collections.Counter`.
    Counter = "$farcall::pickle::Counter";
    /// Bytes as a `bytearray`.
    ByteArray = "$farcall::pickle::bytearray";
    /// An array of numpy: its shape, element type, whether its order is that of Fortran, and its
    /// bytes.
    NumpyArray = "$farcall::pickle::numpy.ndarray";
    /// An `array.array`: in the same form as an array of numpy.
    ArrayArray = "$farcall::pickle::array.array";
    /// A [`Value`](crate::Value).
    Value = "$farcall::pickle::Value";
    /// The text of a date and time, as `farcall::DateTime` is serialised.
    DateTimeText = "$farcall::DateTime";
    /// A request for any value, in which a date and time is a newtype of its text.
    CoreValue = "$farcall::Value";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_contain_a_class() {
        for (name, module, class, form) in [
            (
                "default app.models.Point",
                "app.models",
                "Point",
                Form::Default,
            ),
            ("slots app:Shape.Kind", "app", "Shape.Kind", Form::Slots),
            ("call ValueError", "builtins", "ValueError", Form::Call),
        ] {
            let name = format!("{CLASS}{name}");
            let found = class_in(&name).unwrap();
            assert_eq!(
                (found.module, found.name, found.form),
                (module, class, form)
            );
        }
        for name in [
            "Point",
            "$farcall::pickle::class Point",
            "$farcall::pickle::class x a.B",
        ] {
            assert_eq!(class_in(name), None);
        }
        assert_eq!(readable("$farcall::pickle::class call a.B"), "a.B");
        assert_eq!(readable("Point"), "Point");
    }

    #[test]
    fn newtypes_are_known_by_their_names() {
        assert_eq!(
            NewtypeKind::of(NewtypeKind::Set.name()),
            Some(NewtypeKind::Set)
        );
        assert_eq!(NewtypeKind::Value.name(), crate::VALUE_NAME);
        assert_eq!(NewtypeKind::of("$farcall::pickle::Other"), None);
    }
}
