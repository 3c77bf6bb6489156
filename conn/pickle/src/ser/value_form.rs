//! Form of a value, where serde's data model does not determine it.

use crate::names::NewtypeKind;
use crate::value::ValueKind;

/// Form in which the next value is written: a Python type, or a part of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum ValueForm {
    #[default]
    Plain,
    /// The content of a variant of this kind.
    Content(ValueKind),
    Pair,
    /// The keyword arguments, followed by the opcode that creates the instance.
    Kwargs {
        new: bool,
    },
    Items,
    Entries,
    State,
    /// The content of a newtype with a reserved name.
    Newtype(NewtypeKind),
    /// The element type of an array of numpy.
    ElementType,
    /// The element type of an `array.array`.
    TypeCode,
}
