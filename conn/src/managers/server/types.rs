//! The types of objects that clients can create.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, RwLock};

use farcall_core::Instance;
use farcall_core::protocol::handler::{FromCall, Function};

use super::format::ObjectFormat;
use super::pool::MethodPool;
use super::service::{ServiceObject, arguments, call_with};
use crate::managers::object::{MethodCall, Raises, SharedObject};
use crate::managers::objects::{
    Array, Barrier, Condition, Dict, Event, List, Lock, Namespace, Queue, QueueOrder, RLock,
    Semaphore, Set, ValueCell,
};
use crate::managers::wire::Exception;

type Create = dyn Fn(&ObjectFormat, &mut MethodCall) -> Raises<Arc<dyn SharedObject>> + Send + Sync;

/// The constructors by type id.
pub(super) struct Types {
    creators: RwLock<HashMap<String, Arc<Create>>>,
}

impl Types {
    /// Returns the types of a `SyncManager`, and the other queues and `set`.
    pub(super) fn standard() -> Self {
        let types = Self {
            creators: RwLock::default(),
        };
        for typeid in ["Queue", "JoinableQueue"] {
            types.add(typeid, |call| {
                Ok(Queue::create(call, QueueOrder::Fifo)? as _)
            });
        }
        types.add("LifoQueue", |call| {
            Ok(Queue::create(call, QueueOrder::Lifo)? as _)
        });
        types.add("PriorityQueue", |call| {
            Ok(Queue::create(call, QueueOrder::Priority)? as _)
        });
        types.add("dict", |call| Ok(Dict::create(call)? as _));
        types.add("list", |call| Ok(List::create(call)? as _));
        types.add("set", |call| Ok(Set::create(call)? as _));
        types.add("Namespace", |call| Ok(Namespace::create(call)? as _));
        types.add("Value", |call| Ok(ValueCell::create(call)? as _));
        types.add("Array", |call| Ok(Array::create(call)? as _));
        types.add("Lock", |call| {
            call.bind_none()?;
            Ok(Lock::new() as _)
        });
        types.add("RLock", |call| {
            call.bind_none()?;
            Ok(RLock::new() as _)
        });
        types.add("Semaphore", |call| Ok(Semaphore::create(call, false)? as _));
        types.add("BoundedSemaphore", |call| {
            Ok(Semaphore::create(call, true)? as _)
        });
        types.add("Event", |call| {
            call.bind_none()?;
            Ok(Event::new() as _)
        });
        types.add("Condition", |call| Ok(Condition::create(call)? as _));
        types.add("Barrier", |call| Ok(Barrier::create(call)? as _));
        types
    }

    fn add(
        &self,
        typeid: &str,
        create: impl Fn(&mut MethodCall) -> Raises<Arc<dyn SharedObject>> + Send + Sync + 'static,
    ) {
        self.insert(typeid.to_owned(), Arc::new(move |_, call| create(call)));
    }

    fn insert(&self, typeid: String, create: Arc<Create>) {
        let mut creators = self
            .creators
            .write()
            .unwrap_or_else(|error| error.into_inner());
        creators.insert(typeid, create);
    }

    /// Adds a type of the program.
    pub(super) fn add_service<H, A, Cx, I>(
        &self,
        typeid: String,
        names: &'static [&'static str],
        constructor: H,
    ) where
        H: Function<A, Output = I>,
        A: FromCall<Cx>,
        I: Instance,
    {
        let name = typeid.clone();
        let create = move |format: &ObjectFormat, call: &mut MethodCall| {
            let args = arguments(&name, names, std::mem::take(&mut call.args))?;
            let mut call = call_with(format, &call.context, &name, &args)?;
            let args = A::from_call(&mut call)
                .map_err(|error| Exception::with_text("TypeError", error.to_string()))?;
            let made = catch_unwind(AssertUnwindSafe(|| constructor.invoke(args)));
            let instance = made.map_err(|_| {
                Exception::with_text("RuntimeError", "the constructor of the object panicked")
            })?;
            ServiceObject::object_of(instance, format.clone())
                .map_err(|error| Exception::with_text("RuntimeError", error.to_string()))
        };
        self.insert(typeid, Arc::new(create));
    }

    /// Adds a type of pools that call these methods.
    pub(super) fn add_pool(&self, typeid: String, methods: Arc<dyn SharedObject>) {
        let create = move |_: &ObjectFormat, call: &mut MethodCall| {
            Ok(MethodPool::create(&methods, call)? as Arc<dyn SharedObject>)
        };
        self.insert(typeid, Arc::new(create));
    }

    /// Adds a type whose only object this is.
    pub(super) fn add_object(&self, typeid: String, object: Arc<dyn SharedObject>) {
        let create = move |_: &ObjectFormat, _: &mut MethodCall| Ok(Arc::clone(&object));
        self.insert(typeid, Arc::new(create));
    }

    /// Creates an object.
    pub(super) fn create(
        &self,
        typeid: &str,
        format: &ObjectFormat,
        call: &mut MethodCall,
    ) -> Raises<Arc<dyn SharedObject>> {
        let create = {
            let creators = self
                .creators
                .read()
                .unwrap_or_else(|error| error.into_inner());
            creators.get(typeid).cloned()
        };
        let create = create.ok_or_else(|| {
            let shown: String = typeid.chars().take(64).collect();
            Exception::new("KeyError").with_args([shown.into()])
        })?;
        create(format, call)
    }
}
