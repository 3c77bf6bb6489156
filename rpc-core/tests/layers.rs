//! Tower layers around a registry, with a small JSON format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::future::{Future, pending};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use common::{Json, client};
use farcall_core::protocol::{Call, CallReply, Dispatch, Payload};
use farcall_core::{
    Blocking, BlockingCaller, CallError, Caller, Context, Description, Fault, FaultKind, Method,
    Registry, ServiceCaller,
};
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower::{BoxError, Service, ServiceBuilder, layer::layer_fn, service_fn};

/// The names of the calls that a layer saw.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Returns a layer that records `mark` and the method of each call.
    fn layer(
        &self,
        mark: &'static str,
    ) -> MapRequestLayer<impl Fn(Call<Json>) -> Call<Json> + Clone + use<>> {
        let log = self.clone();
        MapRequestLayer::new(move |call: Call<Json>| {
            let line = format!("{mark}{}", call.method());
            log.0.lock().unwrap().push(line);
            call
        })
    }
}

fn registry() -> Registry<Json> {
    let registry = Registry::new();
    registry
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap()
        .register_function("odd", || -> Result<(), Fault> { Err(Fault::new(7, "odd")) })
        .unwrap()
        .register_function("never", async || pending::<()>().await)
        .unwrap();
    registry
}

fn fault(error: CallError) -> Fault {
    match error {
        CallError::Fault(fault) => fault,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_call_passes_and_the_last_layer_is_the_outermost() {
    let (log, registry) = (Log::default(), registry());
    registry.register_introspection().unwrap();
    let caller = client(&registry);
    registry
        .layer(log.layer("inner "))
        .layer(log.layer("outer "));
    assert_eq!(caller.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(log.take(), ["outer add", "inner add"]);
    registry
        .register_function("later", || 5)
        .unwrap()
        .set_fallback(|cx: Context| cx.method().to_string());
    for method in ["later", "system.listMethods", "nope"] {
        let result = caller.call::<serde_json::Value>(method, ()).await;
        assert!(result.is_ok(), "{method}");
        assert_eq!(
            log.take(),
            [format!("outer {method}"), format!("inner {method}")]
        );
    }
    registry.set_guard(|_| Err(Fault::of(FaultKind::Denied, "no")));
    let denied = caller.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert_eq!(fault(denied).kind(), FaultKind::Denied);
    assert_eq!(log.take().len(), 2, "layers see a call before the guard");
}

#[tokio::test]
async fn the_layers_of_a_server_are_around_those_of_a_registry() {
    let (log, inner, server) = (Log::default(), registry(), registry());
    server.layer(log.layer("server "));
    inner.set_outer_layers(server.layers());
    let caller = client(&inner);
    assert_eq!(caller.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(log.take(), ["server add"]);
    inner.layer(log.layer("own "));
    assert_eq!(caller.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(log.take(), ["server add", "own add"]);
}

#[tokio::test]
async fn calls_to_something_else_pass_the_layers_too() {
    let (log, registry) = (Log::default(), registry());
    registry.layer(log.layer(""));
    let call = Call {
        params: Payload::from(b"[]".to_vec()),
        format: Json,
        context: Context::new("of an object"),
    };
    let layers = registry.layers().unwrap();
    let answer = layers.dispatch(call, |call| {
        CallReply::ready(Ok(Payload::from(call.method().as_bytes().to_vec())))
    });
    assert_eq!(answer.await.unwrap().as_slice(), b"of an object");
    assert_eq!(log.take(), ["of an object"]);
}

#[tokio::test]
async fn a_handler_sees_what_a_layer_attached() {
    let registry = Registry::new();
    registry
        .register_function("user", |cx: Context| {
            cx.extension::<&str>().copied().unwrap().len()
        })
        .unwrap();
    registry.layer(MapRequestLayer::new(|mut call: Call<Json>| {
        call.context = call.context.with_extension("ada");
        call
    }));
    assert_eq!(
        client(&registry).call::<usize>("user", ()).await.unwrap(),
        3
    );
}

#[tokio::test]
async fn a_layer_may_rename_a_call_but_not_replace_its_context() {
    let registry = registry();
    registry.layer(MapRequestLayer::new(|mut call: Call<Json>| {
        call.context = match call.method().as_str() {
            "plus" => call.context.for_method("add"),
            "lost" => Context::new("add"),
            _ => call.context,
        };
        call
    }));
    let caller = client(&registry);
    assert_eq!(caller.call::<i64>("plus", (3, 5)).await.unwrap(), 8);
    let lost = caller.call::<i64>("lost", (3, 5)).await.unwrap_err();
    assert_eq!(fault(lost).kind(), FaultKind::Internal);
}

#[tokio::test]
async fn a_panic_in_a_layer_fails_only_its_call() {
    #[derive(Clone)]
    struct Panics(Dispatch<Json>);

    impl Service<Call<Json>> for Panics {
        type Response = Payload;
        type Error = Fault;
        type Future = CallReply;

        fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Fault>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, call: Call<Json>) -> CallReply {
            assert_ne!(call.method().as_str(), "odd", "this method is odd");
            self.0.call(call)
        }
    }

    let registry = registry();
    registry.layer(layer_fn(Panics));
    let caller = client(&registry);
    let panicked = caller.call::<()>("odd", ()).await.unwrap_err();
    assert_eq!(fault(panicked).message(), "internal error");
    assert_eq!(caller.call::<i64>("add", (3, 5)).await.unwrap(), 8);
}

#[tokio::test]
async fn a_panic_of_a_clone_fails_only_its_call() {
    struct PanicsOnClone(Dispatch<Json>, Arc<AtomicUsize>);

    impl Clone for PanicsOnClone {
        fn clone(&self) -> Self {
            assert_ne!(self.1.fetch_add(1, Ordering::Relaxed), 0, "the first clone");
            Self(self.0.clone(), Arc::clone(&self.1))
        }
    }

    impl Service<Call<Json>> for PanicsOnClone {
        type Response = Payload;
        type Error = Fault;
        type Future = CallReply;

        fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Fault>> {
            self.0.poll_ready(cx)
        }

        fn call(&mut self, call: Call<Json>) -> CallReply {
            self.0.call(call)
        }
    }

    let registry = registry();
    registry.layer(layer_fn(|inner| PanicsOnClone(inner, Arc::default())));
    let caller = client(&registry);
    let panicked = caller.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert_eq!(fault(panicked).kind(), FaultKind::Internal);
    assert_eq!(caller.call::<i64>("add", (3, 5)).await.unwrap(), 8);
}

/// A service that never becomes ready. Counts its instances.
struct NeverReady(Arc<AtomicUsize>);

impl Clone for NeverReady {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for NeverReady {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service<Call<Json>> for NeverReady {
    type Response = Payload;
    type Error = Fault;
    type Future = CallReply;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Fault>> {
        Poll::Pending
    }

    fn call(&mut self, _: Call<Json>) -> CallReply {
        unreachable!("it is never ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_is_never_ready_is_dropped_when_the_caller_leaves() {
    let (registry, instances) = (registry(), Arc::new(AtomicUsize::new(1)));
    let count = Arc::clone(&instances);
    registry.layer(layer_fn(move |_| NeverReady(Arc::clone(&count))));
    let caller = client(&registry);
    let call = caller.call::<i64>("add", (3, 5));
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            assert_eq!(instances.load(Ordering::Relaxed), 2);
            Poll::<()>::Pending
        })
        .await;
    });
    assert!(waited.await.is_err());
    assert_eq!(instances.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_tower_passes_faults_and_may_be_mapped() {
    let registry = registry();
    registry.layer(TimeoutLayer::new(Duration::from_secs(1)));
    let caller = client(&registry);
    let odd = caller.call::<()>("odd", ()).await.unwrap_err();
    assert_eq!(fault(odd), Fault::new(7, "odd"));
    let slow = fault(caller.call::<()>("never", ()).await.unwrap_err());
    assert_eq!(slow.kind(), FaultKind::Internal);
    assert_eq!(slow.causes().last().unwrap(), "request timed out");
    registry.layer(
        ServiceBuilder::new()
            .map_err(|error: BoxError| {
                if error.is::<tower::timeout::error::Elapsed>() {
                    Fault::of(FaultKind::DeadlineExceeded, "too long")
                } else {
                    error.into()
                }
            })
            .timeout(Duration::from_millis(100))
            .into_inner(),
    );
    let slow = fault(caller.call::<()>("never", ()).await.unwrap_err());
    assert_eq!(slow.kind(), FaultKind::DeadlineExceeded);
    let odd = fault(caller.call::<()>("odd", ()).await.unwrap_err());
    assert_eq!(odd, Fault::new(7, "odd"));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_concurrency_makes_calls_wait_or_sheds_them() {
    let registry = registry();
    registry.layer(ConcurrencyLimitLayer::new(1));
    let (one, two) = (client(&registry), client(&registry));
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        tokio::join!(one.call::<()>("never", ()), two.call::<i64>("add", (3, 5)))
    });
    assert!(waited.await.is_err(), "the second call waits for the first");
    assert_eq!(two.call::<i64>("add", (3, 5)).await.unwrap(), 8);

    let registry = self::registry();
    registry.layer(
        ServiceBuilder::new()
            .layer(LoadShedLayer::new())
            .concurrency_limit(1)
            .into_inner(),
    );
    let (one, two) = (client(&registry), client(&registry));
    let never = async { one.call::<()>("never", ()).await };
    let shed = tokio::select! {
        biased;
        _ = never => unreachable!(),
        shed = two.call::<i64>("add", (3, 5)) => shed,
    };
    assert_eq!(fault(shed.unwrap_err()).kind(), FaultKind::Internal);
}

#[tokio::test(start_paused = true)]
async fn a_buffered_rate_limit_makes_calls_wait() {
    let registry = registry();
    registry.layer(
        ServiceBuilder::new()
            .buffer(10)
            .rate_limit(1, Duration::from_secs(1))
            .into_inner(),
    );
    let (caller, start) = (client(&registry), tokio::time::Instant::now());
    for _ in 0..3 {
        assert_eq!(caller.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    }
    assert_eq!(start.elapsed().as_secs(), 2);
    let odd = fault(caller.call::<()>("odd", ()).await.unwrap_err());
    assert_eq!(odd, Fault::new(7, "odd"));
}

#[tokio::test]
async fn a_function_can_be_the_whole_stack() {
    let registry = registry();
    registry.layer(layer_fn(|_| {
        service_fn(async |_: Call<Json>| Ok::<_, Fault>(Payload::from(b"42".to_vec())))
    }));
    assert_eq!(
        client(&registry).call::<i64>("anything", ()).await.unwrap(),
        42
    );
    registry.layer(MapResponseLayer::new(|_: Payload| {
        Payload::from(b"43".to_vec())
    }));
    assert_eq!(
        client(&registry).call::<i64>("anything", ()).await.unwrap(),
        43
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_does_not_wait_for_its_own_calls() {
    let (log, registry) = (Log::default(), registry());
    let batch = Method::raw(
        "twice",
        Description::default(),
        |registry: &Registry<Json>, call| {
            let registry = registry.clone();
            CallReply::later(async move {
                let one = Call {
                    context: call.context.for_method("add"),
                    params: Payload::from(b"[3,5]".to_vec()),
                    ..call
                };
                registry.dispatch(one.clone()).await?;
                registry.dispatch(one).await
            })
        },
    );
    registry.register(batch.batch()).unwrap();
    registry
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(log.layer(""));
    let caller = client(&registry);
    let call = caller.call::<i64>("twice", ());
    let result = tokio::time::timeout(Duration::from_secs(9), call).await;
    assert_eq!(result.unwrap().unwrap(), 8);
    assert_eq!(log.take(), ["add", "add"]);
}

#[test]
fn layers_work_around_a_blocking_caller() {
    let service = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(registry());
    let caller = Blocking::new(ServiceCaller::new(service, Json));
    assert_eq!(caller.call::<i64>("add", (3, 5)).unwrap(), 8);
    let odd = caller.call::<()>("odd", ()).unwrap_err();
    assert_eq!(fault(odd), Fault::new(7, "odd"));
}

#[tokio::test(start_paused = true)]
async fn layers_and_handlers_inherit_the_deadline() {
    let registry = Registry::new();
    registry
        .register_function("deadline", || Context::new("other").deadline().is_some())
        .unwrap();
    let inherited = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&inherited);
    registry.layer(MapRequestLayer::new(move |call: Call<Json>| {
        count.fetch_add(
            usize::from(Context::new("other").deadline().is_some()),
            Ordering::Relaxed,
        );
        call
    }));
    let caller = client(&registry);
    let within = caller.within(Duration::from_secs(1));
    assert!(within.call::<bool>("deadline", ()).await.unwrap());
    assert_eq!(inherited.load(Ordering::Relaxed), 1);
}
