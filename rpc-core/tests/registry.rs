//! Handlers of every signature, registered and called with a small JSON format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use common::{Json, client};
use farcall_core::protocol::{Format, Registrar};
use farcall_core::{
    CallError, Caller, Context, Execution, Fault, FaultKind, Instance, Kind, Method, RegisterError,
    Registry, ServiceCaller, Variadic,
};

fn add(a: i64, b: i64) -> i64 {
    a + b
}

async fn halve(a: i64) -> Result<i64, Fault> {
    tokio::task::yield_now().await;
    if a % 2 == 0 {
        Ok(a / 2)
    } else {
        Err(Fault::new(7, "odd"))
    }
}

#[tokio::test]
async fn handlers_of_every_signature() {
    let registry = Registry::new();
    registry.register_function("add", add).unwrap();
    registry.register_function("halve", halve).unwrap();
    registry
        .register_function("closure", |s: String| format!("<{s}>"))
        .unwrap();
    registry
        .register_function("async closure", async |s: String| s.len())
        .unwrap();
    registry
        .register_function("context", |cx: Context| cx.method().to_string())
        .unwrap();
    registry
        .register_function("async context", async move |cx: Context, n: u8| {
            format!("{} {n}", cx.method())
        })
        .unwrap();
    registry
        .register_function("fallible", |s: String| {
            s.parse::<i32>().map_err(Fault::internal)
        })
        .unwrap();
    registry
        .register_function("io", || std::fs::read_to_string("/nonexistent"))
        .unwrap();
    registry.register_function("nothing", || ()).unwrap();
    registry
        .register_function(
            "twelve",
            |a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8| {
                [a, b, c, d, e, f, g, h, i, j, k, l]
                    .iter()
                    .map(|&n| u32::from(n))
                    .sum::<u32>()
            },
        )
        .unwrap();
    registry
        .register_function("sum", |Variadic(n): Variadic<i64>| n.iter().sum::<i64>())
        .unwrap();
    registry
        .register_function("optional", |a: i32, b: Option<i32>| a + b.unwrap_or(10))
        .unwrap();
    registry
        .register_blocking("slow", |cx: Context, n: u64| (cx.is_cancelled(), n))
        .unwrap();

    let client = client(&registry);
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(client.call::<i64>("halve", (8,)).await.unwrap(), 4);
    assert_eq!(
        client.call::<String>("closure", ("x",)).await.unwrap(),
        "<x>"
    );
    assert_eq!(
        client
            .call::<usize>("async closure", ("four",))
            .await
            .unwrap(),
        4
    );
    assert_eq!(
        client.call::<String>("context", ()).await.unwrap(),
        "context"
    );
    assert_eq!(
        client.call::<String>("async context", (3,)).await.unwrap(),
        "async context 3"
    );
    assert_eq!(client.call::<i32>("fallible", ("12",)).await.unwrap(), 12);
    client.call::<()>("nothing", ()).await.unwrap();
    let twelve = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    assert_eq!(client.call::<u32>("twelve", twelve).await.unwrap(), 12);
    assert_eq!(client.call::<i64>("sum", (1, 2, 3, 4)).await.unwrap(), 10);
    assert_eq!(
        client
            .call::<i64>("sum", Variadic(vec![1, 2]))
            .await
            .unwrap(),
        3
    );
    assert_eq!(client.call::<i32>("optional", (1, 2)).await.unwrap(), 3);
    assert_eq!(client.call::<i32>("optional", (1,)).await.unwrap(), 11);
    assert_eq!(
        client.call::<(bool, u64)>("slow", (9,)).await.unwrap(),
        (false, 9)
    );

    let odd = client.call::<i64>("halve", (7,)).await.unwrap_err();
    assert_eq!(odd.fault(), Some(&Fault::new(7, "odd")));
    assert_eq!(odd.execution(), Execution::Maybe);
    let io = client.call::<String>("io", ()).await.unwrap_err();
    assert_eq!(io.fault().unwrap().message(), "internal error");
    let missing = client.call::<i64>("add", (3,)).await.unwrap_err();
    assert_eq!(missing.fault().unwrap().kind(), FaultKind::InvalidParams);
    assert_eq!(missing.execution(), Execution::Never);
    let unknown = client.call::<i64>("nope", ()).await.unwrap_err();
    assert_eq!(unknown.fault().unwrap().kind(), FaultKind::UnknownMethod);
}

#[tokio::test]
async fn a_panic_fails_only_its_own_call() {
    let registry = Registry::new();
    registry
        .register_function("now", || -> i32 { panic!("secret") })
        .unwrap();
    registry
        .register_function("later", async || -> i32 {
            tokio::task::yield_now().await;
            panic!("secret")
        })
        .unwrap();
    registry
        .register_blocking("blocking", || -> i32 { panic!("secret") })
        .unwrap();
    registry.register_function("add", add).unwrap();
    let client = client(&registry);
    for method in ["now", "later", "blocking"] {
        let error = client.call::<i32>(method, ()).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert_eq!(fault.kind(), FaultKind::Internal, "{method}");
        assert!(!fault.message().contains("secret"));
        assert!(
            format!("{fault:?}").contains("secret"),
            "the log has the message of the panic"
        );
    }
    assert_eq!(client.call::<i64>("add", (1, 1)).await.unwrap(), 2);
}

#[tokio::test]
async fn names_are_unique_and_change_while_serving() {
    let registry = Registry::new();
    registry.register_function("add", add).unwrap();
    let again = registry.register_function("add", || 0).unwrap_err();
    assert_eq!(again, RegisterError::Duplicate("add".into()));
    let unnamed = registry.register_function("", || 0).unwrap_err();
    assert_eq!(unnamed, RegisterError::InvalidName("".into()));
    let client = client(&registry);
    assert_eq!(client.call::<i64>("add", (1, 1)).await.unwrap(), 2);
    assert!(registry.unregister("add"));
    assert!(!registry.unregister("add"));
    let gone = client.call::<i64>("add", (1, 1)).await.unwrap_err();
    assert_eq!(gone.fault().unwrap().kind(), FaultKind::UnknownMethod);
    registry
        .register_function("add", |a: i64, b: i64| a + b + 1)
        .unwrap();
    assert_eq!(client.call::<i64>("add", (1, 1)).await.unwrap(), 3);
}

#[tokio::test]
async fn guard_and_fallback() {
    let registry = Registry::new();
    registry.register_function("open", || 1).unwrap();
    registry.register_function("closed", || 2).unwrap();
    registry.set_guard(|cx| match cx.method().as_str() {
        "closed" => Err(Fault::of(FaultKind::Denied, "not for you")),
        _ => Ok(()),
    });
    registry.set_fallback(async |cx: Context, Variadic(params): Variadic<i32>| {
        match cx.method().strip_prefix("dynamic.") {
            Some(name) => Ok(format!("{name}{params:?}")),
            None => Err(Fault::unknown_method(cx.method())),
        }
    });
    let client = client(&registry);
    assert_eq!(client.call::<i32>("open", ()).await.unwrap(), 1);
    let denied = client.call::<i32>("closed", ()).await.unwrap_err();
    assert_eq!(denied.fault().unwrap().kind(), FaultKind::Denied);
    assert_eq!(denied.execution(), Execution::Never);
    assert_eq!(
        client.call::<String>("dynamic.x", (1, 2)).await.unwrap(),
        "x[1, 2]"
    );
    let unknown = client.call::<i32>("static.x", ()).await.unwrap_err();
    assert_eq!(unknown.fault().unwrap().kind(), FaultKind::UnknownMethod);
}

struct Counter(AtomicI64);

impl Instance for Counter {
    fn register<F: Format>(self: Arc<Self>, into: &mut Registrar<F>) {
        let this = Arc::clone(&self);
        into.method(Method::function("increment", move |n: i64| {
            this.0.fetch_add(n, Ordering::Relaxed) + n
        }));
        into.method(Method::function("value", move || {
            self.0.load(Ordering::Relaxed)
        }));
    }
}

#[tokio::test]
async fn all_or_no_methods_of_an_instance_are_registered() {
    let registry = Registry::new();
    let counter = Arc::new(Counter(AtomicI64::new(1)));
    registry
        .register_instance_at("counter", Arc::clone(&counter))
        .unwrap();
    registry.register_function("value", || 0).unwrap();
    assert!(
        registry.register_instance(counter).is_err(),
        "`value` is taken"
    );
    let names: Vec<String> = registry.names().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["counter.increment", "counter.value", "value"]);
    let client = client(&registry);
    assert_eq!(
        client.call::<i64>("counter.increment", (4,)).await.unwrap(),
        5
    );
    assert_eq!(client.call::<i64>("counter.value", ()).await.unwrap(), 5);
}

#[tokio::test]
async fn introspection_describes_the_current_methods() {
    let registry = Registry::new();
    registry.register_introspection().unwrap();
    registry
        .register(
            Method::function("add", add)
                .help("Adds.")
                .parameter_names(["a", "b"]),
        )
        .unwrap();
    registry
        .register_function("lines", |_: Option<String>| vec![0u8])
        .unwrap();
    let client = client(&registry);
    let names: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert_eq!(
        names,
        [
            "add",
            "lines",
            "system.listMethods",
            "system.methodHelp",
            "system.methodSignature"
        ]
    );
    let help: String = client.call("system.methodHelp", ("add",)).await.unwrap();
    assert_eq!(help, "Adds.");
    let signature: Vec<Vec<String>> = client
        .call("system.methodSignature", ("add",))
        .await
        .unwrap();
    assert_eq!(signature, [["int", "int", "int"]]);
    let signature: Vec<Vec<String>> = client
        .call("system.methodSignature", ("lines",))
        .await
        .unwrap();
    assert_eq!(signature, [vec!["base64", "string"], vec!["base64"]]);
    assert_eq!(
        registry.describe("add").unwrap().params[1].name.as_deref(),
        Some("b")
    );
    assert_eq!(registry.describe("add").unwrap().result, Kind::Int);
    let nope = client.call::<String>("system.methodHelp", ("nope",)).await;
    let nope = nope.unwrap_err();
    assert_eq!(nope.fault().unwrap().kind(), FaultKind::UnknownMethod);
}

#[test]
fn a_type_that_only_has_the_name_of_a_known_one_can_be_anything() {
    #[derive(serde::Serialize)]
    struct DateTime;
    #[derive(serde::Serialize)]
    struct Struct;
    let registry: Registry<Json> = Registry::new();
    registry.register_function("now", || DateTime).unwrap();
    registry.register_function("all", || Struct).unwrap();
    for name in ["now", "all"] {
        assert_eq!(registry.describe(name).unwrap().result, Kind::Any);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tower_layer_fits_around_a_registry() {
    let registry = Registry::new();
    registry
        .register_function("slow", async || {
            tokio::time::sleep(Duration::from_secs(60)).await;
        })
        .unwrap();
    registry
        .register_function("odd", || -> Result<(), Fault> { Err(Fault::new(7, "odd")) })
        .unwrap();
    let stack = tower::ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .service(registry);
    let client = ServiceCaller::new(stack, Json);
    let odd = client.call::<()>("odd", ()).await.unwrap_err();
    assert_eq!(
        odd.fault(),
        Some(&Fault::new(7, "odd")),
        "a fault passes through the boxed error of the layer"
    );
    let slow = client.call::<()>("slow", ()).await.unwrap_err();
    assert!(matches!(slow, CallError::Lost(_)) && slow.execution() == Execution::Maybe);
}
