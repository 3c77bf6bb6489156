//! Farcall's client calls CPython's server.

use std::collections::BTreeMap;

use farcall::xmlrpc::Client;
use farcall::{CallError, DateTime, Value};
use tests::pythons;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_calls_every_cpython() {
    for python in pythons() {
        for args in [&[] as &[&str], &["http11"], &["nomulticall"]] {
            let server = python.serve("server.py", args);
            let client = Client::new(&server.url()).unwrap();
            calls(&client).await;
            batch(&client).await;
            blocking(server.url()).await;
            println!("CPython {:?} {args:?}: called", python.version);
        }
    }
}

async fn calls(client: &Client) {
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(client.call::<f64>("add", (0.5, 1)).await.unwrap(), 1.5);
    assert_eq!(
        client
            .call::<String>("add", ("a<&>", "\u{e9}\n"))
            .await
            .unwrap(),
        "a<&>\u{e9}\n"
    );
    assert_eq!(
        client
            .call::<Option<i64>>("echo", (None::<i64>,))
            .await
            .unwrap(),
        None
    );
    assert!(client.call::<bool>("echo", (true,)).await.unwrap());
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(client.call::<Vec<u8>>("blob", (256,)).await.unwrap(), bytes);
    assert_eq!(
        client
            .call::<Vec<u8>>("echo", (bytes.clone(),))
            .await
            .unwrap(),
        bytes
    );
    assert_eq!(
        client
            .call::<Vec<u8>>("echo", (Vec::<u8>::new(),))
            .await
            .unwrap(),
        Vec::<u8>::new()
    );
    let when = DateTime::new(1998, 7, 17, 14, 8, 55).unwrap();
    assert_eq!(client.call::<DateTime>("when", ()).await.unwrap(), when);
    assert_eq!(
        client.call::<DateTime>("echo", (when,)).await.unwrap(),
        when
    );
    assert_eq!(
        client.call::<String>("kind", (1.0,)).await.unwrap(),
        "float"
    );
    assert_eq!(
        client
            .call::<String>("kind", (1i64 << 40,))
            .await
            .unwrap()
            .replace("long", "int"),
        "int"
    );
    let nested = BTreeMap::from([("a", vec![Some(1), None]), ("b<", Vec::new())]);
    let value: Value = client.call("echo", (&nested,)).await.unwrap();
    assert_eq!(farcall::to_value(&nested).unwrap(), value);
    assert_eq!(
        client
            .call::<String>("long_text", (100_000,))
            .await
            .unwrap()
            .len(),
        100_000
    );

    let fault = client
        .call::<()>("fail", (4711, "sch\u{f6}n"))
        .await
        .unwrap_err();
    let fault = fault.fault().unwrap();
    assert_eq!((fault.code(), fault.message()), (4711, "sch\u{f6}n"));
    let fault = client.call::<i64>("divide", (1, 0)).await.unwrap_err();
    assert!(
        fault
            .fault()
            .unwrap()
            .message()
            .contains("ZeroDivisionError"),
        "{fault:?}"
    );
    let fault = client.call::<i64>("nope", ()).await.unwrap_err();
    assert!(
        fault.fault().unwrap().message().contains("not supported"),
        "{fault:?}"
    );
    let wrong = client.call::<i64>("echo", ("text",)).await.unwrap_err();
    assert!(matches!(wrong, CallError::Decode(_)), "{wrong:?}");

    let methods: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert!(methods.contains(&"add".to_owned()), "{methods:?}");
    assert_eq!(
        client
            .call::<String>("system.methodHelp", ("add",))
            .await
            .unwrap(),
        "Adds two numbers."
    );
}

async fn batch(client: &Client) {
    for _ in 0..2 {
        let mut batch = client.batch();
        let sum = batch.call::<i64>("add", (1, 2));
        let bad = batch.call::<i64>("divide", (1, 0));
        let text = batch.call::<String>("add", ("a", "b"));
        let list = batch.call::<Vec<i64>>("echo", (vec![1, 2],));
        let mut results = batch.send().await.unwrap();
        assert_eq!(results.take(sum).unwrap(), 3);
        assert!(results.take(bad).unwrap_err().fault().is_some());
        assert_eq!(results.take(text).unwrap(), "ab");
        assert_eq!(results.take(list).unwrap(), [1, 2]);
    }
}

async fn blocking(url: String) {
    let run = move || {
        let client = farcall::xmlrpc::blocking::Client::new(&url).unwrap();
        // CPython 2 and its default server close the connection after each response, `http11` keeps
        // it alive.
        for _ in 0..3 {
            assert_eq!(client.call::<i64>("add", (3, 5)).unwrap(), 8);
        }
        // More than one socket buffer holds, in both directions.
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let back: Vec<u8> = client.call("echo", (&bytes,)).unwrap();
        assert_eq!(back, bytes);
        let text: String = client.call("long_text", (100_000,)).unwrap();
        assert_eq!(text.len(), 100_000);
        let error = client.call::<i64>("nope", ()).unwrap_err();
        assert!(error.fault().is_some(), "{error:?}");

        let mut batch = client.batch();
        let sum = batch.call::<i64>("add", (1, 2));
        let bad = batch.call::<i64>("divide", (1, 0));
        let mut results = batch.send().unwrap();
        assert_eq!(results.take(sum).unwrap(), 3);
        assert!(results.take(bad).unwrap_err().fault().is_some());
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
