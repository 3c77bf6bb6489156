//! All combinations that lead to a connection or do not: every CPython, in both roles, over TCP and
//! Unix sockets, with correct, wrong and missing keys, with and without MD5 and channel binding.

use std::path::Path;
use std::time::Duration;

use farcall::conn::auth::{AuthError, AuthKeys, Binding, Digest, Role};
use farcall::conn::{ConnectError, Connection, Listener};
use farcall::transport::Address;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::peer::{Peer, versions};

/// A timeout above the duration of any handshake on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout with peers that never begin a handshake.
const IMPATIENCE: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug)]
struct Case {
    ours: Option<&'static str>,
    theirs: Option<&'static str>,
    tcp: bool,
    legacy_md5: bool,
    binding: Binding,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        let keys = [
            (Some("a key"), Some("a key")),
            (Some("a key"), Some("another")),
            (Some("a key"), None),
            (None, Some("a key")),
            (None, None),
        ];
        let bindings = [Binding::Off, Binding::Prefer, Binding::Require];
        keys.into_iter().flat_map(move |(ours, theirs)| {
            [true, false].into_iter().flat_map(move |tcp| {
                [true, false].into_iter().flat_map(move |legacy_md5| {
                    bindings.into_iter().map(move |binding| Self {
                        ours,
                        theirs,
                        tcp,
                        legacy_md5,
                        binding,
                    })
                })
            })
        })
    }

    /// Returns `true` if a connection is expected.
    fn agrees(&self, version: (u32, u32)) -> bool {
        match (self.ours, self.theirs) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => {
                let digest = version >= (3, 12) || self.legacy_md5;
                ours == theirs && digest && self.binding != Binding::Require
            }
            _ => false,
        }
    }

    /// Returns `true` if the local side cannot even begin.
    fn cannot_bind(&self) -> bool {
        self.tcp && self.ours.is_some() && self.binding == Binding::Require
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_python_as_client() {
    every_python_as(Role::Client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_python_as_listener() {
    every_python_as(Role::Listener).await;
}

/// Runs all cases with each CPython one after the other, and the CPythons concurrently.
async fn every_python_as(role: Role) {
    let folder = tempfile::tempdir().unwrap();
    let peers: Vec<_> = versions()
        .map(|python| {
            let path = folder.path().join(format!("{}", python.version.1));
            tokio::spawn(async move {
                let mut peer = Peer::start(&python);
                for case in Case::all() {
                    match role {
                        Role::Client => python_connects(&mut peer, case, &path).await,
                        Role::Listener => python_listens(&mut peer, case, &path).await,
                    }
                }
            })
        })
        .collect();
    for peer in peers {
        peer.await.unwrap();
    }
}

async fn python_connects(peer: &mut Peer, case: Case, path: &Path) {
    let what = (case, peer.version);
    let builder = if case.tcp {
        Listener::bind("127.0.0.1:0")
    } else {
        Listener::bind(path)
    };
    let mut builder = builder
        .legacy_md5(case.legacy_md5)
        .binding(case.binding)
        .timeout(TIMEOUT);
    if let Some(key) = case.ours {
        builder = builder.authkey(key);
    }
    let mut listener = match builder.await {
        Ok(listener) => listener,
        Err(error) => {
            assert!(case.cannot_bind(), "{what:?}: {error}");
            return;
        }
    };
    assert!(!case.cannot_bind(), "{what:?}");
    let address = match listener.local_address() {
        Address::Tcp(address) => json!([address.ip(), address.port()]),
        _ => json!(path),
    };
    peer.tell(json!(["connect", address, case.theirs])).await;

    if case.ours.is_none() && case.theirs.is_some() {
        // Python waits for a challenge that never comes, until the local side closes the
        // connection.
        let accepted: Connection = listener.accept().await.unwrap();
        drop(accepted);
        assert_eq!(peer.answer().await, "EOFError", "{what:?}");
    } else if case.agrees(peer.version) {
        let mut accepted: Connection = listener.accept().await.unwrap();
        let message = accepted.recv_bytes(100).await.unwrap();
        accepted.send_bytes(&message).await.unwrap();
        assert_eq!(peer.answer().await, "ok", "{what:?}");
    } else {
        let expected = match case.theirs {
            // Python treats the challenge as a message.
            None => "AssertionError",
            Some(_) => "AuthenticationError",
        };
        assert_eq!(peer.answer().await, expected, "{what:?}");
        let nobody = timeout(
            Duration::from_millis(5),
            listener.accept::<(), (), farcall::conn::Bincode>(),
        );
        assert!(nobody.await.is_err(), "{what:?}");
    }
    listener.close().await;
}

/// CPython supports all digests since 3.12; earlier versions respond with MD5 to every challenge.
#[tokio::test]
async fn every_digest_that_python_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for python in versions() {
        let mut peer = Peer::start(&python);
        for digest in [
            Digest::Sha256,
            Digest::Sha384,
            Digest::Sha3_256,
            Digest::Sha3_384,
        ] {
            let mut listener = Listener::bind(&path)
                .authkey("key")
                .digest(digest)
                .legacy_md5(python.version < (3, 12))
                .await
                .unwrap();
            peer.tell(json!(["connect", path, "key"])).await;
            let mut accepted: Connection = listener.accept().await.unwrap();
            let message = accepted.recv_bytes(100).await.unwrap();
            accepted.send_bytes(&message).await.unwrap();
            assert_eq!(peer.answer().await, "ok", "{digest} {:?}", python.version);
            listener.close().await;
        }
    }
}

/// A listener with several keys recognises that of each CPython, and the CPython accepts its
/// response. Earlier versions than 3.12 use MD5.
#[tokio::test]
async fn several_keys_of_a_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for python in versions() {
        let mut peer = Peer::start(&python);
        let keys = AuthKeys::new([("2026", "new"), ("2025", "old")]).unwrap();
        let builder = Listener::bind(&path).authkeys(keys.clone());
        let builder = builder.legacy_md5(python.version < (3, 12));
        let mut listener = builder.timeout(TIMEOUT).await.unwrap();
        for (key, label) in [("new", "2026"), ("old", "2025")] {
            peer.tell(json!(["connect", path, key])).await;
            let mut accepted: Connection = listener.accept().await.unwrap();
            let identity = accepted.identity();
            assert_eq!(identity.key(), Some(label), "{:?}", python.version);
            assert!(identity.user().is_some(), "{identity}");
            let message = accepted.recv_bytes(100).await.unwrap();
            accepted.send_bytes(&message).await.unwrap();
            assert_eq!(peer.answer().await, "ok", "{label} {:?}", python.version);
        }
        keys.replace([("2026", "new")]).unwrap();
        let refused = peer.ask(json!(["connect", path, "old"])).await;
        assert_eq!(refused, "AuthenticationError", "{:?}", python.version);
        listener.close().await;
    }
}

async fn python_listens(peer: &mut Peer, case: Case, path: &Path) {
    if case.cannot_bind() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let refused: Result<Connection, _> = Connection::connect(listener.local_addr().unwrap())
            .authkey("key")
            .binding(Binding::Require)
            .await;
        assert!(matches!(
            refused,
            Err(ConnectError::Auth {
                source: AuthError::NothingToBind,
                ..
            })
        ));
        return;
    }
    let what = (case, peer.version);
    let address = if case.tcp {
        json!(["127.0.0.1", 0])
    } else {
        json!(path)
    };
    let address = peer.ask(json!(["listen", address, case.theirs])).await;
    peer.tell(json!(["accept"])).await;
    let builder = match address {
        Value::String(path) => Connection::connect(Path::new(&path)),
        other => {
            let port: u16 = serde_json::from_value(other[1].clone()).unwrap();
            Connection::connect(("127.0.0.1", port))
        }
    };
    let mut builder = builder
        .legacy_md5(case.legacy_md5)
        .binding(case.binding)
        .timeout(TIMEOUT);
    if let Some(key) = case.ours {
        builder = builder.authkey(key);
    }
    if case.theirs.is_none() {
        builder = builder.timeout(IMPATIENCE);
    }
    let connected: Result<Connection, ConnectError> = builder.await;

    match (case.ours, case.theirs) {
        (None, Some(_)) => {
            let mut connection = connected.unwrap();
            let challenge = connection.recv_bytes(256).await.unwrap();
            assert!(challenge.starts_with(b"#CHALLENGE#"), "{what:?}");
            connection.send_bytes(b"I have no key").await.unwrap();
            assert_eq!(peer.answer().await, "AuthenticationError", "{what:?}");
        }
        (Some(_), None) => {
            let error = connected.unwrap_err();
            assert!(
                matches!(
                    error,
                    ConnectError::Auth {
                        source: AuthError::TimedOut,
                        ..
                    }
                ),
                "{what:?}: {error}"
            );
            assert_eq!(peer.answer().await, "EOFError", "{what:?}");
        }
        _ if case.agrees(peer.version) => {
            let mut connection = connected.unwrap();
            connection.send_bytes(b"ping").await.unwrap();
            assert_eq!(connection.recv_bytes(10).await.unwrap(), b"ping");
            assert_eq!(peer.answer().await, "ok", "{what:?}");
        }
        _ => {
            let error = match connected.unwrap_err() {
                ConnectError::Auth { source, .. } => source,
                other => panic!("{what:?}: {other}"),
            };
            let legacy = peer.version < (3, 12) && !case.legacy_md5;
            let unbound = case.binding == Binding::Require;
            let (expected, theirs) = match error {
                // The local side closes the connection before Python answers.
                AuthError::LegacyPeer => (legacy, "EOFError"),
                AuthError::Unbound => (!legacy && unbound, "EOFError"),
                AuthError::Rejected => (!legacy && !unbound, "AuthenticationError"),
                _ => (false, ""),
            };
            assert!(expected, "{what:?}: {error}");
            assert_eq!(peer.answer().await, theirs, "{what:?}");
        }
    }
}
