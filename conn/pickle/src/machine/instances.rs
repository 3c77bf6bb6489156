//! Opcodes of classes and instances. The machine records the instances, and never creates them.

use super::{Machine, known_calls};
use crate::error::Error;
use crate::nodes::{Chain, ClassNode, Data, Id, NONE, ObjectNode};
use crate::python2_names;

impl<'m> Machine<'m> {
    pub(super) fn global(&mut self) -> Result<(), Error> {
        let module = self.input.line()?;
        let name = self.input.line()?;
        self.class(module, name)
    }

    pub(super) fn stack_global(&mut self) -> Result<(), Error> {
        let name = self.pop()?;
        let module = self.pop()?;
        match (self.message_text_of(module)?, self.message_text_of(name)?) {
            (Some(module), Some(name)) => self.class(module, name),
            _ => Err(self.structure("the name of a class is not a str")),
        }
    }

    fn class(&mut self, module: &'m str, name: &'m str) -> Result<(), Error> {
        let (module, name) = if self.python2_names {
            python2_names::to_python3(module, name)
        } else {
            (module, name)
        };
        self.push_class(ClassNode {
            module,
            name: name.into(),
        })
    }

    pub(crate) fn push_class(&mut self, class: ClassNode<'m>) -> Result<(), Error> {
        let index = self.arena.classes.len() as u32;
        self.push(Data::Class(index))?;
        self.arena.classes.push(class);
        Ok(())
    }

    pub(super) fn object(
        &mut self,
        callable: Id,
        args: Id,
        kwargs: Id,
        reduced: bool,
    ) -> Result<(), Error> {
        if !matches!(self.arena.data(callable), Data::Class(_) | Data::Object(_)) {
            let found = self.arena.describe(callable);
            return Err(self.structure(format!("{found} is not callable")));
        }
        if !matches!(self.arena.data(args), Data::Tuple(_)) {
            let found = self.arena.describe(args);
            return Err(self.structure(format!("the arguments are {found}, not a tuple")));
        }
        if kwargs != NONE && !matches!(self.arena.data(kwargs), Data::Dict(_)) {
            let found = self.arena.describe(kwargs);
            return Err(self.structure(format!("the keyword arguments are {found}, not a dict")));
        }
        if reduced && known_calls::resolve(self, callable, args)? {
            return Ok(());
        }
        let index = self.arena.objects.len() as u32;
        self.push(Data::Object(index))?;
        self.arena.objects.push(ObjectNode {
            callable,
            args,
            kwargs,
            state: NONE,
            items: Chain::EMPTY,
            entries: Chain::EMPTY,
            reduced,
        });
        Ok(())
    }

    pub(super) fn build(&mut self) -> Result<(), Error> {
        let state = self.pop()?;
        let target = self.top()?;
        let Data::Object(index) = self.arena.data(target) else {
            let found = self.arena.describe(target);
            return Err(self.structure(format!("BUILD cannot set the state of {found}")));
        };
        let object = &mut self.arena.objects[index as usize];
        if object.state != NONE {
            return Err(self.structure("BUILD sets the state of an object a second time"));
        }
        object.state = state;
        Ok(())
    }
}
