//! `#[service]` and `#[client]`: their guides, and what their expansions stand on.

/// Makes a trait of methods that are calls: for the callers of a server, a trait of its methods.
///
/// ```
/// use rpc_core::{CallError, client};
///
/// #[client(prefix = "calculator")]
/// trait CalculatorApi {
///     /// Adds two numbers.
///     async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
///
///     /// Joins texts.
///     async fn join(&self, parts: &[&str], separator: &str) -> Result<String, CallError>;
/// }
///
/// async fn example(server: impl CalculatorApi) -> Result<(), CallError> {
///     assert_eq!(server.add(3, 5).await?, 8);
///     assert_eq!(server.join(&["a", "b"], "-").await?, "a-b");
///     Ok(())
/// }
/// ```
///
/// The trait is implemented for every [`Caller`](crate::Caller): the clients of all protocols, a
/// [`ServiceCaller`](crate::ServiceCaller) around tower layers, or around the [`Registry`](crate::Registry)
/// itself in a test. `server.add(3, 5)` is `server.call("calculator.add", (3, 5))`, whose
/// arguments and result the compiler knows.
///
/// # Methods
///
/// Each method is an `async fn` that takes `&self` and ends in a semicolon. Its future is `Send`,
/// so that it can be awaited in a spawned task.
///
/// Arguments are what serde writes, references included: they are encoded before the future is
/// returned. There are at most 12, or a single [`Variadic`](crate::Variadic) for a list whose
/// length is known only at run time. What a server lets callers leave out has a method of its own
/// here, of the same `name`.
///
/// The result is a `Result`, as any call can fail: its value is what serde reads, and its error a
/// [`CallError`](crate::CallError) or any type that it converts to.
///
/// ```
/// use rpc_core::{CallError, client};
///
/// enum BankError {
///     NoMoney,
///     Call(CallError),
/// }
///
/// impl From<CallError> for BankError {
///     fn from(error: CallError) -> Self {
///         match error.fault() {
///             Some(fault) if fault.code() == 402 => Self::NoMoney,
///             _ => Self::Call(error),
///         }
///     }
/// }
///
/// #[client(prefix = "bank", rename_all = "camelCase")]
/// pub(crate) trait Bank {
///     async fn take_out(&self, amount: u32) -> Result<u32, BankError>;
///
///     /// The balance of one currency.
///     async fn balance(&self, currency: &str) -> Result<i64, BankError>;
///
///     /// The balance of all currencies.
///     #[client(name = "balance")]
///     async fn whole_balance(&self) -> Result<i64, BankError>;
/// }
/// ```
///
/// # Blocking clients
///
/// If no method is `async`, the trait is implemented for every
/// [`BlockingCaller`](crate::BlockingCaller) instead. A trait of both kinds is refused.
///
/// ```
/// use rpc_core::{CallError, client};
///
/// #[client]
/// trait Clock {
///     fn now(&self) -> Result<u64, CallError>;
/// }
/// ```
///
/// # Options
///
/// | on the trait | |
/// |---|---|
/// | `prefix = "…"` | what stands before the names of its methods, without the dot; default: nothing |
/// | `rename_all = "camelCase"` | `get_value` calls `getValue`; default: names are as they are written |
///
/// | on a method | |
/// |---|---|
/// | `name = "…"` | the name of the method that it calls, after the prefix |
/// | `idempotent` | making the call twice is as good as once: a client that lost its connection makes it again |
/// | `one_way` | the caller waits for no result: see [`Caller::notify`](crate::Caller::notify) |
///
/// The trait keeps its visibility, documentation, supertraits, generic parameters and `cfg`
/// attributes. With supertraits, it is implemented for the callers that have them. It cannot have
/// bodies, generic methods, associated types or constants.
pub use rpc_core_macros::client;
/// Offers the public methods of an object to callers: marks its impl block.
///
/// ```
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use rpc_core::{Context, Fault, Format, RegisterError, Registry, service};
///
/// struct Calculator {
///     total: AtomicI64,
/// }
///
/// #[service]
/// impl Calculator {
///     pub fn new() -> Self {
///         Self { total: AtomicI64::new(0) }
///     }
///
///     /// Adds two numbers.
///     pub async fn add(&self, a: i64, b: i64) -> i64 {
///         a + b
///     }
///
///     /// Divides two numbers.
///     pub fn divide(&self, cx: &Context, a: f64, b: f64) -> Result<f64, Fault> {
///         if b == 0.0 {
///             return Err(Fault::new(1, format!("{}: division by zero", cx.method())));
///         }
///         Ok(a / b)
///     }
///
///     /// Adds a number to the total, and gives the total.
///     pub fn count(&self, n: i64) -> i64 {
///         self.total.fetch_add(n, Ordering::Relaxed) + n
///     }
/// }
///
/// fn offer<F: Format>(registry: &Registry<F>) -> Result<(), RegisterError> {
///     registry.register_instance(Calculator::new())?;
///     Ok(())
/// }
/// ```
///
/// The block stays as it is; beside it, an impl of [`Instance`](crate::Instance) registers each
/// of these methods as [`register_function`](crate::Registry::register_function) would a closure that calls
/// it. All that is said there holds here.
///
/// # Methods
///
/// Every `pub` method of the block that takes `&self` is offered, unless it is marked
/// `#[service(skip)]`. A method that is not `pub`, such as a `pub(crate)` one, is offered only if it is
/// marked with `#[service]`, with or without options: that is for methods that callers have and the
/// Rust API of the type has not. A block without any method to offer is refused. `pub` has this meaning
/// in private types, too: the lints `unreachable_pub` and `private_interfaces` are silent about these methods.
///
/// Functions without `self`, such as `new`, are left alone. Many calls run at the same time, so
/// `&mut self` is refused: what changes is kept in a `Mutex` or an atomic. The type must be
/// `Send + Sync + 'static`, and only one of its impl blocks can be marked. Methods of traits cannot be
/// offered: their `impl` blocks are refused.
///
/// An `async` method may wait. Any other runs on the event loop, and answers at once; one that
/// computes for long or blocks is marked `#[service(blocking)]`, and runs on a thread of the
/// runtime's blocking pool.
///
/// # Parameters
///
/// - `Context` or `&Context` as the first one is the [`Context`](crate::Context) of the call. It
///   is known by this name, under any path.
/// - Any owned type that serde reads is an argument; there are at most 12. Callers can leave out
///   those at the end that are an `Option`.
/// - `&str` and `&[T]` are arguments too: the `String` or `Vec<T>` that was read is lent to the
///   method. Other references are refused.
/// - [`Variadic<T>`](crate::Variadic) as the only argument takes any number of them.
///
/// # Results
///
/// A result is any owned type that serde writes, or a `Result` of one whose error converts to
/// [`Fault`](crate::Fault). An error type that serde could write is refused, since it could be
/// taken for a success. See [`Fault`](crate::Fault) for what callers get to see of an error.
///
/// # Introspection
///
/// The doc comment of a method is its help text, the names of its parameters and the types of
/// parameters and result are its signature: `system.methodHelp` and `system.methodSignature` show
/// them to callers.
///
/// # Options
///
/// | on the block | |
/// |---|---|
/// | `prefix = "…"` | what stands before the names of the methods, without the dot; default: nothing. `register_instance_at` overrides it |
/// | `rename_all = "camelCase"` | `get_value` is offered as `getValue`; default: names are as they are written |
///
/// | on a method | |
/// |---|---|
/// | no option | the method is offered, whatever its visibility; so it is with all options but `skip` |
/// | `name = "…"` | the name to callers, after the prefix |
/// | `skip` | the method is not offered, although it is `pub` |
/// | `blocking` | the method runs on a thread of the blocking pool; not on an `async` one |
/// | `nested` | the method gives an object, whose methods are offered under the method's name |
/// | `nested = "…"` | the same, under this prefix |
///
/// Two methods of one name are refused.
///
/// ```
/// use std::sync::Arc;
///
/// use rpc_core::service;
///
/// struct Table {
///     rows: Vec<String>,
/// }
///
/// #[service]
/// impl Table {
///     pub fn row(&self, index: usize) -> Option<String> {
///         self.rows.get(index).cloned()
///     }
/// }
///
/// struct Database {
///     people: Arc<Table>,
/// }
///
/// #[service(prefix = "db", rename_all = "camelCase")]
/// impl Database {
///     /// `db.tableCount`
///     pub fn table_count(&self) -> usize {
///         1
///     }
///
///     /// `db.compact-now`
///     #[service(name = "compact-now", blocking)]
///     pub fn compact(&self) -> std::io::Result<u64> {
///         std::fs::read("people.db").map(|bytes| bytes.len() as u64)
///     }
///
///     /// `db.people.row`
///     #[service(nested)]
///     pub fn people(&self) -> Arc<Table> {
///         Arc::clone(&self.people)
///     }
///
///     /// `db.flush`, for callers alone
///     #[service]
///     fn flush(&self) {}
///
///     #[service(skip)]
///     pub fn table<'a>(&'a self, name: &str) -> Option<&'a Table> {
///         (name == "people").then_some(&*self.people)
///     }
///
///     fn first_table(&self) -> &Table {
///         &self.people
///     }
/// }
/// ```
///
/// The object behind a `nested` method is asked for once, when the methods are registered: it is
/// an [`Instance`](crate::Instance) or an `Arc` of one.
///
/// # Generic types
///
/// The impl block may be generic. Its bounds are those that the methods' arguments and results
/// need, and `Send + Sync + 'static`. Methods themselves cannot be generic, as a call does not
/// carry types.
///
/// ```
/// use rpc_core::service;
/// use serde::Serialize;
/// use serde::de::DeserializeOwned;
///
/// struct Stock<T> {
///     items: Vec<T>,
/// }
///
/// #[service]
/// impl<T> Stock<T>
/// where
///     T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
/// {
///     pub fn has(&self, item: T) -> bool {
///         self.items.contains(&item)
///     }
///
///     pub fn newest(&self) -> Option<T> {
///         self.items.last().cloned()
///     }
/// }
/// ```
pub use rpc_core_macros::service;

/// What the macros write calls to. No part of the API.
#[doc(hidden)]
pub mod __private {
    use std::future::Future;
    use std::marker::PhantomData;

    use serde::de::{Deserialize, DeserializeOwned};

    use crate::args::Args;
    use crate::caller::{Caller, call_future};
    use crate::context::Context;
    use crate::describe::Kind;
    use crate::error::CallError;
    use crate::format::Format;
    use crate::handler::{FromCall, Function, IntoReply, IntoResult, Later};
    use crate::registry::Method;

    /// The type of a method's result, to ask for its kind.
    ///
    /// `(&result).result_kind()` finds [`Exact`] where `T` can be read, and else [`Guess`], which
    /// is one borrow further away.
    #[derive(Debug)]
    pub struct ResultOf<T>(PhantomData<fn() -> T>);

    /// The kind of a result that can be read.
    pub trait Exact {
        /// What `T` is read from.
        fn result_kind(&self) -> Kind;
    }

    // Not `DeserializeOwned`: whether a type is that hangs on its lifetimes, which are not known yet
    // when this impl is chosen, so that a result of `&'static str` would be an error.
    impl<T: Deserialize<'static>> Exact for ResultOf<T> {
        fn result_kind(&self) -> Kind {
            Kind::of::<T>()
        }
    }

    /// The kind of a result that can only be written.
    pub trait Guess {
        /// What the name of `T` tells.
        fn result_kind(&self) -> Kind;
    }

    impl<T> Guess for &ResultOf<T> {
        fn result_kind(&self) -> Kind {
            Kind::of_result::<T>()
        }
    }

    type Typed<F, T> = (Method<F>, ResultOf<T>);

    /// [`Method::function`], with the type of its result.
    pub fn function<F: Format, H, A, Cx, Mode>(
        name: &'static str,
        function: H,
    ) -> Typed<F, <H::Output as IntoReply<Mode>>::Value>
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>>,
        A: FromCall<Cx>,
    {
        (Method::function(name, function), ResultOf(PhantomData))
    }

    /// [`Method::function`] for an async function, with the type of its result. Asking for a future
    /// lets the compiler's messages name the result, not the future.
    pub fn future<F: Format, H, A, Cx, Mark>(
        name: &'static str,
        function: H,
    ) -> Typed<F, <<H::Output as Future>::Output as IntoResult<Mark>>::Value>
    where
        H: Function<A, Output: Future<Output: IntoResult<Mark>> + Send + 'static>,
        A: FromCall<Cx>,
        Mark: 'static,
    {
        let method = Method::function::<H, A, Cx, Later<Mark>>(name, function);
        (method, ResultOf(PhantomData))
    }

    /// [`Method::blocking`], with the type of its result.
    pub fn blocking<F: Format, H, A, Cx, Mark>(
        name: &'static str,
        function: H,
    ) -> Typed<F, <H::Output as IntoResult<Mark>>::Value>
    where
        H: Function<A, Output: IntoResult<Mark>>,
        A: FromCall<Cx> + Send + 'static,
    {
        (Method::blocking(name, function), ResultOf(PhantomData))
    }

    /// What a method of a client trait returns.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be what a client's method returns",
        label = "a call can fail: return `Result<T, CallError>`, or a `Result` whose error implements `From<CallError>`"
    )]
    pub trait Outcome {
        /// What the answer is read as.
        type Value: DeserializeOwned;

        /// Converts the error.
        fn from_call(result: Result<Self::Value, CallError>) -> Self;
    }

    /// Makes the call of a client's method.
    pub fn call<'c, O: Outcome, C: Caller, A: Args>(
        caller: &'c C,
        context: Context,
        args: &A,
    ) -> impl Future<Output = O> + Send + use<'c, O, C, A> {
        call_future(caller, context, args)
    }

    impl<T: DeserializeOwned, E: From<CallError>> Outcome for Result<T, E> {
        type Value = T;

        fn from_call(result: Result<T, CallError>) -> Self {
            Ok(result?)
        }
    }
}
