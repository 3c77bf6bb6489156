//! Namespaces: `multiprocessing.managers.Namespace`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::managers::object::{
    Answer, MethodCall, Raises, SharedObject, Stored, debug_by_repr, encode, lock, names, no_method,
};
use crate::managers::wire::Exception;

/// Attributes with values, as `Namespace` of a `SyncManager`.
#[derive(Default)]
pub struct Namespace {
    attributes: Mutex<BTreeMap<String, Stored>>,
}

impl Namespace {
    /// Creates a namespace without attributes.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let arguments = std::mem::take(&mut call.args);
        if !arguments.positional.is_empty() {
            let text = "Namespace() takes keyword arguments only";
            return Err(Exception::with_text("TypeError", text));
        }
        Ok(Arc::new(Self {
            attributes: Mutex::new(arguments.keywords.into_iter().collect()),
        }))
    }

    /// Returns the value of an attribute.
    ///
    /// # Errors
    /// `AttributeError` if there is none of this name; `TypeError` if its value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Exception> {
        self.attribute(name)?.decode()
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// `TypeError` if the value cannot be pickled.
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Exception> {
        self.store(name.to_owned(), encode(value)?.into());
        Ok(())
    }

    fn attribute(&self, name: &str) -> Raises<Stored> {
        let value = lock(&self.attributes).get(name).cloned();
        value.ok_or_else(|| no_attribute(name))
    }

    fn store(&self, name: String, value: Stored) {
        // Dropped after the lock: it may hold objects.
        let old = lock(&self.attributes).insert(name, value);
        drop(old);
    }
}

fn no_attribute(name: &str) -> Exception {
    let text = format!("'Namespace' object has no attribute '{name}'");
    Exception::with_text("AttributeError", text)
}

impl SharedObject for Namespace {
    fn exposed(&self) -> Vec<String> {
        names(&["__delattr__", "__getattribute__", "__setattr__"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "__getattribute__" => {
                let [name] = call.bind_all(["name"])?;
                Answer::stored(self.attribute(&name.text()?)?)
            }
            "__setattr__" => {
                let [name, value] = call.bind_all(["name", "value"])?;
                self.store(name.text()?, value);
                Answer::none()
            }
            "__delattr__" => {
                let [name] = call.bind_all(["name"])?;
                let name = name.text()?;
                let old = lock(&self.attributes).remove(&name);
                match old {
                    Some(_) => Answer::none(),
                    None => Err(no_attribute(&name)),
                }
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let attributes = lock(&self.attributes).clone();
        let shown = attributes
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, value)| format!("{name}={}", value.value().unwrap_or_default()));
        format!("Namespace({})", shown.collect::<Vec<_>>().join(", "))
    }
}

debug_by_repr!(Namespace);
