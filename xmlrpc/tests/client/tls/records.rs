//! Connections that are kept, and what they receive between calls; ends of connections.

use std::time::Duration;

use farcall_core::{CallError, Execution};
use farcall_xmlrpc::{Client, ClientOptions, HttpError};
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
