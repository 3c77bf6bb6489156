//! Deserialisation of instances of Python classes.

use serde::de::{Expected, Visitor};

use super::NodeDe;
use super::access::EntryAccess;
use crate::error::Error;
use crate::names::{self, Form};
use crate::nodes::{Chain, ClassNode, Data, Id, NONE, ObjectNode};

/// Form of an instance for types that its class is not mapped to.
enum InstanceForm {
    Map,
    Seq,
    Opaque,
}

impl<'a, 'm> NodeDe<'a, 'm> {
    /// Reads an instance into a type that accepts any value.
    pub(super) fn instance<'de, V: Visitor<'de>>(
        self,
        index: u32,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let object = self.object(index);
        if let Some(array) = self.array(&object)? {
            return array.read(&self, visitor);
        }
        match self.form(&object) {
            InstanceForm::Seq => self.seq(self.arena().chain(object.items), visitor),
            InstanceForm::Map => match self.counter(&object) {
                Some(dict) => self.reader.node(dict, self.deeper()?)?.any(visitor),
                None => self.map(self.arena().chain(object.entries), visitor),
            },
            InstanceForm::Opaque if self.is_instance(&object, None) => {
                self.attributes(&object, Form::Default, visitor)
            }
            InstanceForm::Opaque => Err(self.unmapped(&visitor)),
        }
    }

    /// Reads a struct from a dict or an instance.
    pub(super) fn structure<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.data() {
            Data::Dict(chain) => self.map(self.arena().chain(chain), visitor),
            Data::Object(index) => match (self.mapped(name), self.form(&self.object(index))) {
                (Some((object, form)), _) => self.attributes(&object, form, visitor),
                (None, InstanceForm::Map) => self.instance(index, visitor),
                (None, _) => Err(self.unmapped(&visitor)),
            },
            _ => Err(self.mismatch(&visitor)),
        }
    }

    /// Reads a tuple struct from the arguments of the instance.
    pub(super) fn positional<'de, V: Visitor<'de>>(
        self,
        object: &ObjectNode,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.seq(self.arena().args(object), visitor)
    }

    /// Reads a struct of one unnamed field from the only argument of the instance.
    pub(super) fn single<'de, V: Visitor<'de>>(
        self,
        object: &ObjectNode,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let only = self.only_argument(object, &visitor)?;
        visitor.visit_newtype_struct(only)
    }

    /// Returns the only argument of the instance.
    pub(super) fn only_argument(
        self,
        object: &ObjectNode,
        expected: &dyn Expected,
    ) -> Result<Self, Error> {
        match self.arena().as_tuple(object.args) {
            Some(&[only]) => self.reader.node(only, self.deeper()?),
            args => {
                let count = args.map_or(0, <[Id]>::len);
                let text = format!("an instance with {count} arguments");
                Err(Error::mismatch(self.at(), text, expected))
            }
        }
    }

    /// Reads the attributes of an instance. Without a state, or if the fields are its arguments, it
    /// reads the arguments or, if there are none, the entries.
    pub(super) fn attributes<'de, V: Visitor<'de>>(
        self,
        object: &ObjectNode,
        form: Form,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let arena = self.arena();
        let has_args = !arena.as_tuple(object.args).unwrap_or_default().is_empty();
        if object.state == NONE || has_args && matches!(form, Form::New | Form::Call) {
            return match arena.as_tuple(object.args) {
                None | Some([]) => self.map(arena.chain(object.entries), visitor),
                Some(_) => self.positional(object, visitor),
            };
        }
        // The state is a separate value, one level down.
        let state = self.reader.node(object.state, self.deeper()?)?;
        if let Some([dict, slots]) = arena.as_slots(object.state) {
            let entries = |id| arena.chain(arena.as_dict(id).unwrap_or(Chain::EMPTY));
            let map = EntryAccess::new(self.reader, entries(dict), state.deeper()?);
            return visitor.visit_map(map.followed_by(entries(slots)));
        }
        match arena.data(object.state) {
            Data::Dict(chain) => state.map(arena.chain(chain), visitor),
            // The state of a frozen dataclass with slots is the list of its field values.
            Data::List(chain) => state.seq(arena.chain(chain), visitor),
            data => Err(Error::mismatch(
                self.at(),
                format!(
                    "{} with {} as its state",
                    arena.describe(self.id),
                    data.kind()
                ),
                &visitor,
            )),
        }
    }

    /// Returns the instance and the form of its fields, if its class is mapped to the struct of
    /// this name.
    pub(super) fn mapped(&self, name: &str) -> Option<(ObjectNode, Form)> {
        let Data::Object(index) = self.arena().data(self.id) else {
            return None;
        };
        let object = self.object(index);
        let form = names::class_in(name).map_or(Form::Default, |class| class.form);
        self.is_instance(&object, Some(name))
            .then_some((object, form))
    }

    /// Returns the instance with this index. In protocols 0 and 1, a kind of tuple, such as a named
    /// tuple, is a call of a function of `copyreg` with the class and the tuple.
    pub(super) fn object(&self, index: u32) -> ObjectNode {
        let arena = self.arena();
        let object = arena.objects[index as usize];
        let Some(("copyreg", "_reconstructor")) = self.class_name(&object) else {
            return object;
        };
        match arena.as_tuple(object.args) {
            Some(&[class, base, tuple])
                if arena.as_tuple(tuple).is_some()
                    && arena.as_class(base).is_some_and(|base| {
                        (base.module, &*base.name) == ("builtins", "tuple")
                    }) =>
            {
                ObjectNode {
                    callable: class,
                    args: tuple,
                    ..object
                }
            }
            _ => object,
        }
    }

    /// Returns `true` if the class of the instance is mapped to this type, or to any type if `name`
    /// is `None`.
    fn is_instance(&self, object: &ObjectNode, name: Option<&str>) -> bool {
        let class = self.arena().as_class(object.callable);
        class.is_some_and(|class| self.is_mapped(class, name))
    }

    /// Returns `true` if the class is mapped to this type, or to any type if `name` is `None`.
    pub(super) fn is_mapped(&self, class: &ClassNode<'_>, name: Option<&str>) -> bool {
        let named = name.and_then(names::class_in);
        named.is_some_and(|mapped| mapped.is(class.module, &class.name))
            || self.reader.classes.iter().any(|mapping| {
                name.is_none_or(|name| mapping.name == name)
                    && mapping.class.module() == class.module
                    && mapping.class.name() == class.name
            })
    }

    fn form(&self, object: &ObjectNode) -> InstanceForm {
        if !object.items.is_empty() {
            return InstanceForm::Seq;
        }
        if !object.entries.is_empty() || self.counter(object).is_some() {
            return InstanceForm::Map;
        }
        // Some classes are recognised even if the instance is empty.
        match self.class_name(object) {
            Some(("collections", "deque")) => InstanceForm::Seq,
            Some(("collections", "OrderedDict" | "defaultdict" | "Counter")) => InstanceForm::Map,
            _ => InstanceForm::Opaque,
        }
    }

    /// Returns the dict of a `Counter`, which is its argument.
    fn counter(&self, object: &ObjectNode) -> Option<Id> {
        let &[dict] = self.arena().as_tuple(object.args)? else {
            return None;
        };
        let is_counter = self.class_name(object)? == ("collections", "Counter");
        (is_counter && self.arena().as_dict(dict).is_some()).then_some(dict)
    }

    pub(super) fn class_name(&self, object: &ObjectNode) -> Option<(&'a str, &'a str)> {
        let class = self.arena().as_class(object.callable)?;
        Some((class.module, &class.name))
    }

    pub(super) fn unmapped<'de, V: Visitor<'de>>(&self, expected: &V) -> Error {
        let found = self.arena().describe(self.id);
        Error::mismatch(
            self.at(),
            format!("{found}, whose class is not mapped to it (see Pickle::class)"),
            expected,
        )
    }
}
