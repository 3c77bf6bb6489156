//! XML-RPC over a Unix socket.
#![cfg(unix)]

use farcall::Context;
use farcall::transport::Peer;
use farcall::xmlrpc::{Client, Server, blocking};

#[tokio::test]
async fn a_unix_socket_serves_and_identifies_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpc.sock");
    let server = Server::new();
    server
        .register_function("uid", |cx: Context| match cx.peer() {
            Peer::Unix(Some(credentials)) => i64::from(credentials.uid),
            _ => -1,
        })
        .unwrap();
    let mode = || std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777;
    let open = server.bind(&path).mode(0o666).await.unwrap();
    assert_eq!(mode(), 0o666);
    drop(open);
    let listening = server.bind(&path).await.unwrap();
    assert_eq!(mode(), 0o600, "by default for this user alone");
    let url = listening.url();
    let client = Client::new(&url).unwrap();
    let serving = tokio::spawn(listening.serve());
    let uid: i64 = client.call("uid", ()).await.unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).unwrap());
    assert_eq!(uid, i64::from(owner));
    let blocking = move || blocking::Client::new(&url).unwrap().call("uid", ());
    let uid: i64 = tokio::task::spawn_blocking(blocking)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(uid, i64::from(owner));
    serving.abort();
    let _ = serving.await;
    assert!(!path.exists(), "the socket file goes with its listener");
}
