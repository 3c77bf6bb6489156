//! Messages over TLS: all sizes, both directions at once, futures dropped at any point.

use std::time::Duration;

use farcall_conn::rpc::{Client, Server};
use farcall_conn::{Connection, Json, Listener, wait};
use farcall_core::Budget;
use farcall_core::transport::memory;
use tokio::time::timeout;

use crate::support::{KEY, KINDS, Kind, LONG, client_tls, server_tls};

#[tokio::test]
async fn messages_of_all_sizes_pass() {
    for kind in KINDS {
        let (mut local, mut remote) = kind.pair().await;
        let echo = tokio::spawn(async move {
            while let Ok(message) = remote.recv_bytes(1 << 30).await {
                remote.send_bytes(&message).await.unwrap();
            }
        });
        // Around the length of a record, 16 KiB, and of the largest copied message.
        for length in [0, 1, 16_383, 16_384, 16_385, 65_536, 1 << 20, 20 << 20] {
            let message: Vec<u8> = (0..length).map(|i| (i % 251 + i / 4096) as u8).collect();
            local.send_bytes(&message).await.unwrap();
            assert!(
                local.recv_bytes(1 << 30).await.unwrap() == message,
                "{length}"
            );
        }
        let mut buffer = vec![0; 1 << 20];
        local.send_bytes(&[7; 1 << 20]).await.unwrap();
        assert_eq!(local.recv_bytes_into(&mut buffer).await.unwrap(), 1 << 20);
        assert!(buffer.iter().all(|&byte| byte == 7));
        for _ in 0..1000 {
            local.send_bytes(b"a small one").await.unwrap();
        }
        for _ in 0..1000 {
            assert_eq!(local.recv_bytes(100).await.unwrap(), b"a small one");
        }
        local.close().await.unwrap();
        echo.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_directions_are_busy_at_once() {
    let (local, remote) = Kind::Certificates.pair().await;
    let halves = [local.split(), remote.split()].map(|(sender, mut receiver)| {
        let sending = tokio::spawn(async move {
            for number in 0..200_u32 {
                let message = vec![number as u8; (number as usize * 977) % 100_000];
                sender.send_bytes(&message).await.unwrap();
            }
        });
        let receiving = tokio::spawn(async move {
            for number in 0..200_u32 {
                let message = receiver.recv_bytes(1 << 20).await.unwrap();
                let expected = vec![number as u8; (number as usize * 977) % 100_000];
                assert!(message == expected, "{number}");
            }
        });
        (sending, receiving)
    });
    for (sending, receiving) in halves {
        sending.await.unwrap();
        receiving.await.unwrap();
    }
}

/// Sends and receives are dropped after a moment, again and again.
#[tokio::test]
async fn dropped_futures_lose_nothing() {
    let (mut local, mut remote) = Kind::Certificates.pair().await;
    let sending = tokio::spawn(async move {
        for number in 0..300_usize {
            let message = vec![number as u8; number * 1000];
            // The rest is sent with the next message, or by the close.
            let _ = timeout(Duration::from_micros(50), local.send_bytes(&message)).await;
        }
        local.close().await.unwrap();
    });
    let mut next = 0;
    loop {
        let received = timeout(Duration::from_micros(50), remote.recv_bytes(1 << 20)).await;
        let message = match received {
            Err(_) => continue,
            Ok(Err(error)) => break assert!(error.is_closed(), "{error:?}"),
            Ok(Ok(message)) => message,
        };
        // A message of which nothing was sent when its future was dropped is left out.
        let number = message.len() / 1000;
        assert!(number >= next && message == vec![number as u8; number * 1000]);
        next = number + 1;
    }
    assert!(next > 0);
    sending.await.unwrap();
}

#[tokio::test]
async fn waiting_sees_messages_only() {
    let (mut local, mut remote) = Kind::Certificates.pair().await;
    assert!(!local.poll(Duration::from_millis(50)).await);
    remote.send_bytes(b"one").await.unwrap();
    remote.send_bytes(b"two").await.unwrap();
    assert!(local.poll(LONG).await);
    assert_eq!(local.recv_bytes(10).await.unwrap(), b"one");
    assert_eq!(wait(&mut [&mut local], Some(LONG)).await, [0]);
    assert_eq!(local.recv_bytes(10).await.unwrap(), b"two");
    assert!(!local.poll(Duration::from_millis(50)).await);
}

#[tokio::test]
async fn messages_beyond_the_budget_wait_for_room() {
    let budget = Budget::new(2 << 20);
    let builder = Kind::Certificates.listener(Listener::bind("127.0.0.1:0"));
    let mut listener = builder.budget(budget).await.unwrap();
    let client = Connection::connect(listener.local_address().clone());
    let (accepted, connected) = tokio::join!(listener.accept(), Kind::Certificates.client(client));
    let (mut accepted, mut connected): (Connection, Connection) =
        (accepted.unwrap(), connected.unwrap());
    let sending = tokio::spawn(async move {
        for _ in 0..10 {
            connected.send_bytes(&[1; 1 << 20]).await.unwrap();
        }
        connected
    });
    for _ in 0..10 {
        assert_eq!(accepted.recv_bytes(1 << 20).await.unwrap().len(), 1 << 20);
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn any_transport_and_codec() {
    let (listening, connector) = memory::listener("tls");
    let _listener = Listener::over(listening).tls(server_tls()).await.unwrap();
    let client = Connection::over(connector).tls(client_tls());
    let unnamed = client.await.map(|_: Connection| ()).unwrap_err();
    let text = format!("{unnamed:?}");
    assert!(text.contains("server_name"), "{text}");

    let (listening, connector) = memory::listener("tls");
    let mut listener = Listener::over(listening).tls(server_tls()).await.unwrap();
    let client = Connection::over(connector).tls(client_tls());
    let client = client.server_name("localhost");
    let (accepted, connected) = tokio::join!(listener.accept(), client);
    let (mut accepted, mut connected): (
        Connection<String, String, Json>,
        Connection<String, String, Json>,
    ) = (accepted.unwrap(), connected.unwrap());
    connected.send(&"hello".to_owned()).await.unwrap();
    assert_eq!(accepted.recv().await.unwrap(), "hello");

    #[cfg(unix)]
    {
        let mut listener = Listener::bind_fresh()
            .authkey(KEY)
            .encrypted()
            .await
            .unwrap();
        let client = Connection::connect(listener.local_address().clone());
        let (accepted, connected) =
            tokio::join!(listener.accept(), client.authkey(KEY).encrypted());
        let (mut accepted, mut connected): (Connection, Connection) =
            (accepted.unwrap(), connected.unwrap());
        connected.send_bytes(b"hello").await.unwrap();
        assert_eq!(accepted.recv_bytes(10).await.unwrap(), b"hello");
        connected.send_handle(std::io::stdin()).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_pass() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    server
        .register_function("bytes", |n: usize| vec![7_u8; n])
        .unwrap();
    for kind in KINDS {
        let bind = server.listen(kind.listener(Listener::bind("127.0.0.1:0")));
        let bound = bind.await.unwrap();
        let address = bound.local_address().clone();
        let scheme = match kind {
            Kind::Certificates => "conn+rpc+tls://127.0.0.1:",
            Kind::ByAuthkey => "conn+rpc+encrypted://127.0.0.1:",
        };
        assert!(bound.url().starts_with(scheme), "{}", bound.url());
        let serving = tokio::spawn(bound.serve());
        let client = Client::connect(address).authkey(KEY).timeout(LONG);
        let client = match kind {
            Kind::Certificates => client.tls(client_tls()),
            Kind::ByAuthkey => client.encrypted(),
        };
        let client = client.await.unwrap();
        let calls = (0..100).map(|n: i64| client.call::<i64>("add", (n, n)));
        let sums = futures_util::future::join_all(calls).await;
        for (n, sum) in sums.into_iter().enumerate() {
            assert_eq!(sum.unwrap(), 2 * n as i64);
        }
        let bytes: Vec<u8> = client.call("bytes", (3_000_000_usize,)).await.unwrap();
        assert_eq!(bytes.len(), 3_000_000);
        client.close().await;
        serving.abort();
    }
}
