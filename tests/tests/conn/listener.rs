//! Addresses of all kinds, and cleanup after listeners.

use std::time::Duration;

use farcall::conn::auth::{AuthError, Binding};
use farcall::conn::{BindError, ConnectError, Connection, Listener, wait};
use farcall::transport::{Address, Connect, Peer, memory};

async fn talk(listener: &mut Listener, client: Connection<String>) -> Connection<String> {
    let mut client = client;
    let mut server: Connection<String> = listener.accept().await.unwrap();
    client.send(&"there".to_owned()).await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "there");
    server.send(&"and back".to_owned()).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "and back");
    assert_eq!(listener.last_accepted(), Some(server.peer()));
    server
}

#[tokio::test]
async fn tcp_by_name_and_by_number() {
    for address in ["localhost:0", "127.0.0.1:0", "[::1]:0", ":0"] {
        let mut listener = Listener::bind(address).authkey("key").await.unwrap();
        let local = listener.local_address().clone();
        let client = Connection::connect(&local).authkey("key").await.unwrap();
        let server = talk(&mut listener, client).await;
        assert!(matches!(server.peer(), Peer::Tcp(_)));
    }
    let nonsense = Listener::bind("nonsense").await;
    assert!(matches!(nonsense, Err(BindError::Address(_))));
    let keyless = Listener::bind("127.0.0.1:0").authkey("").await;
    assert!(matches!(keyless, Err(BindError::Auth(AuthError::EmptyKey))));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_listener_frees_its_port() {
    let listener = Listener::bind(tests::port_of_its_own()).await.unwrap();
    let local = listener.local_address().clone();
    let _waiting: Connection = Connection::connect(&local).await.unwrap();
    listener.close().await;
    let refused: Result<Connection, _> = Connection::connect(&local).await;
    assert!(
        matches!(refused, Err(ConnectError::Unreachable { .. })),
        "{refused:?}"
    );
    let again = Listener::bind(&local).await;
    assert!(again.is_ok(), "{again:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets() {
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    let mut listener = Listener::bind_fresh()
        .authkey("key")
        .binding(Binding::Require)
        .await
        .unwrap();
    let Address::Unix(path) = listener.local_address().clone() else {
        panic!("it is a path");
    };
    let folder = path.parent().unwrap();
    let mode = std::fs::metadata(folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let client = Connection::connect(path.as_path())
        .authkey("key")
        .binding(Binding::Require)
        .await
        .unwrap();
    let server = talk(&mut listener, client).await;
    let Peer::Unix(Some(credentials)) = server.peer() else {
        panic!("{} has no credentials", server.peer());
    };
    assert_eq!(credentials.pid, i32::try_from(std::process::id()).ok());
    let unbound: Result<Connection, _> = Connection::connect(path.as_path())
        .authkey("key")
        .binding(Binding::Off)
        .await;
    assert!(
        matches!(
            unbound,
            Err(ConnectError::Auth {
                source: AuthError::Rejected,
                ..
            })
        ),
        "{unbound:?}"
    );
    listener.close().await;
    assert!(!folder.exists());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let listener = Listener::bind(&path).mode(0o660).await.unwrap();
    assert_eq!(mode(), 0o660);
    listener.close().await;
    let mut listener = Listener::bind(&path).await.unwrap();
    assert_eq!(mode(), 0o600, "by default for this user alone");
    let client = Connection::connect(&path).await.unwrap();
    talk(&mut listener, client).await;
    let taken = Listener::bind(Path::new(&path)).await;
    assert!(
        matches!(&taken, Err(BindError::Io(error)) if error.kind() == ErrorKind::AddrInUse),
        "{taken:?}"
    );
    listener.close().await;
    assert!(!path.exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn abstract_sockets() {
    let name = format!("unix-abstract:conn test {}", std::process::id());
    let builder = Listener::bind(&name).authkey("key").legacy_md5(true);
    let mut listener = builder.await.unwrap();
    let client = Connection::connect(&name).authkey("key").await.unwrap();
    talk(&mut listener, client).await;

    // Python marks an abstract name with a NUL byte in front.
    let program = "import sys; from multiprocessing.connection import Client; \
                   c = Client('\\0' + sys.argv[1], authkey=b'key'); \
                   c.send_bytes(b'hello'); print(c.recv_bytes())";
    let path = name.strip_prefix("unix-abstract:").unwrap().to_owned();
    let python = tests::newest_python();
    let python = tokio::task::spawn_blocking(move || python.run_text(program, &[&path]));
    let mut server: Connection = listener.accept().await.unwrap();
    let message = server.recv_bytes(10).await.unwrap();
    server.send_bytes(&message).await.unwrap();
    assert_eq!(python.await.unwrap(), "b'hello'\n");
}

#[tokio::test]
async fn in_memory() {
    let (listener, connector) = memory::listener("test");
    let mut listener = Listener::over(listener).authkey("key").await.unwrap();
    let client = Connection::over(connector.clone()).authkey("key");
    let server = talk(&mut listener, client.await.unwrap()).await;
    assert_eq!(server.peer(), &Peer::Memory);
    let stranger: Result<Connection, _> = Connection::over(connector).authkey("kez").await;
    assert!(
        matches!(
            stranger,
            Err(ConnectError::Auth {
                source: AuthError::Rejected,
                ..
            })
        ),
        "{stranger:?}"
    );
}

#[tokio::test]
async fn handshakes_complete_while_the_program_accepts_nothing() {
    let mut listener = Listener::bind("127.0.0.1:0").authkey("key").await.unwrap();
    let address = listener.local_address().clone();
    let mut clients = Vec::new();
    for number in 0..100 {
        let mut client: Connection<u32> =
            Connection::connect(&address).authkey("key").await.unwrap();
        client.send(&number).await.unwrap();
        clients.push(client);
    }
    let mut servers = Vec::new();
    for _ in 0..100 {
        servers.push(
            listener
                .accept::<u32, u32, farcall::conn::Bincode>()
                .await
                .unwrap(),
        );
    }
    let mut numbers = Vec::new();
    for server in &mut servers {
        numbers.push(server.recv().await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());

    clients.truncate(1);
    clients[0].send(&7).await.unwrap();
    let mut ended = 0;
    let mut received = 0;
    while ended < 99 || received < 1 {
        let mut waiting: Vec<&mut dyn farcall::conn::Wait> = Vec::new();
        for server in &mut servers {
            waiting.push(server);
        }
        let ready = wait(&mut waiting, Some(Duration::from_secs(20))).await;
        assert!(!ready.is_empty());
        for position in ready.into_iter().rev() {
            match servers[position].recv().await {
                Ok(number) => {
                    assert_eq!(number, 7);
                    received += 1;
                }
                Err(error) => {
                    assert!(error.is_closed());
                    servers.swap_remove(position);
                    ended += 1;
                }
            }
        }
    }
}

/// A connector that never connects.
#[derive(Clone)]
struct Nowhere;

impl Connect for Nowhere {
    type Io = tokio::io::DuplexStream;

    async fn connect(&self) -> std::io::Result<Self::Io> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn an_unreachable_peer_is_distinguished_from_a_silent_one() {
    let time = Duration::from_millis(20);
    let lost: Result<Connection, _> = Connection::over(Nowhere).authkey("key").timeout(time).await;
    let Err(ConnectError::Unreachable { source, .. }) = &lost else {
        panic!("{lost:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(format!("{lost:?}"), "Err(cannot connect: timed out)");

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silence: Result<Connection, _> = Connection::connect(silent.local_addr().unwrap())
        .authkey("key")
        .timeout(time)
        .await;
    assert!(matches!(
        silence,
        Err(ConnectError::Auth {
            source: AuthError::TimedOut,
            ..
        })
    ));
}
