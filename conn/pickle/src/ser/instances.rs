//! Structs and variants as instances of classes.

use serde::Serialize;

use super::PickleWriter;
use super::compound::{Compound, CompoundShape};
use crate::error::Error;
use crate::names::{Form, MappedClass};
use crate::opcode;

impl<'p> PickleWriter<'p> {
    /// Writes a member of a Python enum, by its name.
    pub(super) fn member(&mut self, class: MappedClass<'_>, member: &str) {
        self.class(class.module, &format!("{}.{member}", class.name));
    }

    pub(super) fn unit_instance(&mut self, class: MappedClass<'_>) {
        self.class(class.module, class.name);
        self.out
            .extend(&[opcode::EMPTY_TUPLE, creation(class.form)]);
    }

    pub(super) fn newtype_instance<T: Serialize + ?Sized>(
        &mut self,
        class: MappedClass<'_>,
        value: &T,
    ) -> Result<(), Error> {
        if class.form == Form::Content {
            return value.serialize(self);
        }
        let depth = self.depth;
        self.deeper()?;
        self.deeper()?;
        self.class(class.module, class.name);
        value.serialize(&mut *self)?;
        self.out.extend(&[opcode::TUPLE1, creation(class.form)]);
        self.depth = depth;
        Ok(())
    }

    pub(super) fn tuple_instance(
        &mut self,
        class: MappedClass<'_>,
        len: usize,
    ) -> Result<Compound<'_, 'p>, Error> {
        self.class(class.module, class.name);
        let tail = match creation(class.form) {
            opcode::REDUCE => &[opcode::REDUCE],
            _ => &[opcode::NEWOBJ],
        };
        // The instance is a level, as is the tuple of its arguments.
        Compound::open_level(self, CompoundShape::tuple(len), tail)
    }

    pub(super) fn struct_instance(
        &mut self,
        class: MappedClass<'_>,
        len: usize,
    ) -> Result<Compound<'_, 'p>, Error> {
        if matches!(class.form, Form::New | Form::Call) {
            let mut arguments = self.tuple_instance(class, len)?;
            arguments.omit_names();
            return Ok(arguments);
        }
        self.class(class.module, class.name);
        self.out.extend(&[opcode::EMPTY_TUPLE, opcode::NEWOBJ]);
        match class.form {
            Form::Slots => {
                // The state is a tuple of the attributes in `__dict__`, and those in slots.
                self.out.push(opcode::NONE);
                let tail = &[opcode::TUPLE2, opcode::BUILD];
                let mut slots = Compound::open_level(self, CompoundShape::map(), tail)?;
                slots.deeper()?;
                Ok(slots)
            }
            Form::Fields => {
                let list = CompoundShape::list();
                let mut fields = Compound::open_level(self, list, &[opcode::BUILD])?;
                fields.omit_names();
                Ok(fields)
            }
            _ => Compound::open_level(self, CompoundShape::map(), &[opcode::BUILD]),
        }
    }
}

/// Returns the opcode that creates an instance.
const fn creation(form: Form) -> u8 {
    match form {
        Form::Call => opcode::REDUCE,
        _ => opcode::NEWOBJ,
    }
}
