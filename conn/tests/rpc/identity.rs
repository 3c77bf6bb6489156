//! The identity of a caller: in contexts, guards and the rights to names.

use std::collections::BTreeMap;
use std::time::Duration;

use farcall_conn::Connection;
use farcall_conn::auth::{AuthKeys, Binding};
use farcall_conn::rpc::names::{Names, NamesApi as _, Operation, Right};
use farcall_conn::rpc::{Client, Remote, Server, ServerOptions};
use farcall_core::transport::Address;
use farcall_core::{Context, Fault, FaultKind, service};

struct Nothing;

#[service]
impl Nothing {
    pub fn nothing(&self) {}
}

/// Keys of two clients.
fn keys() -> AuthKeys {
    AuthKeys::new([("sensors", "the key of sensors"), ("admin", "hush")]).unwrap()
}

async fn serve(server: &Server, keys: &AuthKeys) -> Address {
    let builder = server.bind("127.0.0.1:0").authkeys(keys.clone());
    let bound = builder.await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    address
}

#[tokio::test]
async fn handlers_and_guards_see_the_label_of_the_key() {
    let (server, keys) = (Server::new(), keys());
    server
        .register_function("whoami", |cx: Context| {
            cx.identity().name().map(String::from)
        })
        .unwrap();
    server
        .register_function("admin.stop", || "stopping")
        .unwrap();
    server.set_guard(|cx| match cx.identity().key() {
        Some("admin") => Ok(()),
        _ if !cx.method().starts_with("admin.") => Ok(()),
        _ => Err(Fault::of(FaultKind::Denied, "only for administrators")),
    });
    let address = serve(&server, &keys).await;
    for (key, label, may_stop) in [
        ("the key of sensors", "sensors", false),
        ("hush", "admin", true),
    ] {
        let client = Client::connect(&address).authkey(key).await.unwrap();
        let name: Option<String> = client.call("whoami", ()).await.unwrap();
        assert_eq!(name.as_deref(), Some(label));
        let stopped = client.call::<String>("admin.stop", ()).await;
        assert_eq!(stopped.is_ok(), may_stop, "{stopped:?}");
    }

    let old = Client::connect(&address).authkey("hush").await.unwrap();
    keys.replace([("2027", "another secret")]).unwrap();
    let refused = Client::connect(&address).authkey("hush").await;
    assert!(refused.is_err());
    let new = Client::connect(&address).authkey("another secret").await;
    let name: Option<String> = new.unwrap().call("whoami", ()).await.unwrap();
    assert_eq!(name.as_deref(), Some("2027"));
    // Connections are not affected.
    old.call::<String>("admin.stop", ()).await.unwrap();
}

#[tokio::test]
async fn rights_to_names_depend_on_the_key() {
    let server = Server::new();
    let names = Names::new().policy(|cx, operation, _| match (cx.identity().key(), operation) {
        (Some("admin"), _) => Right::All,
        (_, Operation::Lookup | Operation::List) => Right::Own,
        _ => Right::None,
    });
    server.register_instance(names).unwrap();
    let address = serve(&server, &keys()).await;
    let client = async |key| Client::connect(&address).authkey(key).await.unwrap();
    let (sensor, admin) = (client("the key of sensors").await, client("hush").await);
    let (object, about) = (Remote::new(Nothing), BTreeMap::new());
    let denied = sensor.bind("nothing", &object, &about).await.unwrap_err();
    assert_eq!(denied.fault().unwrap().kind(), FaultKind::Denied);
    admin.bind("nothing", &object, &about).await.unwrap();
    sensor.lookup("nothing").await.unwrap();
}

/// Returns `true` if a connection resumes the session of this token, and the token of its own.
async fn resumes(address: &Address, key: &str, token: &[u8]) -> (bool, Vec<u8>) {
    let builder = Connection::connect(address).authkey(key);
    let mut peer: Connection = builder.await.unwrap();
    let hello = b"\0FARCALL\x02\0\x0bmessagepack\xff\xff\xff\x7f\x7f\x7f\x7f\x7f";
    let length = u8::try_from(token.len()).unwrap();
    peer.send_vectored(&[&hello[..], &[length], token])
        .await
        .unwrap();
    let greeting = peer.recv_bytes(1000).await.unwrap();
    let own = greeting[greeting.len() - 16..].to_vec();
    (greeting[9] & 1 == 1, own)
}

/// Whoever has learnt the token of a session cannot continue it as somebody else.
#[tokio::test]
async fn a_session_is_resumed_by_the_same_caller_only() {
    let lease = Duration::from_secs(60);
    let server = Server::with_options(ServerOptions::default().lease(lease));
    let keys = keys();
    let address = serve(&server, &keys).await;
    let (is_resumed, token) = resumes(&address, "the key of sensors", b"").await;
    assert!(!is_resumed);
    let (is_resumed, other) = resumes(&address, "hush", &token).await;
    assert!(!is_resumed && other != token, "by another key");
    keys.replace([("sensors", "a new key"), ("admin", "hush")])
        .unwrap();
    let (is_resumed, own) = resumes(&address, "a new key", &token).await;
    assert!(is_resumed && own == token, "by a new key of the same label");
}

#[cfg(unix)]
#[tokio::test]
async fn a_caller_over_a_unix_socket_has_a_user_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let server = Server::new();
    server
        .register_function("whoami", |cx: Context| {
            let identity = cx.identity();
            let user = identity.user().expect("the system knows the user");
            (user.uid, identity.key().map(str::to_owned))
        })
        .unwrap();
    let builder = server.bind(&path).authkeys(keys());
    let bound = builder.binding(Binding::Require).await.unwrap();
    tokio::spawn(bound.serve());
    let client = Client::connect(&path)
        .authkey("hush")
        .binding(Binding::Require);
    let whoami: (u32, Option<String>) = client.await.unwrap().call("whoami", ()).await.unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&directory.path().metadata().unwrap());
    assert_eq!(whoami, (uid, Some("admin".to_owned())));
}
