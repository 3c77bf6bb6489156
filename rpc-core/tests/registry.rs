//! Handlers of every signature, registered and called with a small JSON format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use common::{Json, client};
use farcall_core::protocol::{Format, Registrar};
use farcall_core::{
    About, CallError, Caller, Context, DateTime, Execution, Fault, FaultKind, Instance, Kind,
    Method, RegisterError, Registry, ServiceCaller, Variadic,
};
use serde_json::json;

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
            "system.describe",
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

#[tokio::test]
async fn a_registry_is_described_as_a_document() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Point {
        x: f64,
        label: Option<String>,
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    enum Figure {
        Nothing,
        Circle(f64),
    }
    struct Plane;
    #[farcall::service(prefix = "plane")]
    impl Plane {
        /// Moves a point.
        ///
        /// By `(dx, 0)`.
        pub fn shift(&self, point: Point, by: (f64, Option<u8>), data: Option<Vec<u8>>) -> Point {
            drop(data);
            Point {
                x: point.x + by.0,
                ..point
            }
        }

        pub fn first(&self, figures: HashMap<String, Figure>) -> Option<Figure> {
            figures.into_values().next()
        }
    }
    let registry: Registry<Json> = Registry::new();
    registry.register_introspection().unwrap();
    registry.set_about(About::new("Plane").version("1.2").text("Flat."));
    registry.register_instance(Plane).unwrap();
    let sum = Method::function("sum", |numbers: Variadic<i64>| numbers.0.len());
    registry.register(sum.fault(7, "too many")).unwrap();
    registry
        .register_function("odd", |_: Option<bool>, _: DateTime| ())
        .unwrap();
    let client = client(&registry);
    let document: serde_json::Value = client.call("system.describe", ()).await.unwrap();
    assert_eq!(
        document["info"],
        json!({"title": "Plane", "version": "1.2", "description": "Flat."})
    );
    let methods = document["methods"].as_array().unwrap();
    let method = |name| {
        methods
            .iter()
            .find(|method| method["name"] == name)
            .unwrap()
    };
    let point = json!({
        "type": "object",
        "title": "Point",
        "properties": {"x": {"type": "number"}, "label": {"type": ["string", "null"]}},
        "required": ["x"],
    });
    assert_eq!(
        method("plane.shift"),
        &json!({
            "name": "plane.shift",
            "summary": "Moves a point.",
            "description": "Moves a point.\n\nBy `(dx, 0)`.",
            "paramStructure": "either",
            "params": [
                {"name": "point", "required": true, "schema": point},
                {"name": "by", "required": true, "schema": {
                    "type": "array",
                    "prefixItems": [{"type": "number"}, {"type": ["integer", "null"]}],
                    "minItems": 2,
                    "maxItems": 2,
                }},
                {"name": "data", "required": false, "schema": {
                    "type": ["string", "null"], "contentEncoding": "base64",
                }},
            ],
            "result": {"name": "result", "required": true, "schema": point},
        })
    );
    let variants = json!([
        {"type": "string", "enum": ["Nothing"]},
        {"type": "object", "properties": {"Circle": {"type": "number"}}, "required": ["Circle"]},
    ]);
    let mut or_nil = variants.clone();
    or_nil.as_array_mut().unwrap().push(json!({"type": "null"}));
    let first = method("plane.first");
    assert_eq!(
        first["params"][0]["schema"],
        json!({"type": "object", "additionalProperties": {"title": "Figure", "anyOf": variants}})
    );
    assert_eq!(
        first["result"]["schema"],
        json!({"title": "Figure", "anyOf": or_nil})
    );
    let sum = method("sum");
    assert_eq!(
        (&sum["x-variadic"], &sum["paramStructure"], &sum["errors"]),
        (
            &json!(true),
            &json!("by-position"),
            &json!([{"code": 7, "message": "too many"}])
        )
    );
    // An optional parameter in front of one that is not can be nil, but not left out.
    let date = json!({"type": "string", "format": "date-time"});
    assert_eq!(
        method("odd")["params"],
        json!([
            {"name": "parameter1", "required": true, "schema": {"type": ["boolean", "null"]}},
            {"name": "parameter2", "required": true, "schema": date},
        ])
    );
}

#[tokio::test]
async fn a_document_is_bounded() {
    let registry: Registry<Json> = Registry::new();
    registry.register_introspection().unwrap();
    let methods = (0..10_050).map(|number| {
        Method::function(format!("m{number:05}"), |_: Vec<(u8, u8, u8, u8, u8)>| ())
            .help("x".repeat(1000))
    });
    registry.register_all(methods).unwrap();
    let document: serde_json::Value = client(&registry).call("system.describe", ()).await.unwrap();
    let methods = document["methods"].as_array().unwrap();
    assert_eq!(
        (methods.len(), &document["x-methods"]),
        (10_000, &json!(10_054))
    );
    let texts = methods
        .iter()
        .filter(|method| method.get("description").is_some());
    assert!((2000..2200).contains(&texts.count()));
    let schema = |index: usize| &methods[index]["params"][0]["schema"];
    assert!(schema(0).get("items").is_some());
    assert_eq!(schema(9_999), &json!({"type": "array"}));
    assert!(document.to_string().len() < 8 << 20);
}

#[cfg(feature = "schemars")]
#[tokio::test]
async fn types_bring_their_schemas_along() {
    /// A list.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct List {
        #[schemars(range(max = 9))]
        item: u8,
        #[serde(default)]
        rest: Option<Box<Self>>,
    }
    let registry: Registry<Json> = Registry::new();
    registry.register_introspection().unwrap();
    let schema = farcall_core::Shape::by_schema::<List>;
    let tail = Method::function("tail", |list: List| list.rest.map(|rest| *rest));
    registry.register(tail.parameter(0, schema())).unwrap();
    let document: serde_json::Value = client(&registry).call("system.describe", ()).await.unwrap();
    let methods = document["methods"].as_array().unwrap();
    let method = methods
        .iter()
        .find(|method| method["name"] == "tail")
        .unwrap();
    let known = &method["params"][0]["schema"];
    let list = &document["components"]["schemas"]["List"];
    for schema in [known, list] {
        assert_eq!(schema["description"], "A list.");
        assert_eq!(schema["properties"]["item"]["maximum"], 9);
        assert_eq!(schema["required"], json!(["item"]));
        // The default is null, which not every protocol has.
        assert_eq!(schema["properties"]["rest"].get("default"), None);
        let text = schema.to_string();
        assert!(
            text.contains(r##""$ref":"#/components/schemas/List""##),
            "{text}"
        );
    }
}
