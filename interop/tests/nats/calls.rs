//! Calls, and all that can go wrong with one.

use std::time::{Duration, Instant};

use farcall::cluster::nats::{
    Client, ClientOptions, ContentType, NoResponders, SendError, ServerOptions,
};
use farcall::metrics::Metrics;
use farcall::{CallError, Caller as _, Context, Execution, FaultKind};

use crate::server::NatsServer;
use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_faults_in_each_format() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let running = start(&connection, "demo", ServerOptions::default()).await;
    for format in [
        ContentType::Json,
        ContentType::MessagePack,
        ContentType::Bincode,
    ] {
        let options = ClientOptions::default().format(format);
        let any = Client::with_options(&connection, "demo", options).unwrap();
        for client in [any.clone(), any.to_instance(&running.id).unwrap()] {
            assert_eq!(
                client.call::<i64>("add", (i64::MAX, -1)).await.unwrap(),
                i64::MAX - 1
            );
            assert_eq!(client.call::<usize>("length", ("grüße",)).await.unwrap(), 7);
            let text = "two\r\nlines: grüße\0\u{1b}[2J";
            let error = client.call::<()>("fail", (7, text)).await.unwrap_err();
            let fault = error.fault().unwrap();
            assert_eq!((fault.code(), fault.message()), (7, text));
            assert_eq!(fault.kind(), FaultKind::Application);
            assert_eq!(error.execution(), Execution::Maybe);

            let error = client.call::<()>("add", ("three", 5)).await.unwrap_err();
            assert_eq!(
                error.fault().unwrap().kind(),
                FaultKind::InvalidParams,
                "{error:?}"
            );
            assert_eq!(error.execution(), Execution::Never);
            let error = client.call::<String>("add", (3, 5)).await.unwrap_err();
            assert_eq!(error.execution(), Execution::Completed, "{error:?}");
        }
    }
    assert_eq!(connection.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_nobody_offers_never_ran() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let running = start(&connection, "demo", ServerOptions::default()).await;
    let client = Client::new(&connection, "demo").unwrap();
    let begun = Instant::now();
    for method in ["nope", "add.nope", "two words", "a..b", "*", ">", "\r\n"] {
        let error = client.call::<()>(method, ()).await.unwrap_err();
        let CallError::NotSent(source) = &error else {
            panic!("{method}: {error:?}");
        };
        assert!(source.is::<NoResponders>(), "{error:?}");
    }
    let other = Client::new(&connection, "other").unwrap();
    let error = other.call::<()>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    assert!(begun.elapsed() < Duration::from_secs(5));
    // An instance gets all that is for it, so that it can have a fallback.
    let one = client.to_instance(&running.id).unwrap();
    for method in ["nope", "two words", "a..b"] {
        let error = one.call::<()>(method, ()).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert_eq!(fault.kind(), FaultKind::UnknownMethod, "{error:?}");
        assert!(fault.message().contains(method), "{error:?}");
    }
    let gone = client.to_instance("gone").unwrap();
    assert_eq!(
        gone.call::<()>("add", (1, 2))
            .await
            .unwrap_err()
            .execution(),
        Execution::Never
    );
    for name in ["", "a.b", "a b", "*", "x\r\nPUB"] {
        assert!(Client::new(&connection, name).is_err());
        assert!(client.to_instance(name).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_in_words() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let _running = start(&connection, "demo", ServerOptions::default()).await;
    let client = Client::new(&connection, "demo").unwrap();
    let fits = "x".repeat(1_000_000);
    assert_eq!(
        client.call::<usize>("length", (&fits,)).await.unwrap(),
        fits.len()
    );
    let error = client
        .call::<usize>("length", ("x".repeat(1 << 20),))
        .await
        .unwrap_err();
    let CallError::NotSent(source) = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(source.downcast_ref(), Some(SendError::TooLarge { .. })),
        "{error:?}"
    );
    assert!(
        source.to_string().contains("stream over a session"),
        "{source}"
    );
    let error = client
        .call::<String>("big", (1_500_000,))
        .await
        .unwrap_err();
    let fault = error.fault().unwrap();
    assert_eq!(
        (fault.kind(), error.execution()),
        (FaultKind::Internal, Execution::Maybe)
    );
    assert!(fault.message().contains("1500"), "{fault}");
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_and_a_caller_that_leaves_end_the_call() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let running = start(&connection, "demo", ServerOptions::default()).await;
    let client = Client::new(&connection, "demo").unwrap();
    let begun = Instant::now();
    let sleep = client.within(Duration::from_millis(200));
    let error = sleep.call::<u64>("sleep", (30_000,)).await.unwrap_err();
    assert_eq!(
        error.fault().unwrap().kind(),
        FaultKind::DeadlineExceeded,
        "{error:?}"
    );
    assert_eq!(error.execution(), Execution::Maybe);
    assert!(begun.elapsed() < Duration::from_secs(5));

    // Without a deadline, only the cancellation ends it.
    let context = Context::new("sleep").with_deadline(None);
    let call = client.call_in::<u64>(context, (30_000,));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), call)
            .await
            .is_err()
    );
    let cancelled = || {
        running
            .ledger
            .cancelled
            .load(std::sync::atomic::Ordering::SeqCst)
    };
    while cancelled() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", cancelled());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let past = Context::new("run").with_deadline(Some(Instant::now() - Duration::from_secs(1)));
    let error = client.call_in::<bool>(past, ("past",)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    assert_eq!(running.ledger.count("past"), 0);
    assert_eq!(connection.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_an_answer_leave_nothing_behind() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    // Subscribes, and never answers.
    let silent = connection.client().subscribe("demo.silent").await.unwrap();
    let client = Client::new(&connection, "demo").unwrap();
    let calls = (0..2000).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let client = client.within(Duration::from_millis(300));
            client
                .call::<()>("silent", ())
                .await
                .unwrap_err()
                .execution()
        })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), Execution::Maybe);
    }
    assert_eq!(connection.waiting(), 0);
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_instance_refuses_at_once() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let options = ServerOptions::default().max_calls(1);
    let _running = start(&connection, "demo", options).await;
    let client = Client::new(&connection, "demo").unwrap();
    let sleeping = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("sleep", (1000,)).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = client.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(
        error.fault().unwrap().kind(),
        FaultKind::Overloaded,
        "{error:?}"
    );
    assert_eq!(error.execution(), Execution::Never);
    assert_eq!(sleeping.await.unwrap().unwrap(), 1000);
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_and_headers_arrive() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let running = start(&connection, "demo", ServerOptions::default()).await;
    let options = ClientOptions::default()
        .header("X-Token", "abc")
        .header("content-TYPE", "text/html");
    let client = Client::with_options(&connection, "demo", options).unwrap();
    for (name, value) in [
        ("x-token", "abc"),
        ("none", ""),
        ("content-type", "application/json"),
    ] {
        let header: String = client.call("header", (name,)).await.unwrap();
        assert_eq!(header, value, "{name}");
    }
    let trace = farcall::TraceContext::new([7; 16], [8; 8], 1).unwrap();
    let context = Context::new("header").with_trace(trace.clone());
    let header: String = client.call_in(context, ("traceparent",)).await.unwrap();
    assert_eq!(header, trace.traceparent());

    assert!(!client.call::<bool>("idempotent", ()).await.unwrap());
    let context = Context::new("idempotent").idempotent();
    assert!(client.call_in::<bool>(context, ()).await.unwrap());
    client.notify("run", ("one-way",)).await.unwrap();
    while running.ledger.count("one-way") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_come_and_go_while_it_serves() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let running = start(&connection, "demo", ServerOptions::default()).await;
    let client = Client::new(&connection, "demo").unwrap();
    assert!(client.call::<i64>("late", ()).await.is_err());
    running.server.register_function("late", || 5).unwrap();
    assert!(running.server.unregister("add"));
    let begun = Instant::now();
    loop {
        let late = client.call::<i64>("late", ()).await;
        let add = client.call::<i64>("add", (1, 2)).await.unwrap_err();
        let is_gone = matches!(&add, CallError::NotSent(source) if source.is::<NoResponders>());
        if is_gone && late.is_ok_and(|late| late == 5) {
            break;
        }
        assert_eq!(add.execution(), Execution::Never, "{add:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_streams_need_a_session() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let client = Client::new(&connection, "demo").unwrap();
    let (_sender, stream) = farcall::rpc::Stream::<i64>::channel(1);
    let error = client.call::<()>("take", (stream,)).await.unwrap_err();
    assert!(matches!(error, CallError::Encode(_)), "{error:?}");
}

#[tokio::test]
async fn calls_are_in_the_figures_of_clients() {
    let metrics = Metrics::start();
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let _running = start(&connection, "demo", ServerOptions::default()).await;
    let client = Client::new(&connection, "demo").unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    client
        .call::<()>("not.counted.before", ())
        .await
        .unwrap_err();
    let text = metrics.text();
    let count = "rpc_client_call_duration_seconds_count{rpc_system_name=\"farcall\",rpc_method=";
    assert!(text.contains(&format!("{count}\"add\"}}")), "{text}");
    let failed = format!("{count}\"not.counted.before\",error_type=\"not_sent\"}} 1");
    assert!(text.contains(&failed), "{text}");
}
