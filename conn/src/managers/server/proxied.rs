//! Objects that methods return, and that Python gets proxies of.

use std::fmt;
use std::sync::{Arc, OnceLock};

use farcall_core::Instance;
use futures_util::Stream;
use serde::{Serialize, Serializer};

use super::format::{ObjectFormat, serialize_object};
use super::service::ServiceObject;
use crate::managers::object::SharedObject;
use crate::managers::objects::{
    Array, Barrier, Condition, Dict, Event, Items, List, Lock, Namespace, Queue, RLock, Semaphore,
    Set, ValueCell,
};
use crate::managers::wire::Exception;

/// An object that stays in the server: Python gets a proxy of it. Methods return it, alone or
/// within a value, and [`Server::share`](super::Server::share) offers it.
///
/// An object that is returned alone is a proxy of the class that the Python program has registered
/// for its type id, through the manager by which the method was called. One within a value is an
/// `AutoProxy`, whose authkey is `multiprocessing.current_process().authkey`.
///
/// A proxy that a Python program has passed on to another process knows no manager, so that its
/// methods cannot return objects alone: return a list or a tuple of it there, or set
/// [`in_value`](Self::in_value).
///
/// ```
/// use farcall::conn::managers::Proxied;
/// use farcall::service;
///
/// struct Counter(i64);
///
/// #[service]
/// impl Counter {
///     pub fn child(&self) -> Proxied {
///         Proxied::new("Counter", Counter(self.0))
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Proxied {
    typeid: String,
    source: Source,
    in_value: bool,
}

#[derive(Clone)]
enum Source {
    Object(Arc<dyn SharedObject>),
    Service(Arc<LazyService>),
}

type MakeService = dyn Fn(&ObjectFormat) -> Result<Arc<dyn SharedObject>, String> + Send + Sync;

/// An object of the program, which becomes one of a server when it is returned.
struct LazyService {
    make: Box<MakeService>,
    made: OnceLock<Result<Arc<dyn SharedObject>, String>>,
}

impl Proxied {
    /// Creates a proxied object of the program, whose impl block is marked `#[service]`. The type
    /// id is the name that Python programs register a class of proxies for.
    #[must_use]
    pub fn new(typeid: impl Into<String>, instance: impl Instance) -> Self {
        let instance = Arc::new(instance);
        let make = move |format: &ObjectFormat| {
            ServiceObject::object_of(Arc::clone(&instance), format.clone())
                .map_err(|error| error.to_string())
        };
        Self {
            typeid: typeid.into(),
            source: Source::Service(Arc::new(LazyService {
                make: Box::new(make),
                made: OnceLock::new(),
            })),
            in_value: false,
        }
    }

    /// Creates an iterator of these values: of the type id `Iterator`.
    pub fn items<T: Serialize>(
        values: impl Stream<Item = Result<T, Exception>> + Send + 'static,
    ) -> Self {
        Items::new(values).into()
    }

    /// Sets the type id. Default: that of a `SyncManager`, such as `Queue`.
    #[must_use]
    pub fn with_typeid(mut self, typeid: impl Into<String>) -> Self {
        self.typeid = typeid.into();
        self
    }

    /// Sends the object as one within a value, also if it is returned alone: as an `AutoProxy`. So
    /// the method can be called by a proxy that was passed on to another process, and only by
    /// programs that have set `multiprocessing.current_process().authkey`. Default: as the class
    /// of proxies that the program has registered for the type id.
    #[must_use]
    pub fn in_value(mut self) -> Self {
        self.in_value = true;
        self
    }

    /// Returns the object, which is made if it is not yet.
    pub(super) fn object(&self, format: &ObjectFormat) -> Result<Arc<dyn SharedObject>, String> {
        match &self.source {
            Source::Object(object) => Ok(Arc::clone(object)),
            Source::Service(lazy) => lazy.made.get_or_init(|| (lazy.make)(format)).clone(),
        }
    }
}

impl Serialize for Proxied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let make = |format: &ObjectFormat| self.object(format);
        serialize_object(&self.typeid, self.in_value, make, serializer)
    }
}

impl fmt::Debug for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxied")
            .field("typeid", &self.typeid)
            .finish_non_exhaustive()
    }
}

macro_rules! from_objects {
    ($($object:ty => $typeid:literal;)*) => {$(
        impl From<Arc<$object>> for Proxied {
            fn from(object: Arc<$object>) -> Self {
                Self {
                    typeid: $typeid.to_owned(),
                    source: Source::Object(object),
                    in_value: false,
                }
            }
        }
    )*};
}

from_objects! {
    Array => "Array";
    Barrier => "Barrier";
    Condition => "Condition";
    Dict => "dict";
    Event => "Event";
    Items => "Iterator";
    List => "list";
    Lock => "Lock";
    Namespace => "Namespace";
    Queue => "Queue";
    RLock => "RLock";
    Semaphore => "Semaphore";
    Set => "set";
    ValueCell => "Value";
}
