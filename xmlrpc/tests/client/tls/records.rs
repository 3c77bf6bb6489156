//! Connections that are kept, and what they receive between calls; ends of connections.

use std::sync::Arc;
use std::time::Duration;

use farcall::http::HttpError;
use farcall_core::transport::tls::rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use farcall_core::transport::tls::rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConnection, SupportedCipherSuite,
};
use farcall_core::transport::tls::{Profile, ServerTls};
use farcall_core::{CallError, Execution};
use farcall_xmlrpc::{Client, ClientOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{End, Site, accept, listen_tls, recording, server};
use crate::both::ClientKind;
use crate::{FIVE, chain, http, ok, read, write};

both! {
    connections_are_kept_across_tickets_and_updates_of_keys,
    a_connection_that_was_closed_is_replaced,
    a_reply_that_may_be_cut_off_is_an_error,
    large_messages_in_both_directions,
    a_refusal_is_read_while_the_call_is_sent,
    credentials_and_headers_arrive,
    a_client_announces_the_end,
    tickets_are_not_read_for_ever,
}

async fn connections_are_kept_across_tickets_and_updates_of_keys(kind: ClientKind) {
    let site = Site::new();
    let (listener, url) = listen_tls().await;
    let tls = site.server();
    let task = tokio::spawn(async move {
        let mut io = accept(&listener, &tls).await;
        // Two tickets follow the handshake. Before each later call the keys are updated.
        for _ in 0..4 {
            read(&mut io).await.unwrap();
            write(&mut io, ok(FIVE)).await;
            io.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
            io.get_mut().1.refresh_traffic_keys().unwrap();
            io.flush().await.unwrap();
        }
    });
    let client = kind.client_with(&url, site.options());
    for _ in 0..4 {
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    task.await.unwrap();
}

async fn a_connection_that_was_closed_is_replaced(kind: ClientKind) {
    let site = Site::new();
    for end in [End::Announced, End::Ragged] {
        let (url, task) = server(site.server(), end, vec![ok(FIVE), ok(FIVE), ok(FIVE)]).await;
        let client = kind.client_with(&url, site.options());
        for _ in 0..3 {
            assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5, "{end:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(task.await.unwrap().len(), 3);
    }
}

async fn a_reply_that_may_be_cut_off_is_an_error(kind: ClientKind) {
    let site = Site::new();
    let until_closed = format!("HTTP/1.0 200 OK\r\n\r\n{FIVE}");
    for (answer, end, is_complete) in [
        (ok(FIVE), End::Announced, true),
        (ok(FIVE), End::Ragged, true),
        (until_closed.clone(), End::Announced, true),
        (until_closed, End::Ragged, false),
    ] {
        let (url, _server) = server(site.server(), end, vec![answer.clone()]).await;
        let client = kind.client_with(&url, site.options());
        match client.call::<i64>("f", ()).await {
            Ok(sum) => assert!(is_complete && sum == 5, "{answer}"),
            Err(error) => {
                let text = chain(&error);
                assert!(
                    !is_complete && text.contains("without TLS's close_notify"),
                    "{text}"
                );
                assert!(matches!(error, CallError::Lost(_)), "{text}");
            }
        }
    }
}

async fn large_messages_in_both_directions(kind: ClientKind) {
    let site = Site::new();
    let text = "x".repeat(5 << 20);
    let reply = FIVE.replace("<int>5</int>", &text);
    let (url, server) = server(site.server(), End::Announced, vec![ok(&reply)]).await;
    let client = kind.client_with(&url, site.options());
    let got: String = client.call("f", (text.clone(),)).await.unwrap();
    assert!(got == text);
    assert!(server.await.unwrap()[0].text().contains(&text));
}

async fn a_refusal_is_read_while_the_call_is_sent(kind: ClientKind) {
    let site = Site::new();
    let (listener, url) = listen_tls().await;
    let tls = site.server();
    tokio::spawn(async move {
        let mut io = accept(&listener, &tls).await;
        let mut start = [0; 100];
        io.read_exact(&mut start).await.unwrap();
        write(
            &mut io,
            http("413 Too Large", "Connection: close\r\n", "too large"),
        )
        .await;
        io.flush().await.unwrap();
        // Reads no further.
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let client = kind.client_with(&url, site.options());
    let large = "x".repeat(20 << 20);
    let error = client.call::<i64>("f", (large,)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert_eq!(HttpError::of(&error).unwrap().status(), 413);
}

async fn credentials_and_headers_arrive(kind: ClientKind) {
    let site = Site::new();
    let (url, server) = server(site.server(), End::Announced, vec![ok(FIVE)]).await;
    let place = url.trim_start_matches("https://");
    let options = site.options().header("X-Key", "k").unwrap();
    let client = kind.client_with(&format!("https://u:p@{place}"), options);
    assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    let request = &server.await.unwrap()[0];
    assert_eq!(request.header("Host"), Some(place));
    assert_eq!(request.header("Authorization"), Some("Basic dTpw"));
    assert_eq!(request.header("X-Key"), Some("k"));
    let shown = format!("{client:?}");
    assert!(
        shown.contains("https://localhost") && !shown.contains("u:p"),
        "{shown}"
    );
}

#[tokio::test]
async fn tls_runs_over_any_transport() {
    let site = Site::new();
    let (url, received, _server) = recording(site.server()).await;
    let (_, port) = url.rsplit_once(':').unwrap();
    let port = port.parse().unwrap();
    let connector = farcall_core::transport::tcp::TcpConnector::new("127.0.0.1", port);
    let options = ClientOptions::default().tls(site.client());
    let client = Client::with_connector("https://localhost", connector, options).unwrap();
    for _ in 0..3 {
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
        // The two tickets are read as they arrive.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(received.lock().unwrap().len(), 3);
}

async fn a_client_announces_the_end(kind: ClientKind) {
    let site = Site::new();
    let (listener, url) = listen_tls().await;
    let tls = site.server();
    let task = tokio::spawn(async move {
        let mut io = accept(&listener, &tls).await;
        read(&mut io).await.unwrap();
        write(&mut io, ok(FIVE)).await;
        io.flush().await.unwrap();
        // Without close_notify this would be an error.
        io.read(&mut [0]).await
    });
    let client = kind.client_with(&url, site.options());
    assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    drop(client);
    assert_eq!(task.await.unwrap().unwrap(), 0);
}

/// Returns records with a session ticket each (RFC 8446, 4.6.1), of which rustls would send few.
fn tickets(connection: ServerConnection, count: u64) -> Vec<u8> {
    let mut ticket = vec![4, 0, 0, 213, 0, 0, 0x1c, 0x20, 1, 2, 3, 4, 0, 0, 200];
    ticket.extend([7; 200]);
    ticket.extend([0, 0]);
    let Some(SupportedCipherSuite::Tls13(suite)) = connection.negotiated_cipher_suite() else {
        panic!("TLS 1.3");
    };
    let (first, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
    let mut encrypter = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
            suite.aead_alg.encrypter(key, iv)
        }
        _ => panic!("a known cipher"),
    };
    // The key has to be used from the first record on.
    let records = (0..first + count).map(|number| {
        let record = OutboundPlainMessage {
            typ: ContentType::Handshake,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(&ticket),
        };
        encrypter.encrypt(record, number).unwrap().encode()
    });
    records
        .skip(usize::try_from(first).unwrap())
        .flatten()
        .collect()
}

/// A server can send any number of session tickets in place of an answer, or after one.
async fn tickets_are_not_read_for_ever(kind: ClientKind) {
    let site = Site::new();
    let mut config = (*site.server().config(Profile::Http)).clone();
    config.enable_secret_extraction = true;
    let tls = ServerTls::from_config(Arc::new(config));
    for is_answered in [false, true] {
        let (listener, url) = listen_tls().await;
        let tls = tls.clone();
        let flooding = tokio::spawn(async move {
            let mut streams = Vec::new();
            for count in [1000, 0] {
                let mut io = accept(&listener, &tls).await;
                read(&mut io).await.unwrap();
                if is_answered || count == 0 {
                    write(&mut io, ok(FIVE)).await;
                    io.flush().await.unwrap();
                }
                let (mut stream, connection) = io.into_inner();
                let _ = stream.write_all(&tickets(connection, count)).await;
                streams.push(stream);
            }
            streams
        });
        let client = kind.client_with(&url, site.options());
        let first = client.call::<i64>("f", ()).await;
        if is_answered {
            assert_eq!(first.unwrap(), 5);
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            let error = first.unwrap_err();
            let text = chain(&error);
            assert!(text.contains("without data"), "{text}");
        }
        // Over another connection.
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
        flooding.await.unwrap();
    }
}
