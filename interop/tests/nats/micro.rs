//! Services and clients of other libraries, both ways, and discovery.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use farcall::cluster::nats::{Client, Gather, ServerOptions};
use farcall::{CallError, Caller as _, Execution};

use crate::server::{NatsServer, Peer, node, python};
use crate::{Ledger, Running, start_with};

/// Starts instances of the service `demo`, each with a connection of its own.
async fn instances(nats: &NatsServer, count: usize) -> Vec<Running> {
    let mut running = Vec::new();
    for number in 0..count {
        let options = ServerOptions::default()
            .version("1.2.3")
            .id(format!("node{number}"));
        let options = options.description("for judges").metadata("rack", "r1");
        let host = format!("host{number}");
        let connection = nats.connect().await;
        running.push(start_with(&connection, "demo", options, &host, Ledger::default()).await);
    }
    running
}

async fn check(mut command: Command) {
    let run = move || {
        command
            .stdin(Stdio::null())
            .output()
            .expect("the peer starts")
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.lines().last() == Some("ok"), "{text}\n{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_py_finds_nothing_wrong() {
    let nats = NatsServer::start();
    let _running = instances(&nats, 3).await;
    let mut judge = python("micro_client.py");
    judge.args([
        "--server",
        &nats.url(),
        "--service",
        "demo",
        "--instances",
        "3",
        "--farcall",
    ]);
    check(judge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_client_finds_nothing_wrong() {
    let nats = NatsServer::start();
    let _running = instances(&nats, 2).await;
    let mut judge = node("micro_client.mjs");
    judge.args(["demo", &nats.url()]);
    check(judge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_nats_py_is_called() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let mut server = python("micro_server.py");
    server.args(["--server", &nats.url()]);
    let _peer = Peer::start(server);
    let client = Client::new(&connection, "pycalc").unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(client.call::<String>("hostname", ()).await.unwrap(), "py1");
    assert_eq!(
        client.call::<i64>("counter.increment", (5,)).await.unwrap(),
        5
    );
    let value = serde_json::json!({"text": "grüße", "list": [1, -2.5, null, true]});
    let echo: serde_json::Value = client.call("echo", (&value,)).await.unwrap();
    assert_eq!(echo, value);
    assert_eq!(
        client
            .call::<String>("big", (900_000,))
            .await
            .unwrap()
            .len(),
        900_000
    );

    let error = client
        .call::<()>("fail", (409, "in the way"))
        .await
        .unwrap_err();
    let fault = error.fault().unwrap();
    assert_eq!((fault.code(), fault.message()), (409, "in the way"));
    assert_eq!(error.execution(), Execution::Maybe);
    let error = client.call::<()>("crash", ()).await.unwrap_err();
    assert_eq!(
        (error.fault().unwrap().code(), error.execution()),
        (500, Execution::Maybe)
    );
    let error = client.call::<String>("plain", ()).await.unwrap_err();
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    assert_eq!(error.execution(), Execution::Completed);
    for method in ["silent", "slow"] {
        let begun = Instant::now();
        let client = client.within(Duration::from_millis(300));
        let error = client.call::<String>(method, (2,)).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    let error = client.call::<()>("nope", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never);

    let found = connection
        .info(Some("pycalc"), Gather::default().quorum(1))
        .await
        .unwrap();
    assert_eq!((found.len(), found[0].version.as_str()), (1, "1.2.3"));
    assert!(
        found[0].methods().contains(&"counter.increment"),
        "{found:?}"
    );
    assert!(!found[0].is_farcall());
    assert!(
        client
            .instances(Gather::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(connection.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_ends_by_quorum_by_silence_or_by_nobody() {
    let nats = NatsServer::start();
    let connection = nats.connect().await;
    let running = instances(&nats, 5).await;
    let slow = Gather::default()
        .time(Duration::from_secs(20))
        .silence(Duration::from_secs(20));
    let begun = Instant::now();
    assert_eq!(
        connection.ping(None, slow.quorum(5)).await.unwrap().len(),
        5
    );
    assert_eq!(
        connection.ping(None, slow.quorum(2)).await.unwrap().len(),
        2
    );
    assert!(
        connection
            .ping(Some("nobody"), slow)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(begun.elapsed() < Duration::from_secs(10));

    let found = connection
        .info(Some("demo"), Gather::default())
        .await
        .unwrap();
    let ids: Vec<&str> = found.iter().map(|instance| instance.id.as_str()).collect();
    assert_eq!(ids, ["node0", "node1", "node2", "node3", "node4"]);
    assert_eq!(found[0].metadata["rack"], "r1");
    assert!(found[0].methods().contains(&"system.listMethods"));
    let add = found[0]
        .endpoints
        .iter()
        .find(|endpoint| endpoint.name == "add")
        .unwrap();
    assert_eq!(add.metadata["farcall.signatures"], "(int, int) -> int");

    let client = Client::new(&connection, "demo").unwrap();
    for (number, instance) in client
        .instances(Gather::default())
        .await
        .unwrap()
        .iter()
        .enumerate()
    {
        let host: String = instance.call("hostname", ()).await.unwrap();
        assert_eq!(host, format!("host{number}"));
        assert!(instance.url().ends_with(&format!("/demo/node{number}")));
    }
    let call = |method: &str| {
        let context = farcall::Context::new(method);
        client.call_all::<String>(context, (), Gather::default().quorum(5))
    };
    let mut hosts = call("hostname").await.unwrap();
    hosts.sort_by(|a, b| a.0.cmp(&b.0));
    for (number, (id, host)) in hosts.into_iter().enumerate() {
        assert_eq!(
            (id, host.unwrap()),
            (format!("node{number}"), format!("host{number}"))
        );
    }
    let answers = call("nope").await.unwrap();
    assert_eq!(answers.len(), 5);
    for (_, answer) in answers {
        assert_eq!(answer.unwrap_err().execution(), Execution::Never);
    }
    drop(running);
    assert_eq!(connection.waiting(), 0);
}
