//! XML-RPC over a Unix socket.
#![cfg(unix)]

use std::os::unix::fs::MetadataExt as _;

use farcall::Context;
use farcall::http::ServerOptions;
use farcall::transport::Credentials;
use farcall::xmlrpc::{Client, Server, blocking};

fn uid(user: Credentials) -> i64 {
    i64::from(user.uid)
}

#[tokio::test]
async fn a_unix_socket_serves_and_identifies_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpc.sock");
    let server = Server::new();
    server
        .register_function("uid", |cx: Context| cx.identity().user().map_or(-1, uid))
        .unwrap();
    let mode = || std::fs::metadata(&path).unwrap().mode() & 0o777;
    let open = server.bind(&path).mode(0o666).await.unwrap();
    assert_eq!(mode(), 0o666);
    drop(open);
    let listening = server.bind(&path).await.unwrap();
    assert_eq!(mode(), 0o600, "by default for this user alone");
    let url = listening.url();
    let client = Client::new(&url).unwrap();
    let serving = tokio::spawn(listening.serve());
    let uid: i64 = client.call("uid", ()).await.unwrap();
    let owner = std::fs::metadata(&path).unwrap().uid();
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

#[tokio::test]
async fn only_chosen_users_may_connect() {
    let folder = tempfile::tempdir().unwrap();
    let owner = i64::from(folder.path().metadata().unwrap().uid());
    for (user, is_accepted) in [(owner, true), (owner + 1, false)] {
        let path = folder.path().join("rpc.sock");
        let options = ServerOptions::default()
            .accept_peer(move |caller| caller.user().map(uid) == Some(user));
        let server = Server::with_options(options);
        server.register_instance(demo::Demo::default()).unwrap();
        let listening = server.bind(&path).await.unwrap();
        let client = Client::new(&listening.url()).unwrap();
        let serving = tokio::spawn(listening.serve());
        let name = client.call::<String>("whoami", ()).await;
        if is_accepted {
            assert_eq!(name.unwrap(), format!("uid {owner}"));
        } else {
            assert!(name.is_err());
        }
        serving.abort();
        let _ = serving.await;
    }
}
