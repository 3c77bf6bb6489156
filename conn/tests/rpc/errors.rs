use std::error::Error as _;
use std::time::Duration;

use farcall_conn::rpc::{
    Client, Disconnected, GreetingError, OpenError, Server, ServerOptions, SessionOptions,
};
use farcall_conn::{Connection, Listener};
use farcall_core::transport::Connect as _;
use farcall_core::transport::memory::listener;
use farcall_core::{CallError, Context, Execution, Fault, FaultKind};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

use crate::support::{Network, client, serve};

#[tokio::test]
async fn a_server_of_http_is_named() {
    for key in [None, Some("a key")] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let builder = Client::connect(listener.local_addr().unwrap());
        let builder = match key {
            Some(key) => builder.authkey(key),
            None => builder,
        };
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            stream
        };
        let (_stream, opened) = tokio::join!(answering, builder);
        let text = format!("{:?}", opened.map(|_| ()).unwrap_err());
        assert!(
            text.contains("a server of HTTP: its URL begins with `http://`"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn faults_carry_their_kind() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    server
        .register_function("fail", |code: i64| {
            Err::<(), _>(Fault::new(code, "as asked"))
        })
        .unwrap();
    server
        .register_function("panic", || -> i64 { panic!("a secret of the server") })
        .unwrap();
    server
        .register_function("busy", || {
            Err::<(), _>(Fault::of(FaultKind::Overloaded, "come back later"))
        })
        .unwrap();
    let client = client(&server).await;
    let fault = async |error: Result<(), CallError>| error.unwrap_err().fault().unwrap().clone();

    let unknown = fault(client.call("nothing", ()).await).await;
    assert_eq!(unknown, Fault::unknown_method("nothing"));
    let invalid = fault(client.call("add", (1, "x")).await).await;
    assert_eq!(invalid.kind(), FaultKind::InvalidParams);
    assert_eq!(
        invalid.message(),
        "parameter 2: expected an integer, found a string"
    );
    let failed = fault(client.call("fail", (42,)).await).await;
    assert_eq!((failed.kind(), failed.code()), (FaultKind::Application, 42));
    let panicked = fault(client.call("panic", ()).await).await;
    assert_eq!(panicked, Fault::of(FaultKind::Internal, "internal error"));
    let busy = client.call::<()>("busy", ()).await.unwrap_err();
    assert_eq!(busy.execution(), Execution::Never);
    // A result of another type is an error of the caller. The call ran.
    let error = client.call::<String>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Completed);
    assert_eq!(
        error.source().unwrap().to_string(),
        "expected a string, found an integer"
    );
}

#[tokio::test]
async fn causes_are_sent_if_the_server_allows_it() {
    for allowed in [false, true] {
        let options =
            ServerOptions::default().session(SessionOptions::default().send_causes(allowed));
        let server = Server::with_options(options);
        server
            .register_function("save", || {
                let cause = std::io::Error::other("the disk is full");
                Err::<(), _>(Fault::new(5, "not saved").with_source(cause))
            })
            .unwrap();
        let client = client(&server).await;
        let error = client.call::<()>("save", ()).await.unwrap_err();
        let causes: Vec<String> = error.fault().unwrap().causes().collect();
        let expected: &[&str] = if allowed { &["the disk is full"] } else { &[] };
        assert_eq!(causes, expected);
    }
}

#[tokio::test]
async fn a_broken_connection_reports_which_calls_were_sent() {
    let server = Server::with_options(
        ServerOptions::default().session(SessionOptions::default().max_calls_per_session(2)),
    );
    server
        .register_function("hang", std::future::pending::<()>)
        .unwrap();
    let network = Network::to(&server, Duration::ZERO).await;
    let client = Client::over(network.clone()).await.unwrap();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<()>("hang", ()).await })
        })
        .collect();
    sleep(Duration::from_millis(50)).await;
    network.cut();
    let mut executions = Vec::new();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        let cause = error.source().unwrap().downcast_ref::<Disconnected>();
        assert!(cause.is_some(), "{error:?}");
        executions.push(error.execution());
    }
    use Execution::{Maybe, Never};
    assert_eq!(executions, [Maybe, Maybe, Never, Never]);
    client.closed().await;
    let error = client.call::<()>("hang", ()).await.unwrap_err();
    assert_eq!(error.execution(), Never);
}

#[tokio::test]
async fn a_message_over_the_limit_of_the_peer_is_not_sent() {
    let server = Server::new();
    server
        .register_function("len", |bytes: Vec<u8>| bytes.len())
        .unwrap();
    server
        .register_function("bytes", |len: usize| vec![0u8; len])
        .unwrap();
    let (listening, connector) = listener("small");
    let listener = Listener::over(listening).max_message(10_000);
    let serving = server.clone();
    tokio::spawn(serving.listen(listener).await.unwrap().serve());
    let client = Client::over(connector).max_message(5000).await.unwrap();
    assert_eq!(
        client
            .call::<usize>("len", (vec![0u8; 9000],))
            .await
            .unwrap(),
        9000
    );
    let error = client
        .call::<usize>("len", (vec![0u8; 10_000],))
        .await
        .unwrap_err();
    assert_eq!(error.execution(), Execution::Never);
    assert!(error.source().unwrap().to_string().contains("10000"));
    let error = client.call::<Vec<u8>>("bytes", (5000,)).await.unwrap_err();
    assert!(
        error.fault().unwrap().message().contains("limit of 5000"),
        "{error:?}"
    );
    assert_eq!(
        client
            .call::<Vec<u8>>("bytes", (4000,))
            .await
            .unwrap()
            .len(),
        4000
    );
}

#[tokio::test]
async fn a_peer_that_speaks_another_protocol_is_reported() {
    // A plain listener, which sends another message first.
    let (listening, connector) = listener("plain");
    let mut plain = Listener::over(listening).await.unwrap();
    tokio::spawn(async move {
        let mut peer: Connection<String, ()> = plain.accept().await.unwrap();
        peer.send(&"hello".to_owned()).await.unwrap();
        sleep(Duration::from_secs(5)).await;
    });
    let error = Client::over(connector).await.unwrap_err();
    assert!(matches!(
        error,
        OpenError::Greeting {
            target: None,
            source: GreetingError::NotRpc(_)
        }
    ));

    // A plain client at an RPC server: the server continues.
    let server = Server::new();
    server.register_function("one", || 1).unwrap();
    let connector = serve(&server).await;
    let mut plain: Connection<String> = Connection::new(connector.connect().await.unwrap());
    plain.send(&"hello".to_owned()).await.unwrap();
    assert!(plain.recv().await.is_err());

    // A client with another version or encoding receives the reason.
    for (hello, reason) in [
        (
            &b"\0FARCALL\x07"[..],
            "the server speaks protocol version 2, not 7",
        ),
        (
            b"\0FARCALL\x02\0\x04json\x01\x01\x01\x01\x01\0",
            "unknown encoding `json`: expected `bincode` or `messagepack`",
        ),
    ] {
        let mut peer: Connection = Connection::new(connector.connect().await.unwrap());
        peer.send_bytes(hello).await.unwrap();
        let answer = peer.recv_bytes(1000).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains(reason), "{text}");
        assert!(peer.recv_bytes(1000).await.is_err());
    }
    let client = Client::over(connector).await.unwrap();
    assert_eq!(client.call::<i32>("one", ()).await.unwrap(), 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_rejected_with_a_reason() {
    let server = Server::with_options(ServerOptions::default().max_connections(1));
    server.register_function("one", || 1).unwrap();
    let connector = serve(&server).await;
    let first = Client::over(connector.clone()).await.unwrap();
    assert_eq!(first.call::<i32>("one", ()).await.unwrap(), 1);
    let error = Client::over(connector.clone()).await.unwrap_err();
    assert!(format!("{error:?}").contains("too many connections"));
    first.close().await;
    for _ in 0..100 {
        if Client::over(connector.clone()).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the server still rejects connections");
}

#[tokio::test]
async fn a_protocol_violation_is_reported_and_closes_the_connection() {
    let server = Server::new();
    let connector = serve(&server).await;
    let hello = b"\0FARCALL\x02\0\x07bincode\xff\xff\x01\x01\x01\x01\x01\0";
    for (message, complaint) in [
        (&b"\x63"[..], "unknown message kind 99"),
        (b"\x01\x01", "a message of kind 1 is malformed"),
        (b"\x02\x09\0", "a reply to call 9, which was never made"),
        (
            b"\x06AAAAAAAAAAAAAAAA\x01",
            "a reference was released that was not passed",
        ),
        (&hello[..], "`Hello` in the middle"),
    ] {
        let mut peer: Connection = Connection::new(connector.connect().await.unwrap());
        peer.send_bytes(hello).await.unwrap();
        assert_eq!(peer.recv_bytes(1000).await.unwrap()[..8], *b"\0FARCALL");
        peer.send_bytes(message).await.unwrap();
        let answer = peer.recv_bytes(1000).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains(complaint), "{text}");
        assert!(peer.recv_bytes(1000).await.unwrap_err().is_closed());
    }
    // Refused calls with a promise are remembered only within the limit of calls.
    let server = Server::with_options(
        ServerOptions::default().session(SessionOptions::default().max_calls_per_session(8)),
    );
    server
        .register_function("answers", |cx: Context| {
            Client::of(&cx).unwrap().stats().incoming_calls
        })
        .unwrap();
    let (sent, refused) = (b"\x02\0\0\0", b"\x09");
    let limited = serve(&server).await;
    let mut peer: Connection = Connection::new(limited.connect().await.unwrap());
    peer.send_bytes(hello).await.unwrap();
    peer.recv_bytes(1000).await.unwrap();
    for id in 1..100 {
        let call = [&[1, id, 1][..], &[7; 16], &sent[..]].concat();
        peer.send_bytes(&call).await.unwrap();
        let answer = peer.recv_bytes(1000).await.unwrap();
        assert_eq!(answer[..2], [3, id]);
        assert!(id > 8 || answer[2..3] == refused[..], "{answer:?}");
    }
    // The first seven are finished, so that there is room for a call again.
    for id in 1..8 {
        peer.send_bytes(&[5, id]).await.unwrap();
    }
    peer.send_bytes(b"\x01\x64\0\0\0\x07answers\0\0")
        .await
        .unwrap();
    assert_eq!(peer.recv_bytes(1000).await.unwrap(), b"\x02\x64\0u\x02");

    // Messages about calls and streams that have ended or never existed are no violation.
    let mut peer: Connection = Connection::new(connector.connect().await.unwrap());
    peer.send_bytes(hello).await.unwrap();
    peer.recv_bytes(1000).await.unwrap();
    for message in [
        &b"\x04\x63"[..],
        b"\x05\x63",
        b"\x09\x63\x01",
        b"\x0a\x63",
        b"\x08\x63\0",
        b"\x07\x63\0x",
    ] {
        peer.send_bytes(message).await.unwrap();
    }
    peer.send_bytes(b"\x0b\x05").await.unwrap();
    assert_eq!(peer.recv_bytes(1000).await.unwrap(), b"\x0c\x05");
}

/// A raw peer of a server that returns bytes, with a backlog of at most 100,000 bytes.
async fn peer_of_limited_backlog() -> Connection {
    let options = SessionOptions::default().max_backlog(100_000);
    let server = Server::with_options(ServerOptions::default().session(options));
    server
        .register_function("bytes", |len: usize| vec![7u8; len])
        .unwrap();
    let connector = serve(&server).await;
    let mut peer: Connection = Connection::new(connector.connect().await.unwrap());
    let hello = b"\0FARCALL\x02\0\x07bincode\xff\xff\x7f\x7f\x7f\x7f\x7f\0";
    peer.send_bytes(hello).await.unwrap();
    peer.recv_bytes(1000).await.unwrap();
    peer
}

#[tokio::test]
async fn a_promise_of_a_rejected_call_fails() {
    let mut peer = peer_of_limited_backlog().await;
    // Six results fill the backlog, so the seventh call, which has a promise, is refused after it
    // was admitted. The eighth is on that promise.
    let bytes = b"\x05bytes\0\x01u\xfb\x20\x4e";
    for id in 1..=6 {
        let call = [&[1, id, 0, 0, 0][..], bytes].concat();
        peer.send_bytes(&call).await.unwrap();
    }
    let promising = [&[1, 7, 0, 2, 0][..], bytes].concat();
    peer.send_bytes(&promising).await.unwrap();
    let dependent = [&[1, 8, 2, 7, 0, 0][..], bytes].concat();
    peer.send_bytes(&dependent).await.unwrap();
    let mut answers = Vec::new();
    for _ in 1..=8 {
        let answer = timeout(Duration::from_secs(5), peer.recv_bytes(30_000)).await;
        let answer = answer.expect("each call is answered").unwrap();
        answers.push([answer[1], answer[0], answer[2]]);
    }
    answers.sort_unstable();
    // `Overloaded` and `Gone`.
    assert_eq!(answers[6..], [[7, 3, 6], [8, 3, 9]]);
}

#[tokio::test]
async fn a_peer_that_reads_no_rejections_is_not_read_from() {
    let mut peer = peer_of_limited_backlog().await;
    let call = |id: u32| {
        // The number of the call, always in three bytes.
        let id = [
            (id & 0x7f) as u8 | 0x80,
            (id >> 7 & 0x7f) as u8 | 0x80,
            (id >> 14) as u8,
        ];
        [&[1][..], &id, b"\0\0\0\x05bytes\0\x01u\xfb\x20\x4e"].concat()
    };
    let mut sent = 0;
    loop {
        let call = call(sent + 1);
        let sending = peer.send_bytes(&call);
        if timeout(Duration::from_millis(300), sending).await.is_err() {
            break;
        }
        sent += 1;
        assert!(sent < 200_000, "the backlog of rejections is not limited");
    }
    // Once the peer reads, every call is answered.
    for _ in 0..sent {
        peer.recv_bytes(30_000).await.unwrap();
    }
}

#[tokio::test]
async fn a_peer_that_reads_no_replies_has_its_calls_rejected() {
    let mut peer = peer_of_limited_backlog().await;
    // Each asks for 20,000 bytes.
    let call = |id: u8| [&[1, id][..], b"\0\0\0\x05bytes\0\x01u\xfb\x20\x4e"].concat();
    for id in 1..=50 {
        peer.send_bytes(&call(id)).await.unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    let (mut returned, mut refused) = (0, 0);
    for _ in 1..=50 {
        match peer.recv_bytes(30_000).await.unwrap()[..] {
            [2, _, 0, ..] => returned += 1,
            [3, _, 6, ..] => refused += 1,
            _ => panic!("neither a result nor `Overloaded`"),
        }
    }
    // The limit and the buffers of the transport hold about eight results.
    assert!((5..12).contains(&returned), "{returned} and {refused}");
    // After the peer has read, its calls are served again.
    peer.send_bytes(&call(51)).await.unwrap();
    assert_eq!(peer.recv_bytes(30_000).await.unwrap()[..3], [2, 51, 0]);
}
