//! Servers at an address.

use farcall_conn::Listener;
use farcall_conn::rpc::{Client, Server};
use farcall_core::serve::ShutdownReport;
use tokio::sync::oneshot;

const KEY: &str = "the key of the server";

#[tokio::test]
async fn a_bound_server_serves_until_it_is_stopped() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let builder = server.bind("127.0.0.1:0").authkey(KEY);
    let shown = format!("{builder:?}");
    let bound = builder.await.unwrap();
    let address = bound.local_address().clone();
    assert_eq!(bound.url(), format!("conn+rpc://{address}"));
    let (stop, stopped) = oneshot::channel::<()>();
    let shown = format!("{shown} {bound:?}");
    let serving = tokio::spawn(bound.serve_until(async { drop(stopped.await) }));

    let builder = Client::connect(&address).authkey(KEY);
    let shown = format!("{shown} {builder:?}");
    let client = builder.await.unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    let shown = format!("{shown} {server:?} {client:?}");
    for part in [&address.to_string(), "max_connections", "max_objects"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains(KEY), "{shown}");
    let stranger = Client::connect(&address).authkey("another key").await;
    assert!(stranger.is_err());

    drop(stop);
    let finished = ShutdownReport {
        finished: 1,
        aborted: 0,
    };
    assert_eq!(serving.await.unwrap(), finished);
    client.closed().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_of_a_unix_socket_has_the_chosen_permissions() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let bound = Server::new().bind(&path).mode(0o660).await.unwrap();
    assert_eq!(bound.url(), format!("conn+rpc+unix://{}", path.display()));
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let serving = tokio::spawn(bound.serve());
    Client::connect(&path).await.unwrap();
    serving.abort();
}

#[tokio::test]
async fn a_server_listens_at_any_listener() {
    let listener = Listener::bind("127.0.0.1:0");
    let bound = Server::new().listen(listener).await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let names: Vec<String> = Client::connect(address)
        .await
        .unwrap()
        .call("system.listMethods", ())
        .await
        .unwrap();
    assert!(names.iter().any(|name| name == "system.listMethods"));
}
