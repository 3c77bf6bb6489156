//! Objects whose methods are registered together.

use std::sync::Arc;

use super::Method;
use crate::format::Format;

/// An object whose methods can be called remotely. Implemented by `#[service]` on its impl block.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object with remote methods",
    label = "mark its impl block with `#[service]`"
)]
pub trait Instance: Send + Sync + 'static {
    /// The prefix of the names of its methods, without the dot. Default: none.
    const PREFIX: &'static str = "";

    /// Adds the methods of the object to `into`.
    fn register<F: Format>(self: Arc<Self>, into: &mut Registrar<F>);
}

impl<T: Instance> Instance for Arc<T> {
    const PREFIX: &'static str = T::PREFIX;

    fn register<F: Format>(self: Arc<Self>, into: &mut Registrar<F>) {
        T::register(Self::clone(&self), into);
    }
}

/// Collects the methods of an object, so that all or none of them are registered.
#[derive(Debug)]
pub struct Registrar<F: Format> {
    prefix: String,
    methods: Vec<Method<F>>,
}

impl<F: Format> Registrar<F> {
    /// Collects the methods of an object, under `prefix`.
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

    /// Adds the methods of a nested object, under `prefix.`. Names are resolved once, at
    /// registration: a name that a caller sends never traverses objects.
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
