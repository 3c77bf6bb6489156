//! Newtypes with reserved names, and what they contain.

use serde::Serialize;

use super::PickleWriter;
use super::compound::{Compound, CompoundShape};
use super::value_form::ValueForm;
use crate::classes::DateTime;
use crate::error::Error;
use crate::names::NewtypeKind;
use crate::opcode;
use crate::value::ValueKind;

impl<'p> PickleWriter<'p> {
    /// Writes the content of a newtype with a reserved name.
    pub(super) fn newtype<T: Serialize + ?Sized>(
        &mut self,
        kind: NewtypeKind,
        value: &T,
    ) -> Result<(), Error> {
        let form = match kind {
            NewtypeKind::Value => {
                // Each `Value` numbers its shared values separately.
                self.shared.clear();
                return value.serialize(self);
            }
            NewtypeKind::CoreValue => return value.serialize(self),
            NewtypeKind::Set => ValueForm::Content(ValueKind::Set),
            NewtypeKind::FrozenSet => ValueForm::Content(ValueKind::FrozenSet),
            NewtypeKind::Tuple => ValueForm::Content(ValueKind::Tuple),
            NewtypeKind::ByteArray => ValueForm::Content(ValueKind::ByteArray),
            kind => ValueForm::Newtype(kind),
        };
        self.next = form;
        value.serialize(&mut *self)?;
        if self.next == form {
            // The value has no form that depends on it.
            return Err(Error::unrepresentable(format!(
                "the content of {} has another type than it needs",
                kind.name()
            )));
        }
        Ok(())
    }

    /// Writes a call without arguments.
    pub(super) fn call(&mut self, module: &str, name: &str) {
        self.class(module, name);
        self.out.extend(&[opcode::EMPTY_TUPLE, opcode::REDUCE]);
    }

    /// Writes an array of numpy up to its parts. The names of its modules are those that every
    /// version of numpy reads without a warning.
    pub(super) fn numpy_array(&mut self) -> Result<Compound<'_, 'p>, Error> {
        self.class("numpy.core.multiarray", "_reconstruct");
        self.class("numpy", "ndarray");
        // An empty array, whose element type is bytes until its state is set.
        self.out.int(0);
        self.out.push(opcode::TUPLE1);
        self.out.bytes(b"b");
        self.out.extend(&[opcode::TUPLE3, opcode::REDUCE]);
        let mut parts = Compound::open(self, CompoundShape::NumpyArray { parts: 0 })?;
        // The state and the shape in it are levels too.
        parts.deeper()?;
        parts.version();
        Ok(parts)
    }

    /// Writes an `array.array` up to its parts.
    pub(super) fn array_array(&mut self) -> Result<Compound<'_, 'p>, Error> {
        self.class("array", "_array_reconstructor");
        let start = self.out.len();
        let mut parts = Compound::open(self, CompoundShape::ArrayArray { parts: 0, start })?;
        parts.deeper()?;
        Ok(parts)
    }

    /// Writes an element type such as `<f8` as a `numpy.dtype`.
    pub(super) fn element_type(&mut self, text: &str) -> Result<(), Error> {
        self.next = ValueForm::Plain;
        let (order, code) = text.split_at_checked(1).unwrap_or((text, ""));
        self.class("numpy", "dtype");
        self.out.text(code);
        self.out.extend(&[
            opcode::NEWFALSE,
            opcode::NEWTRUE,
            opcode::TUPLE3,
            opcode::REDUCE,
            opcode::MARK,
        ]);
        // The version of its state.
        self.out.int(3);
        self.out.text(order);
        self.out.extend(&[opcode::NONE; 3]);
        // Size, alignment and flags, which only structured types have.
        self.out.int(-1);
        self.out.int(-1);
        self.out.int(0);
        self.out.extend(&[opcode::TUPLE, opcode::BUILD]);
        Ok(())
    }

    /// Writes an element type such as `<f8` as the type code and the machine format of an
    /// `array.array`.
    pub(super) fn type_code(&mut self, text: &str) -> Result<(), Error> {
        self.next = ValueForm::Plain;
        let Some((code, format)) = crate::array::type_code(text) else {
            return Err(Error::unrepresentable(format!(
                "array.array has no elements of type {text}"
            )));
        };
        self.out.text(code.encode_utf8(&mut [0; 4]));
        self.out.int(format.into());
        Ok(())
    }

    /// Writes the text of a date and time as a `datetime.datetime`.
    pub(super) fn datetime(&mut self, text: &str) -> Result<(), Error> {
        self.next = ValueForm::Plain;
        let datetime: DateTime = text.parse()?;
        crate::classes::serialize(&datetime, self)
    }
}
