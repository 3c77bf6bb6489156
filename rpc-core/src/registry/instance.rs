//! Objects, whose methods are registered all or none.

use std::sync::Arc;

use super::Method;
use crate::format::Format;

/// An object whose methods can be called remotely. `#[service]` on its impl block writes this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object with remote methods",
    label = "mark its impl block with `#[service]`"
)]
pub trait Instance: Send + Sync + 'static {
    /// What stands before the names of its methods, without the dot. Default: nothing.
    const PREFIX: &'static str = "";

    /// Registers one method for each method of the object.
    fn register<F: Format>(self: Arc<Self>, into: &mut Registrar<F>);
}

impl<T: Instance> Instance for Arc<T> {
    const PREFIX: &'static str = T::PREFIX;

    fn register<F: Format>(self: Arc<Self>, into: &mut Registrar<F>) {
        T::register(Self::clone(&self), into);
    }
}

/// Collects the methods of an object, so that they are registered all or none.
#[derive(Debug)]
pub struct Registrar<F: Format> {
    prefix: String,
    methods: Vec<Method<F>>,
}

impl<F: Format> Registrar<F> {
    /// All methods of an object, under this prefix.
    pub(super) fn methods_of<I: Instance>(prefix: &str, instance: I) -> Vec<Method<F>> {
        let mut registrar = Self {
            prefix: String::new(),
            methods: Vec::new(),
        };
        registrar.nested(prefix, instance);
        registrar.methods
    }

    /// Adds a method of the object.
    pub fn method(&mut self, mut method: Method<F>) {
        if !self.prefix.is_empty() {
            method.name = format!("{}{}", self.prefix, method.name).into();
        }
        self.methods.push(method);
    }

    /// Adds the methods of an object that this one holds, under `prefix.`. The table is made here,
    /// once: no name that a caller sends is ever followed through objects.
    pub fn nested<I: Instance>(&mut self, prefix: &str, instance: I) {
        let outer = self.prefix.len();
        if !prefix.is_empty() {
            self.prefix.push_str(prefix);
            self.prefix.push('.');
        }
        Arc::new(instance).register(self);
        self.prefix.truncate(outer);
    }
}
