//! The registry: the table of the methods that a server offers.

mod instance;
mod layers;
mod method;

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use tower_layer::Layer;
use tower_service::Service;

pub use self::instance::{Instance, Registrar};
use self::layers::Target;
pub use self::layers::{Dispatch, Layers};
pub use self::method::Method;
pub(crate) use self::method::encode;
use self::method::{ByName, Invoke};
use crate::call::{Call, CallReply};
use crate::context::Context;
use crate::describe::{About, Catalog, Description};
use crate::fault::Fault;
use crate::format::Format;
use crate::handler::{FromCall, Function, IntoReply, IntoResult};
use crate::name::Name;
use crate::observe::{self, Observation, Slot};
use crate::payload::Payload;

/// The table of the methods that a server offers.
///
/// A registry is a handle: clones share one table. Methods can be added and removed while calls are
/// served; a call that has started is not affected. A registry is a
/// `tower_service::Service<Call<F>>`, so calls can be made on it without any connection.
///
/// ```
/// # use farcall::{RegisterError, Registry};
/// # use farcall::protocol::Format;
/// # fn offer<F: Format>(registry: &Registry<F>) -> Result<(), RegisterError> {
/// registry.register_function("add", |a: i64, b: i64| a + b)?;
/// registry.register_function("greet", async |name: String| format!("hello {name}"))?;
/// assert!(registry.register_function("add", || 0).is_err(), "a name can be taken only once");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Registry<F: Format> {
    shared: Arc<SharedTable<F>>,
}

struct SharedTable<F: Format> {
    table: ArcSwap<Table<F>>,
    /// Locked while a new table is derived from the current one, so that no change is lost.
    write_lock: Mutex<()>,
    /// The figures of calls whose method is not registered.
    other: Slot,
}

/// The table, copied on write: readers load it without a lock, and a change replaces it as a whole.
#[derive(Clone)]
struct Table<F: Format> {
    // Peers cannot add names, so the fast unkeyed hash is safe.
    methods: HashSet<ByName<F>, FixedState>,
    fallback: Option<Arc<Invoke<F>>>,
    guard: Option<Arc<Guard>>,
    layers: Option<Layers<F>>,
    /// Layers of the server, around those of the registry.
    outer: Option<Layers<F>>,
    about: Option<Arc<About>>,
    version: u64,
}

impl<F: Format> Table<F> {
    fn method(&self, name: &str) -> Option<&Method<F>> {
        self.methods.get(name).map(|ByName(method)| method)
    }
}

/// Returns a version that no table has had.
fn next_version() -> u64 {
    static LATEST: AtomicU64 = AtomicU64::new(0);
    LATEST.fetch_add(1, Ordering::Relaxed)
}

type Guard = dyn Fn(&Context) -> Result<(), Fault> + Send + Sync;

/// The error of a registration.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A method with this name is already registered.
    #[error("a method `{0}` is already registered")]
    Duplicate(Name),
    /// The name is empty or contains control characters.
    #[error("invalid method name {0:?}: it is empty or contains control characters")]
    InvalidName(Name),
}

crate::debug_errors!(RegisterError);

impl<F: Format> Registry<F> {
    /// Creates a registry without methods.
    #[must_use]
    pub fn new() -> Self {
        let table = Table {
            methods: HashSet::default(),
            fallback: None,
            guard: None,
            layers: None,
            outer: None,
            about: None,
            version: next_version(),
        };
        let shared = SharedTable {
            table: ArcSwap::from_pointee(table),
            write_lock: Mutex::new(()),
            other: Slot::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Registers a function or closure, plain or async, of up to 12 arguments after an optional
    /// [`Context`]. It returns any type that serde can serialize, or a `Result` whose error
    /// converts to [`Fault`].
    ///
    /// A plain function runs on the event loop. Register one that takes long with
    /// [`register_blocking`](Self::register_blocking).
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_function<H, A, Cx, Mode>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>>,
        A: FromCall<Cx>,
    {
        self.register(Method::function(name, function))
    }

    /// Registers a function that computes for long or blocks. Each call runs on a thread of the
    /// runtime's blocking pool.
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register_blocking<H, A, Cx, Mark>(
        &self,
        name: impl Into<Name>,
        function: H,
    ) -> Result<&Self, RegisterError>
    where
        H: Function<A, Output: IntoResult<Mark>>,
        A: FromCall<Cx> + Send + 'static,
    {
        self.register(Method::blocking(name, function))
    }

    /// Registers the methods of an object whose impl block is marked `#[service]`. On an error,
    /// none of them is registered.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance<I: Instance>(&self, instance: I) -> Result<&Self, RegisterError> {
        self.register_instance_at(I::PREFIX, instance)
    }

    /// Registers the methods of an object like [`register_instance`](Self::register_instance), but
    /// under `prefix`: `increment` under `counter` becomes `counter.increment`. An empty prefix
    /// adds nothing to the names.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_instance_at<I: Instance>(
        &self,
        prefix: &str,
        instance: I,
    ) -> Result<&Self, RegisterError> {
        self.register_all(Registrar::methods_of(prefix, instance))
    }

    /// Registers a method, with its own description.
    ///
    /// # Errors
    /// If the name is taken or invalid.
    pub fn register(&self, method: Method<F>) -> Result<&Self, RegisterError> {
        self.register_all([method])
    }

    /// Registers several methods. On an error, none of them is registered.
    ///
    /// # Errors
    /// If a name is taken or invalid.
    pub fn register_all(
        &self,
        methods: impl IntoIterator<Item = Method<F>>,
    ) -> Result<&Self, RegisterError> {
        self.try_change(|table| {
            for method in methods {
                let name = method.name.clone();
                if name.is_empty() || name.chars().any(char::is_control) {
                    return Err(RegisterError::InvalidName(name));
                }
                if !table.methods.insert(ByName(method)) {
                    return Err(RegisterError::Duplicate(name));
                }
            }
            Ok(self)
        })
    }

    /// Removes a method. Calls of it that have started continue. Returns `true` if the method was
    /// registered.
    pub fn unregister(&self, name: &str) -> bool {
        self.change(|table| table.methods.remove(name))
    }

    /// Sets the handler for calls of methods that are not registered. Default: such calls fail with
    /// [`Fault::unknown_method`]. A fallback for any arguments takes a [`Context`] and a
    /// [`Variadic`](crate::Variadic). It should return [`Fault::unknown_method`] for names that it
    /// does not support.
    pub fn set_fallback<H, A, Cx, Mode>(&self, function: H) -> &Self
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>>,
        A: FromCall<Cx>,
    {
        let Method { invoke, .. } = Method::function("", function);
        self.change(|table| table.fallback = Some(invoke));
        self
    }

    /// Sets a guard that is called before each call of any method, including the entries of a
    /// batch. Default: none. A call that the guard refuses never runs, and its parameters are not
    /// decoded. [Layers](Self::layer) see the call first.
    pub fn set_guard(
        &self,
        guard: impl Fn(&Context) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> &Self {
        self.change(|table| table.guard = Some(Arc::new(guard)));
        self
    }

    /// Sets the facts about the service as a whole, which `system.describe` has. Default:
    /// [`About::default`].
    pub fn set_about(&self, about: About) -> &Self {
        self.change(|table| table.about = Some(Arc::new(about)));
        self
    }

    /// Puts a tower layer around all calls of this registry: of its methods, whenever they are
    /// registered, of introspection, of the fallback, and of names that do not exist.
    ///
    /// The layer added last is the outermost: it sees a call first and its result last.
    ///
    /// The service of the layer is cloned for each call, then waits until it is ready, then gets
    /// the call. So a layer that is not ready makes this call wait, and no other. The wait counts
    /// as part of the call: in the limits of calls at once, and for its deadline. If the caller
    /// leaves, the future of the service is dropped wherever it is. A panic of a layer becomes the
    /// fault of the call. An error of a layer becomes a fault by its `Into<Fault>`; a boxed error,
    /// as from tower's `TimeoutLayer`, becomes an internal fault, unless it is a [`Fault`] itself.
    /// Layers that depend on the readiness of each other, such as tower's `LoadShedLayer` around
    /// `ConcurrencyLimitLayer`, are added together, as one `tower::ServiceBuilder`.
    ///
    /// A [batch](Method::batch) does not pass the layers, but each of its calls does.
    ///
    /// Add layers before calls are served. Over connections, calls to objects pass the layers that
    /// exist when the server begins to serve.
    ///
    /// ```
    /// # use farcall::Registry;
    /// # use farcall::protocol::{Call, Format};
    /// # fn offer<F: Format>(registry: &Registry<F>) {
    /// use tower::util::MapRequestLayer;
    ///
    /// registry.layer(MapRequestLayer::new(|call: Call<F>| {
    ///     println!("{} calls {}", call.context.peer(), call.method());
    ///     call
    /// }));
    /// # }
    /// ```
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<F>>,
        L::Service: Service<Call<F>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.change(|table| table.layers = Some(Layers::around(table.layers.take(), &layer)));
        drop(layer);
        self
    }

    /// Returns the layers of this registry, for calls to anything else than its methods.
    #[must_use]
    pub fn layers(&self) -> Option<Layers<F>> {
        self.shared.table.load().layers.clone()
    }

    /// Sets layers around those of this registry. Default: none. A server with several registries
    /// puts its own layers around each of them.
    pub fn set_outer_layers(&self, layers: Option<Layers<F>>) -> &Self {
        self.change(|table| table.outer = layers);
        self
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table<F>) -> T) -> T {
        let Ok(result) = self.try_change(|table| Ok::<_, Infallible>(change(table)));
        result
    }

    fn try_change<T, E>(&self, change: impl FnOnce(&mut Table<F>) -> Result<T, E>) -> Result<T, E> {
        // If a change panicked while it held the lock, the current table is intact.
        let _guard = self
            .shared
            .write_lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut table = Table::clone(&self.shared.table.load());
        let result = change(&mut table)?;
        table.version = next_version();
        self.shared.table.store(Arc::new(table));
        Ok(result)
    }

    /// Returns the names of all methods, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        let table = self.shared.table.load();
        let names = table
            .methods
            .iter()
            .map(|ByName(method)| method.name.clone());
        let mut names: Vec<Name> = names.collect();
        names.sort_unstable();
        names
    }

    /// Returns the description of a method, if it is registered.
    #[must_use]
    pub fn describe(&self, name: &str) -> Option<Arc<Description>> {
        let table = self.shared.table.load();
        Some(Arc::clone(&table.method(name)?.description))
    }

    /// Runs the called method, within the layers if there are any. A method that panics answers
    /// with an internal fault. Calls that the method makes inherit the deadline and
    /// the trace of `call`.
    ///
    /// The call of a peer is observed here, if something is: figures, its span, the access log.
    #[inline]
    pub fn dispatch(&self, mut call: Call<F>) -> CallReply {
        self.dispatch_in_place(&mut call)
    }

    /// Runs the called method, like [`dispatch`](Self::dispatch), where the call lies: moving it
    /// takes as long as finding its method. What is left of the call is of no use.
    pub fn dispatch_in_place(&self, call: &mut Call<F>) -> CallReply {
        // A change replaces the table; this call keeps the one that it started with. The method is
        // borrowed from the table: if the `Arc` were cloned, all threads that call one method would
        // write to the same reference count.
        let table = self.shared.table.load();
        if observe::is_on() {
            return self.dispatch_observed(&table, call);
        }
        if table.layers.is_some() | table.outer.is_some() {
            return self.dispatch_layered(&table, call.take());
        }
        let method = table.method(call.method());
        self.run(&table, method, call)
    }

    /// Runs a call, and observes it if it is one of a peer.
    #[inline(never)]
    fn dispatch_observed(&self, table: &Table<F>, call: &mut Call<F>) -> CallReply {
        let has_layers = table.layers.is_some() | table.outer.is_some();
        let method = table.method(call.method());
        let run = |call: &mut Call<F>| {
            if has_layers {
                self.dispatch_layered(table, call.take())
            } else {
                self.run(table, method, call)
            }
        };
        if !call.context.begin_observation() {
            return run(call);
        }
        let name = method.map(|method| &method.name);
        let slot = method.map_or(&self.shared.other, |method| &method.slot);
        let series = slot.series(F::SYSTEM, name);
        let observation = Observation::begin(F::SYSTEM, name, &mut call.context);
        observation.watch(series, || run(call))
    }

    /// Passes a call through the layers, unless it is a batch.
    #[cold]
    fn dispatch_layered(&self, table: &Table<F>, call: Call<F>) -> CallReply {
        let method = table.method(call.method());
        let is_batch = method.is_some_and(|method| method.is_batch);
        match (&table.outer, &table.layers) {
            _ if is_batch => self.dispatch_inside(call),
            (Some(outer), _) => outer.dispatch_to(Target::Registry(self.clone()), call),
            (None, Some(layers)) => layers.dispatch_to(Target::Method(self.clone()), call),
            (None, None) => self.dispatch_inside(call),
        }
    }

    /// Dispatches a call that has passed the outer layers.
    pub(crate) fn dispatch_below(&self, call: Call<F>) -> CallReply {
        match &self.shared.table.load().layers {
            Some(layers) => layers.dispatch_to(Target::Method(self.clone()), call),
            None => self.dispatch_inside(call),
        }
    }

    /// Dispatches a call that has passed all layers.
    pub(crate) fn dispatch_inside(&self, mut call: Call<F>) -> CallReply {
        let table = self.shared.table.load();
        let method = table.method(call.method());
        self.run(&table, method, &mut call)
    }

    #[inline(always)]
    fn run(&self, table: &Table<F>, method: Option<&Method<F>>, call: &mut Call<F>) -> CallReply {
        let Some(invoke) = method
            .map(|method| &method.invoke)
            .or(table.fallback.as_ref())
        else {
            return Fault::unknown_method(call.method()).into();
        };
        let heritage = call.context.heritage();
        CallReply::guarded(heritage, || {
            let guard = table.guard.as_ref();
            match guard.map_or(Ok(()), |guard| guard(&call.context)) {
                Ok(()) => invoke(self, call),
                Err(fault) => fault.into(),
            }
        })
    }
}

impl<F: Format> Catalog for Registry<F> {
    fn version(&self) -> u64 {
        self.shared.table.load().version
    }

    fn names(&self) -> Vec<Name> {
        self.names()
    }

    fn describe(&self, name: &str) -> Option<Arc<Description>> {
        self.describe(name)
    }

    fn about(&self) -> Arc<About> {
        self.shared.table.load().about.clone().unwrap_or_default()
    }
}

impl<F: Format> Default for Registry<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the number of methods. [`names`](Registry::names) has their names.
impl<F: Format> fmt::Debug for Registry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.shared.table.load();
        f.debug_struct("Registry")
            .field("methods", &table.methods.len())
            .field("has_fallback", &table.fallback.is_some())
            .field("has_guard", &table.guard.is_some())
            .finish()
    }
}

impl<F: Format> Service<Call<F>> for Registry<F> {
    type Response = Payload;
    type Error = Fault;
    type Future = CallReply;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<F>) -> CallReply {
        self.dispatch(call)
    }
}
