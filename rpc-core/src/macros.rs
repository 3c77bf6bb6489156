//! `#[service]` and `#[client]`: their documentation, and the support code of their expansions.

/// Implements a trait for every client: each of its methods makes a call.
///
/// ```
/// use farcall::{CallError, client};
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
/// [`ServiceCaller`](crate::ServiceCaller) around tower layers, or in a test around the
/// [`Registry`](crate::Registry) itself. `server.add(3, 5)` makes the same call as
/// `server.call("calculator.add", (3, 5))`, with argument and result types that the compiler
/// checks.
///
/// # Methods
///
/// Each method is an `async fn` that takes `&self` and ends in a semicolon. Its future is `Send`,
/// so that it can be awaited in a spawned task.
///
/// Arguments are of any types that serde can serialize, including references: they are encoded
/// before the future is returned. There are at most 12, or a single [`Variadic`](crate::Variadic)
/// for a list whose length is known only at run time. To omit an optional argument of the server's
/// method, declare another method with the same `name`.
///
/// The return type is a `Result`, as any call can fail. Its value is of any type that serde can
/// deserialize, and its error is [`CallError`](crate::CallError) or any type that implements
/// `From<CallError>`.
///
/// ```
/// use farcall::{CallError, client};
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
/// [`BlockingCaller`](crate::BlockingCaller) instead. A trait with both kinds of methods is
/// rejected.
///
/// ```
/// use farcall::{CallError, client};
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
/// | `prefix = "…"` | the prefix of the method names, without the dot; default: none |
/// | `rename_all = "camelCase"` | `get_value` calls `getValue`; default: unchanged |
/// | `crate = "…"` | the path of the crate, if it is not among the dependencies; default: `farcall` |
///
/// | on a method | |
/// |---|---|
/// | `name = "…"` | the name of the called method, after the prefix; default: that of this one |
/// | `idempotent` | two runs have the effect of one: a client of `farcall::rpc` with `Reconnect` makes the call again after a lost connection; XML-RPC ignores it |
/// | `one_way` | the caller waits for no result: see [`Caller::notify`](crate::Caller::notify) |
///
/// The trait keeps its visibility, documentation, supertraits, generic parameters and `cfg`
/// attributes. With supertraits, it is implemented for the callers that implement them. It cannot
/// have default bodies, generic methods, associated types or constants.
pub use farcall_macros::client;
/// Offers the public methods of an inherent impl block to callers.
///
/// ```
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use farcall::{Context, Fault, RegisterError, Registry, service};
/// use farcall::protocol::Format;
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
///     /// Adds a number to the total, and returns the total.
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
/// The block is unchanged. In addition, the macro implements [`Instance`](crate::Instance), which
/// registers each of these methods in the same way as
/// [`register_function`](crate::Registry::register_function) registers a closure that calls it.
/// The same rules apply.
///
/// # Methods
///
/// Every `pub` method of the block that takes `&self` is offered, unless it is marked
/// `#[service(skip)]`. A method that is not `pub`, for example `pub(crate)`, is offered only if it
/// is marked with `#[service]`, with or without options. This is for methods that are meant for
/// callers but not for the Rust API of the type. A block without any method to offer is rejected.
/// `pub` has this meaning in private types, too: the macro allows the lints `unreachable_pub` and
/// `private_interfaces` for these methods.
///
/// Functions without `self`, such as `new`, are not offered. Many calls run at the same time, so
/// `&mut self` is rejected: keep mutable state in a `Mutex` or an atomic. The type must be `Send +
/// Sync + 'static`, and only one of its impl blocks can be marked. Methods of traits cannot be
/// offered: `impl` blocks of traits are rejected.
///
/// An `async` method may wait. Any other method runs on the event loop and must return quickly.
/// Mark a method that computes for long or blocks with `#[service(blocking)]`: it runs on a thread
/// of the runtime's blocking pool.
///
/// # Parameters
///
/// - `Context` or `&Context` as the first parameter is the [`Context`](crate::Context) of the call.
///   The macro recognises it by this name, under any path.
/// - Any owned type that serde can deserialize is an argument; there are at most 12. Callers can
///   omit arguments at the end whose type is an `Option`.
/// - `&str` and `&[T]` are arguments too: the method borrows the decoded `String` or `Vec<T>`.
///   Other references are rejected.
/// - [`Variadic<T>`](crate::Variadic) as the only argument takes any number of arguments.
///
/// # Results
///
/// A result is any owned type that serde can serialize, or a `Result` of one whose error converts
/// to [`Fault`](crate::Fault). An error type that implements `Serialize` is rejected, since it
/// could be sent as a success. [`Fault`](crate::Fault) describes which parts of an error callers
/// see.
///
/// # Introspection
///
/// The doc comment of a method is its help text. The names of its parameters and the types of
/// parameters and result are its signature. Callers see them in `system.methodHelp`,
/// `system.methodSignature` and `system.describe`.
///
/// # Options
///
/// | on the block | |
/// |---|---|
/// | `prefix = "…"` | the prefix of the method names, without the dot; default: none |
/// | `rename_all = "camelCase"` | `get_value` is offered as `getValue`; default: unchanged |
/// | `crate = "…"` | the path of the crate, if it is not among the dependencies; default: `farcall` |
///
/// | on a method | |
/// |---|---|
/// | none, or any but `skip` | the method is offered, even if it is not `pub` |
/// | `name = "…"` | the name for callers, after the prefix; default: the name of the method |
/// | `skip` | the method is not offered, although it is `pub` |
/// | `blocking` | the method runs on a thread of the blocking pool; rejected on an `async` method |
/// | `nested` | the method returns an object, whose methods are offered under the method's name |
/// | `nested = "…"` | the same, under this prefix |
///
/// [`register_instance_at`](crate::Registry::register_instance_at) overrides the prefix. Two
/// methods with the same name are rejected.
///
/// ```
/// use std::sync::Arc;
///
/// use farcall::service;
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
///     /// `db.flush`, for callers only
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
/// A `nested` method is called once, when the methods are registered. It returns an
/// [`Instance`](crate::Instance) or an `Arc` of one.
///
/// # Generic types
///
/// The impl block may be generic. It needs the bounds that the arguments and results of its methods
/// need, and `Send + Sync + 'static`. Methods themselves cannot be generic, as a call does not
/// carry types.
///
/// ```
/// use farcall::service;
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
pub use farcall_macros::service;

/// Support code of the macro expansions. Not part of the API.
#[doc(hidden)]
pub mod __private {
    use std::future::Future;
    use std::marker::PhantomData;

    use serde::de::Deserialize;

    pub use crate::caller::{BlockingCaller, Caller, Outcome, call_future};
    pub use crate::context::Context;
    use crate::describe::Shape;
    pub use crate::format::Format;
    use crate::handler::{FromCall, Function, IntoReply, IntoResult, Later};
    use crate::registry::Method;
    pub use crate::registry::{Instance, Registrar};
    use crate::value::Kind;

    /// The result type of a method, used to determine its shape.
    ///
    /// `(&result).result_shape()` resolves to [`Exact`] if `T` can be deserialized, and otherwise
    /// to [`Guess`], which needs one more auto-reference.
    #[derive(Debug)]
    pub struct ResultOf<T>(PhantomData<fn() -> T>);

    /// The shape of a result that can be deserialized.
    pub trait Exact {
        /// Returns the shape that `T` is deserialized from.
        fn result_shape(&self) -> Shape;
    }

    // Not `DeserializeOwned`: that depends on the lifetimes of a type, which are not yet known when
    // this impl is selected, so that a result of `&'static str` would be an error.
    impl<T: Deserialize<'static>> Exact for ResultOf<T> {
        fn result_shape(&self) -> Shape {
            Shape::of::<T>()
        }
    }

    /// The shape of a result that can only be serialized.
    pub trait Guess {
        /// Guesses the kind from the name of `T`.
        fn result_shape(&self) -> Shape;
    }

    impl<T> Guess for &ResultOf<T> {
        fn result_shape(&self) -> Shape {
            Kind::of_result::<T>().into()
        }
    }

    type Typed<F, T> = (Method<F>, ResultOf<T>);

    /// Calls [`Method::function`], and returns the result type as well.
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

    /// Calls [`Method::function`] for an async function, and returns the result type as well. The
    /// bound on `Future` lets the messages of the compiler name the result, not the future.
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

    /// Calls [`Method::blocking`], and returns the result type as well.
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
}
