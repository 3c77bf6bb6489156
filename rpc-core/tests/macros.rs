//! `#[service]` and `#[client]` with a small JSON format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::{self, ThreadId};

use common::{Json, client};
use farcall_core::protocol::Args;
use farcall_core::{
    BlockingCaller, CallError, Caller, Context, Fault, FaultKind, Kind, RegisterError, Registry,
    ServiceCaller, Variadic, client, service,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

/// A result type that can be serialized, but not deserialized.
#[derive(Serialize)]
struct WriteOnly;

struct Calculator {
    total: AtomicI64,
    home: ThreadId,
    memory: Arc<Memory>,
}

impl Calculator {
    fn new() -> Self {
        Self {
            total: AtomicI64::new(0),
            home: thread::current().id(),
            memory: Arc::new(Memory(5)),
        }
    }
}

/// The documentation of the block is not the help text of its methods.
#[service(prefix = "calculator", rename_all = "camelCase")]
impl Calculator {
    const ONE: i64 = 1;

    /// Adds two numbers.
    ///
    ///     add(1, 2)
    pub async fn add(&self, a: i64, b: i64) -> i64 {
        tokio::task::yield_now().await;
        a + b
    }

    pub fn add_to_total(&self, n: i64) -> i64 {
        self.total.fetch_add(n, Ordering::Relaxed) + n
    }

    pub fn divide(&self, cx: &Context, a: f64, b: f64) -> Result<f64, Fault> {
        assert_eq!(cx.method().as_str(), "calculator.divide");
        if b == 0.0 {
            return Err(Fault::new(4, "division by zero"));
        }
        Ok(a / b)
    }

    pub async fn method_of(&self, cx: Context) -> String {
        cx.method().to_string()
    }

    pub async fn borrowed_method_of(&self, cx: &Context, suffix: &str) -> String {
        tokio::task::yield_now().await;
        format!("{}{suffix}", cx.method())
    }

    pub fn join(&self, parts: &[String], separator: &str) -> String {
        parts.join(separator)
    }

    pub async fn length(&self, bytes: &[u8]) -> io::Result<usize> {
        tokio::task::yield_now().await;
        Ok(bytes.len())
    }

    pub fn mirror(&self, (x, y): (f64, f64), _scale: Option<f64>, _: Option<bool>) -> Point {
        Point { x: y, y: x }
    }

    pub fn write_only(&self) -> WriteOnly {
        WriteOnly
    }

    pub fn nothing(&self) {}

    pub fn sum(&self, Variadic(numbers): Variadic<i64>) -> i64 {
        numbers.iter().sum()
    }

    #[service(name = "a-b")]
    pub fn dashed(&self) -> i64 {
        Self::ONE
    }

    #[service(blocking)]
    pub fn is_elsewhere(&self, cx: &Context) -> Result<bool, Fault> {
        Ok(thread::current().id() != self.home && !cx.is_cancelled())
    }

    #[deprecated]
    #[must_use]
    pub fn old(&self) -> bool {
        true
    }

    // This method is not confused with `Arc::clone`.
    pub fn clone(&self) -> i64 {
        7
    }

    #[service(skip)]
    fn local<T: Debug>(&self, x: &T) -> String {
        format!("{x:?}")
    }

    #[service(skip)]
    #[expect(unreachable_pub, reason = "the lint applies to skipped methods")]
    pub fn skipped(&self) -> bool {
        true
    }

    // Methods that are not public are ignored, whatever their signatures.
    fn secret(&self) -> i64 {
        1
    }

    pub(crate) fn inner(&self) -> i64 {
        self.secret()
    }

    pub(self) fn own<T: Debug>(&mut self, _: impl Debug, _: &mut T) -> &Self {
        self
    }

    #[service]
    fn for_callers(&self) -> i64 {
        self.inner() + 1
    }

    #[service(name = "forCallersToo")]
    pub(crate) fn named(&self) -> i64 {
        3
    }

    #[service(skip)]
    fn consume(self) -> i64 {
        self.total.into_inner()
    }

    #[cfg(any())]
    pub fn missing(&self) -> DoesNotExist {
        DoesNotExist
    }

    #[cfg(not(any()))]
    pub fn chosen(&self) -> &'static str {
        "all"
    }

    #[cfg(any())]
    #[service(name = "chosen")]
    pub fn chosen_elsewhere(&self) -> &'static str {
        "any"
    }

    #[service(nested)]
    pub fn fast_memory(&self) -> Arc<Memory> {
        Arc::clone(&self.memory)
    }

    #[service(nested = "rom")]
    pub fn read_only_memory(&self) -> Memory {
        Memory(9)
    }
}

struct Memory(i64);

macro_rules! visible {
    ($($ty:ident ($vis:vis) ($other:vis))*) => {$(
        struct $ty;

        #[service]
        impl $ty {
            $vis fn offered(&self) {}

            $other fn kept(&self) {}
        }
    )*};
}

visible! {
    First (pub) (pub(self))
    Second (pub) (pub(crate))
}

#[test]
fn private_methods_are_not_offered() {
    let registry = registry();
    let names = registry.names();
    for name in ["secret", "inner", "own", "named", "skipped", "local"] {
        assert!(
            !names.iter().any(|offered| offered.as_str().ends_with(name)),
            "{name}"
        );
    }
    // A visibility that is passed through `macro_rules!` counts as written.
    let registry: Registry<Json> = Registry::new();
    registry.register_instance_at("a", First).unwrap();
    registry.register_instance_at("b", Second).unwrap();
    let names: Vec<String> = registry.names().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a.offered", "b.offered"]);
    First.kept();
    Second.kept();
}

#[service]
impl Memory {
    pub fn recall(&self) -> i64 {
        self.0
    }
}

/// A service whose names could all collide with names in the expansion of the macro.
struct Hygiene;

#[service]
impl Hygiene {
    pub async fn this(
        &self,
        this: i64,
        into: i64,
        arg0: i64,
        method: i64,
        result: i64,
        core: i64,
    ) -> i64 {
        this + into + arg0 + method + result + core
    }

    pub fn r#type(&self, r#fn: i64) -> i64 {
        r#fn
    }
}

struct Stack<T, const N: usize>
where
    T: Clone,
{
    items: [T; N],
}

#[service(prefix = "stack")]
impl<T, const N: usize> Stack<T, N>
where
    T: Clone + Serialize + DeserializeOwned + PartialEq + Send + Sync + 'static,
{
    pub fn top(&self) -> Option<T> {
        self.items.last().cloned()
    }

    pub async fn contains(&self, item: T) -> bool {
        self.items.contains(&item)
    }

    pub fn all(&self, others: &[T]) -> bool {
        others.iter().all(|other| self.items.contains(other))
    }
}

fn registry() -> Registry<Json> {
    let registry = Registry::new();
    registry.register_instance(Calculator::new()).unwrap();
    registry
}

#[tokio::test]
async fn methods_of_every_signature_can_be_called() {
    let registry = registry();
    let client = client(&registry);
    let call = |method: &str, args| {
        let method = format!("calculator.{method}");
        let client = client.clone();
        async move {
            client
                .call::<serde_json::Value>(method, Variadic(args))
                .await
        }
    };
    macro_rules! answers {
        ($($method:literal ($($arg:tt),*) => $result:tt;)*) => {$(
            let args = vec![$(serde_json::json!($arg)),*];
            assert_eq!(call($method, args).await.unwrap(), serde_json::json!($result), $method);
        )*};
    }
    answers! {
        "add"(3, 5) => 8;
        "addToTotal"(2) => 2;
        "addToTotal"(2) => 4;
        "divide"(3, 2) => 1.5;
        "methodOf"() => "calculator.methodOf";
        "borrowedMethodOf"("!") => "calculator.borrowedMethodOf!";
        "join"(["a", "b"], "-") => "a-b";
        "length"([1, 2, 3]) => 3;
        "mirror"([1.0, 2.0], 1.0) => {"x": 2.0, "y": 1.0};
        "mirror"([1.0, 2.0]) => {"x": 2.0, "y": 1.0};
        "writeOnly"() => null;
        "nothing"() => null;
        "sum"(1, 2, 3) => 6;
        "a-b"() => 1;
        "isElsewhere"() => true;
        "old"() => true;
        "clone"() => 7;
        "chosen"() => "all";
        "forCallers"() => 2;
        "forCallersToo"() => 3;
        "fastMemory.recall"() => 5;
        "rom.recall"() => 9;
    }
    let zero = call("divide", vec![1.into(), 0.into()]).await.unwrap_err();
    assert_eq!(zero.fault(), Some(&Fault::new(4, "division by zero")));
    for method in [
        "local",
        "skipped",
        "secret",
        "inner",
        "own",
        "named",
        "consume",
        "missing",
        "new",
        "chosenElsewhere",
        "fastMemory",
    ] {
        let unknown = call(method, vec![]).await.unwrap_err();
        assert_eq!(
            unknown.fault().unwrap().kind(),
            FaultKind::UnknownMethod,
            "{method}"
        );
    }
    assert_eq!(Calculator::new().local(&1), "1");
    assert!(Calculator::new().skipped());
    Calculator::new().own(1, &mut 2);
    assert_eq!(Calculator::new().consume(), 0);
}

#[test]
fn doc_comments_names_and_types_describe_a_method() {
    let registry = registry();
    let describe = |method: &str| registry.describe(&format!("calculator.{method}")).unwrap();
    let names = |method: &str| -> Vec<String> {
        let params = &describe(method).params;
        params
            .iter()
            .map(|param| param.name.clone().unwrap())
            .collect()
    };
    assert_eq!(describe("add").help, "Adds two numbers.\n\n    add(1, 2)");
    assert_eq!(describe("addToTotal").help, "");
    assert_eq!(names("add"), ["a", "b"]);
    assert_eq!(names("divide"), ["a", "b"], "the context is no parameter");
    assert_eq!(names("mirror"), ["arg1", "scale", "arg3"]);
    assert_eq!(describe("join").params[0].kind, Kind::Array);
    assert_eq!(describe("join").params[1].kind, Kind::String);
    assert_eq!(describe("length").params[0].kind, Kind::Bytes);
    assert!(describe("mirror").params[1].optional);
    assert!(describe("sum").variadic);
    assert_eq!(describe("add").result, Kind::Int);
    assert_eq!(describe("divide").result, Kind::Double);
    assert_eq!(describe("length").result, Kind::Int);
    assert_eq!(describe("isElsewhere").result, Kind::Boolean);
    assert_eq!(
        describe("mirror").result,
        Kind::Struct,
        "read from the type"
    );
    assert_eq!(
        describe("writeOnly").result,
        Kind::Any,
        "guessed from the name of the type"
    );
    assert_eq!(
        describe("chosen").result,
        Kind::String,
        "a `'static` lifetime does not prevent deserialization"
    );
    assert_eq!(describe("nothing").result, Kind::Nil);
}

#[tokio::test]
async fn parameter_names_and_generics_do_not_collide_with_the_expansion() {
    let registry = Registry::new();
    registry.register_instance(Hygiene).unwrap();
    let stack = Stack {
        items: ["a".to_owned(), "b".to_owned()],
    };
    registry.register_instance(stack).unwrap();
    let client = client(&registry);
    let sum: i64 = client.call("this", (1, 2, 3, 4, 5, 6)).await.unwrap();
    assert_eq!(sum, 21);
    assert_eq!(client.call::<i64>("type", (3,)).await.unwrap(), 3);
    assert_eq!(
        registry.describe("type").unwrap().params[0].name.as_deref(),
        Some("fn")
    );
    assert_eq!(client.call::<String>("stack.top", ()).await.unwrap(), "b");
    assert!(client.call::<bool>("stack.contains", ("a",)).await.unwrap());
    assert!(
        !client
            .call::<bool>("stack.all", (["a", "c"],))
            .await
            .unwrap()
    );
    assert_eq!(registry.describe("stack.top").unwrap().result, Kind::String);
    let again = registry.register_instance(Hygiene).unwrap_err();
    assert_eq!(again, RegisterError::Duplicate("this".into()));
}

/// An application error, as a user would define it.
#[derive(Debug)]
enum ApiError {
    ByZero,
    Call(CallError),
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error.fault() {
            Some(fault) if fault.code() == 4 => Self::ByZero,
            _ => Self::Call(error),
        }
    }
}

#[client(prefix = "calculator", rename_all = "camelCase")]
trait CalculatorApi: Debug {
    /// Adds two numbers.
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
    async fn add_to_total(&self, n: i64) -> Result<i64, CallError>;
    async fn divide(&self, a: f64, b: f64) -> Result<f64, ApiError>;
    async fn join<'a>(&self, parts: &[&'a str], separator: &'a str) -> Result<String, CallError>;
    async fn mirror(&self, point: (f64, f64)) -> Result<Point, CallError>;
    async fn sum(&self, numbers: Variadic<i64>) -> Result<i64, CallError>;
    #[client(name = "a-b")]
    async fn dashed(&self) -> Result<i64, CallError>;
    #[cfg(any())]
    async fn missing(&self) -> Result<DoesNotExist, CallError>;
}

#[client(prefix = "stack")]
trait StackApi<T: Serialize + DeserializeOwned> {
    async fn top(&self) -> Result<Option<T>, CallError>;
    async fn contains(&self, item: &T) -> Result<bool, CallError>;
}

fn sendable<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_client_trait_calls_the_methods_that_it_names() {
    let client = client(&registry());
    assert_eq!(client.add(3, 5).await.unwrap(), 8);
    assert_eq!(client.add_to_total(3).await.unwrap(), 3);
    let parts = vec!["a", "b"];
    let separator = String::from("+");
    let joined = sendable(client.join(&parts, &separator));
    assert_eq!(joined.await.unwrap(), "a+b");
    assert_eq!(
        client.mirror((1.0, 2.0)).await.unwrap(),
        Point { x: 2.0, y: 1.0 }
    );
    assert_eq!(client.sum(Variadic(vec![1, 2, 3])).await.unwrap(), 6);
    assert_eq!(client.dashed().await.unwrap(), 1);
    assert!(matches!(
        client.divide(1.0, 0.0).await,
        Err(ApiError::ByZero)
    ));
    let other = client.top().await as Result<Option<i64>, CallError>;
    let ApiError::Call(other) = other.unwrap_err().into() else {
        panic!("unexpected error")
    };
    assert_eq!(other.fault().unwrap().kind(), FaultKind::UnknownMethod);

    let task = tokio::spawn(async move { client.add(1, 2).await });
    assert_eq!(task.await.unwrap().unwrap(), 3);
}

#[tokio::test]
async fn a_generic_trait_calls_through_any_caller() {
    async fn has(api: &impl StackApi<String>, item: &str) -> Result<bool, CallError> {
        api.contains(&item.to_owned()).await
    }

    let registry = Registry::new();
    registry
        .register_instance(Stack {
            items: ["a".to_owned()],
        })
        .unwrap();
    let client = client(&registry);
    assert!(has(&client, "a").await.unwrap());
    assert!(!has(&&client, "b").await.unwrap());
}

/// A blocking caller around an async one.
struct Blocking(ServiceCaller<Registry<Json>, Json>, tokio::runtime::Runtime);

impl BlockingCaller for Blocking {
    type Format = Json;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        self.1.block_on(self.0.call_in(context, args))
    }
}

#[client(prefix = "calculator")]
trait BlockingApi {
    fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
    fn divide(&self, a: f64, b: f64) -> Result<f64, ApiError>;
}

#[test]
fn a_client_trait_without_async_methods_blocks() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let blocking = Blocking(client(&registry()), runtime);
    assert_eq!(blocking.add(3, 5).unwrap(), 8);
    let by_reference = &blocking;
    assert_eq!(BlockingApi::add(&by_reference, 3, 5).unwrap(), 8);
    assert!(matches!(blocking.divide(1.0, 0.0), Err(ApiError::ByZero)));
}

#[client]
trait CallOptions {
    #[client(idempotent)]
    async fn look(&self) -> Result<bool, CallError>;
    #[client(one_way)]
    async fn tell(&self, what: &str) -> Result<(), CallError>;
}

#[tokio::test]
async fn calls_have_the_options_of_their_method() {
    let registry: Registry<Json> = Registry::new();
    registry
        .register_function("look", |cx: Context| cx.is_idempotent() && !cx.is_one_way())
        .unwrap();
    registry
        .register_function("tell", |cx: Context, what: String| {
            assert!(cx.is_one_way() && what == "it");
        })
        .unwrap();
    let client = client(&registry);
    assert!(client.look().await.unwrap());
    client.tell("it").await.unwrap();
    // The trait can be used where only a type is needed.
    let _: std::marker::PhantomData<dyn CallOptions> = std::marker::PhantomData;
}

#[tokio::test]
async fn calls_inherit_the_deadline_of_the_call_that_is_handled() {
    let registry: Registry<Json> = Registry::new();
    registry
        .register_function("left", |cx: Context| cx.deadline().is_some())
        .unwrap();
    let inner = client(&registry);
    registry
        .register_function("outer", move || {
            let inner = inner.clone();
            async move {
                tokio::task::yield_now().await;
                inner.call::<bool>("left", ()).await
            }
        })
        .unwrap();
    let client = client(&registry);
    assert!(!client.call::<bool>("outer", ()).await.unwrap());
    let limited = client.within(std::time::Duration::from_secs(60));
    assert!(limited.call::<bool>("outer", ()).await.unwrap());
    assert!(!client.call::<bool>("left", ()).await.unwrap());
}

/// A crate that re-exports Farcall.
mod reexported {
    pub(crate) use farcall_core as rpc;
}

struct Renamed;

#[service(crate = "crate::reexported::rpc")]
impl Renamed {
    pub fn double(&self, n: i64) -> i64 {
        2 * n
    }
}

#[client(crate = "reexported::rpc")]
trait RenamedApi {
    async fn double(&self, n: i64) -> Result<i64, CallError>;
}

#[tokio::test]
async fn the_crate_can_be_named() {
    let registry: Registry<Json> = Registry::new();
    registry.register_instance(Renamed).unwrap();
    assert_eq!(client(&registry).double(4).await.unwrap(), 8);
}
