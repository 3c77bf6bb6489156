//! Hosts that are called over JSON-RPC.

use std::collections::BTreeMap;

use farcall::cluster::{
    Client, ConnectOptions, Credentials, Fleet, Protocol, Retries, Update, UrlError,
};
use farcall::http::ServerOptions;
use farcall::jsonrpc::{Framing, Server, Service, SocketServer};
use farcall::middleware::{BasicAuth, BearerAuth};
use farcall::transport::ToTarget;
use farcall::{CallError, Caller as _, Execution, FaultKind, Registry};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

use crate::support::{
    Fate, Ledger, MS, Serving, address, fated, host, jsonrpc_at, offer, offer_lines, refusing,
    rpc_at, xmlrpc_at,
};

#[tokio::test]
async fn every_outcome_is_true() {
    let books: Vec<Ledger> = (0..4).map(|_| Ledger::default()).collect();
    let json = jsonrpc_at(address(), &books[0]).await;
    let cut = fated(&[Fate::CutAfter], &books[1]).await;
    let garbage = fated(&[Fate::Garbage], &books[2]).await;
    let hanging = fated(&[Fate::Hang], &books[3]).await;
    let over_json = |url: &str| format!("json+{url}");
    // A server of XML-RPC only: refused before anything runs.
    let xml = xmlrpc_at(address(), &Ledger::default()).await;
    let fleet = Fleet::new([
        host("json", &json.url),
        host("cut", &over_json(&cut.url)),
        host("garbage", &over_json(&garbage.url)),
        host("hanging", &over_json(&hanging.url)),
        host("refusing", &over_json(&refusing())),
        host("xml", &over_json(&xml.url)),
    ])
    .timeout(Some(MS * 300))
    .retries(Retries::new(2).first_pause(MS * 10));
    let outcomes = fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
    let claims: BTreeMap<_, _> = outcomes
        .iter()
        .map(|(host, outcome)| (host.name(), (outcome.execution(), outcome.attempts)))
        .collect();
    let expected = BTreeMap::from([
        ("cut", (Execution::Maybe, 1)),
        ("garbage", (Execution::Maybe, 1)),
        ("hanging", (Execution::Maybe, 1)),
        ("json", (Execution::Completed, 1)),
        ("refusing", (Execution::Never, 3)),
        ("xml", (Execution::Never, 1)),
    ]);
    assert_eq!(claims, expected);
    let runs: Vec<_> = books.iter().map(Ledger::runs).collect();
    assert_eq!(runs, [1, 1, 1, 0]);

    // A fault that says that nothing ran says so here, too.
    let only = fleet.with_hosts([fleet.hosts()[0].clone()]);
    for (method, kind, execution, attempts) in [
        ("fail", FaultKind::Application, Execution::Maybe, 1),
        ("none", FaultKind::UnknownMethod, Execution::Never, 1),
        ("full", FaultKind::Overloaded, Execution::Never, 3),
    ] {
        let outcomes = match method {
            "fail" => only.call_all::<()>(method, (7,)),
            _ => only.call_all::<()>(method, ()),
        };
        for (host, outcome) in outcomes.into_vec().await {
            let claim = (outcome.execution(), outcome.attempts);
            assert_eq!(claim, (execution, attempts), "{host}: {method}");
            let error = outcome.result.unwrap_err();
            assert_eq!(error.fault().map(farcall::Fault::kind), Some(kind));
        }
    }
    let client = Client::open(&json.url, &Credentials::new()).unwrap();
    let error = client.call::<String>("add", (3, 5)).await.unwrap_err();
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    assert_eq!(error.execution(), Execution::Completed);
}

/// Serves `add` for those whom `options` authorize.
async fn guarded(options: ServerOptions) -> String {
    let registry = Registry::new();
    registry
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let server = Server::of(options, Service::new(registry));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = format!("json+{}", bound.url());
    tokio::spawn(bound.serve());
    url
}

#[tokio::test]
async fn credentials_are_those_of_http() {
    let tokens = BearerAuth::new(["a-long-random-token"]).unwrap();
    let by_token = guarded(ServerOptions::default().authorize(tokens)).await;
    let passwords = BasicAuth::new([("ada", "s3cret")]).unwrap();
    let by_password = guarded(ServerOptions::default().authorize(passwords)).await;
    let token = Credentials::new().bearer_auth("a-long-random-token");
    let password = Credentials::new().basic_auth("ada", "s3cret");
    let in_url = by_password.replace("://", "://ada:s3cret@");
    for (url, credentials) in [
        (&by_token, token.unwrap()),
        (&by_password, password.unwrap()),
        (&in_url, Credentials::new()),
    ] {
        let client = Client::open(url, &credentials).unwrap();
        assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
        assert!(!format!("{client:?}{}", client.url()).contains("s3cret"));
        client.disconnect();
        assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    }
    let without = Client::open(&by_token, &Credentials::new()).unwrap();
    let error = without.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert!(format!("{error:?}").contains("401"), "{error:?}");
}

#[tokio::test]
async fn a_socket_file_a_limit_and_a_malformed_url() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let registry = Registry::new();
    registry
        .register_function("text", |length: usize| "x".repeat(length))
        .unwrap();
    let server = Server::of(ServerOptions::default(), Service::new(registry));
    tokio::spawn(server.bind(path.as_path()).await.unwrap().serve());
    let url = format!("JSON+http+unix://{}:/", path.display());
    let options = ConnectOptions::default().max_reply(10_000);
    let client = Client::with_options(&url, &Credentials::new(), options).unwrap();
    assert_eq!(client.call::<String>("text", (5,)).await.unwrap(), "xxxxx");
    let error = client.call::<String>("text", (20_000,)).await.unwrap_err();
    assert!(format!("{error:?}").contains("10000"), "{error:?}");
    for (url, is_form) in [
        ("json+http://h:99999/", false),
        ("json+https://", false),
        ("json://h/", true),
        ("json+scgi://h:1", true),
    ] {
        let error = Client::open(url, &Credentials::new()).unwrap_err();
        assert_eq!(matches!(error, UrlError::Scheme), is_form, "{url}: {error}");
    }
}

/// Serves `add` over a socket, and returns its URL.
async fn over_socket(target: impl ToTarget, framing: Framing, ledger: &Ledger) -> Serving {
    let registry = Registry::new();
    offer(&registry, ledger);
    offer_lines(&registry);
    let server = SocketServer::new(Service::new(registry), framing);
    let bound = server.bind(target).await.unwrap();
    Serving::new(bound.url(), bound.serve())
}

#[tokio::test]
async fn sockets_and_websockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let books: Vec<Ledger> = (0..5).map(|_| Ledger::default()).collect();
    let lines = over_socket(address(), Framing::Lines, &books[0]).await;
    let headers = over_socket(address(), Framing::Headers, &books[1]).await;
    let unix = over_socket(path.as_path(), Framing::Lines, &books[2]).await;
    let http = jsonrpc_at(address(), &books[3]).await;
    let web = http.url.replace("json+http://", "ws://");
    // An end of a connection, as a message: the call may have run.
    let cut = fated(&[Fate::CutAfter], &books[4]).await;
    let cut = cut
        .url
        .replace("http://", "json+tcp://")
        .replace("/RPC2", "");
    let refusing = refusing()
        .replace("http://", "json+tcp://")
        .replace("/RPC2", "");
    let fleet = Fleet::new([
        host("lines", &lines.url),
        host("headers", &headers.url),
        host("unix", &unix.url),
        host("web", &web),
        host("cut", &cut),
        host("refusing", &refusing),
    ])
    .timeout(Some(MS * 500))
    .retries(Retries::new(2).first_pause(MS * 10));
    let outcomes = fleet.call_all::<i64>("add", (3, 5)).into_vec().await;
    let claims: BTreeMap<_, _> = outcomes
        .iter()
        .map(|(host, outcome)| (host.name(), (outcome.execution(), outcome.attempts)))
        .collect();
    let expected = BTreeMap::from([
        ("cut", (Execution::Maybe, 1)),
        ("headers", (Execution::Completed, 1)),
        ("lines", (Execution::Completed, 1)),
        ("refusing", (Execution::Never, 3)),
        ("unix", (Execution::Completed, 1)),
        ("web", (Execution::Completed, 1)),
    ]);
    assert_eq!(claims, expected);

    for serving in [&lines, &headers, &unix] {
        let client = Client::open(&serving.url, &Credentials::new()).unwrap();
        assert_eq!(client.protocol(), Protocol::JsonSocket);
        let first: String = client.call("peer", ()).await.unwrap();
        let second: String = client.call("peer", ()).await.unwrap();
        assert_eq!(first, second, "calls share a connection");
        client.disconnect();
        assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
        let error = client.call::<String>("add", (3, 5)).await.unwrap_err();
        assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    }
}

#[tokio::test]
async fn streams_over_sockets_and_websockets_are_subscriptions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let ledger = Ledger::default();
    let connection = rpc_at(address(), &ledger).await;
    let lines = over_socket(address(), Framing::Lines, &ledger).await;
    let headers = over_socket(address(), Framing::Headers, &ledger).await;
    let unix = over_socket(path.as_path(), Framing::Lines, &ledger).await;
    let http = jsonrpc_at(address(), &ledger).await;
    let web = http.url.replace("json+http://", "ws://");
    let fleet = Fleet::new([
        host("connection", &connection.url),
        host("lines", &lines.url),
        host("headers", &headers.url),
        host("unix", &unix.url),
        host("web", &web),
        host("http", &http.url),
    ])
    .timeout(Some(MS * 5_000));
    let by_name = fleet.subscribe::<u32>("lines", (50,));
    let by_function =
        fleet.subscribe_each(async |host| host.subscribe::<u32>("lines", (50,)).await);
    for mut updates in [by_name, by_function] {
        let mut items: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut ended = BTreeMap::new();
        while let Some((host, update)) = updates.next().await {
            match update {
                Update::Item(item) => items.entry(host.to_string()).or_default().push(item),
                Update::Ended(end) => {
                    assert!(ended.insert(host.to_string(), end).is_none(), "{host}");
                }
                update => panic!("{host}: {update:?}"),
            }
        }
        let refused = ended.remove("http").unwrap().unwrap_err();
        assert_eq!(refused.execution(), Execution::Never, "{refused:?}");
        assert!(format!("{refused:?}").contains("`ws://…`"), "{refused:?}");
        assert_eq!(ended.len(), 5);
        for (host, end) in ended {
            assert!(end.is_ok(), "{host}: {end:?}");
            assert_eq!(items[&host], (0..50).collect::<Vec<_>>(), "{host}");
        }
    }
}

#[tokio::test]
async fn a_subscription_tells_of_its_items_and_its_end() {
    let lines = over_socket(address(), Framing::Lines, &Ledger::default()).await;
    let client = Client::open(&lines.url, &Credentials::new()).unwrap();
    let mut texts = client.subscribe::<String>("lines", (1,)).await.unwrap();
    let first = texts.next().await;
    assert!(matches!(first, Some(Update::Undecodable(_))), "{first:?}");
    let last = texts.next().await;
    assert!(matches!(last, Some(Update::Ended(Ok(())))), "{last:?}");
    assert!(texts.next().await.is_none());

    let error = client.subscribe::<u32>("none", ()).await.unwrap_err();
    let kind = error.fault().map(farcall::Fault::kind);
    assert_eq!(kind, Some(FaultKind::UnknownMethod), "{error:?}");

    client.disconnect();
    let mut numbers = client.subscribe::<u32>("lines", (u32::MAX,)).await.unwrap();
    let first = numbers.next().await;
    assert!(matches!(first, Some(Update::Item(0))), "{first:?}");
    lines.end().await;
    let end = loop {
        match numbers.next().await {
            Some(Update::Item(_)) => {}
            update => break update,
        }
    };
    assert!(
        matches!(end, Some(Update::Ended(Err(CallError::Lost(_))))),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_disconnected_socket_closes_its_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("json+tcp://{}", listener.local_addr().unwrap());
    let client = Client::open(&url, &Credentials::new()).unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<i64>("one", ()).await }
    });
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tokio::io::BufStream::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let answer = "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": 1}\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(call.await.unwrap().unwrap(), 1);
    client.disconnect();
    line.clear();
    let end = tokio::time::timeout(MS * 10_000, stream.read_line(&mut line));
    assert_eq!(end.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn the_handshake_of_a_websocket_has_the_credentials() {
    let tokens = BearerAuth::new(["a-long-random-token"]).unwrap();
    let url = guarded(ServerOptions::default().authorize(tokens)).await;
    let url = url.replace("json+http://", "ws://");
    let token = Credentials::new()
        .bearer_auth("a-long-random-token")
        .unwrap();
    let client = Client::open(&url, &token).unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    let without = Client::open(&url, &Credentials::new()).unwrap();
    let error = without.call::<i64>("add", (3, 5)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    for url in [
        "json+tcp://h",
        "json+unix://",
        "ws://u:s3cret@h:1/",
        "json+lsp+tcp://h:x",
    ] {
        let error = Client::open(url, &Credentials::new()).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        assert!(matches!(error, UrlError::JsonSocket(_)), "{url}: {error:?}");
    }
}
