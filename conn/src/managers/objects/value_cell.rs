//! Single values: `multiprocessing.managers.Value`.

use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::managers::object::{
    Answer, MethodCall, Raises, SharedObject, Stored, debug_by_repr, encode, lock, names, no_method,
};
use crate::managers::wire::Exception;

/// Single value, as `Value` of a `SyncManager`. Its type code is kept, and not enforced.
pub struct ValueCell {
    typecode: String,
    value: Mutex<Stored>,
}

impl ValueCell {
    /// Creates a cell with a type code, such as `i`, and a value.
    ///
    /// # Errors
    /// `TypeError` if the value cannot be pickled.
    pub fn new<T: Serialize + ?Sized>(typecode: &str, value: &T) -> Result<Arc<Self>, Exception> {
        Ok(Arc::new(Self {
            typecode: typecode.to_owned(),
            value: Mutex::new(encode(value)?.into()),
        }))
    }

    pub(crate) fn create(call: &mut MethodCall) -> Raises<Arc<Self>> {
        let [typecode, value, _lock] = call.bind(["typecode", "value", "lock"], 2)?;
        let typecode = typecode.unwrap_or_default();
        Ok(Arc::new(Self {
            // It may be a type of ctypes, too.
            typecode: typecode.text().unwrap_or_else(|_| "object".to_owned()),
            value: Mutex::new(value.unwrap_or_default()),
        }))
    }

    /// Returns the value.
    ///
    /// # Errors
    /// `TypeError` if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, Exception> {
        let value = lock(&self.value).clone();
        value.decode()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// `TypeError` if it cannot be pickled.
    pub fn set<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Exception> {
        self.store(encode(value)?.into());
        Ok(())
    }

    fn store(&self, value: Stored) {
        // Dropped after the lock: it may hold objects.
        let old = std::mem::replace(&mut *lock(&self.value), value);
        drop(old);
    }
}

impl SharedObject for ValueCell {
    fn exposed(&self) -> Vec<String> {
        names(&["get", "set"])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        match &*call.method {
            "get" => {
                call.bind_none()?;
                let value = lock(&self.value).clone();
                Answer::stored(value)
            }
            "set" => {
                let [value] = call.bind_all(["value"])?;
                self.store(value);
                Answer::none()
            }
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let value = lock(&self.value).clone();
        let shown = value.value().unwrap_or_default();
        format!("Value('{}', {shown})", self.typecode)
    }
}

debug_by_repr!(ValueCell);
