//! Servers that repeat the secrets of a client over a WebSocket, which no error shows.

use farcall::jsonrpc::{SocketClient, SocketClientOptions, Subscription, SubscriptionError};
use farcall::protocol::output::Causes;
use farcall::{CallError, Caller as _};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

const SECRETS: [&str; 4] = ["t0ken-of-mine", "pa55word", "x-own-value", "qu3ry-value"];

#[derive(Debug, Deserialize)]
enum Choice {
    A,
}

/// Repeats the head of the handshake in every answer, in the way that the method names.
#[allow(clippy::result_large_err, reason = "the error is a response")]
async fn repeat(io: TcpStream) {
    let mut head = String::new();
    let seen = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        head = format!("{} {:?}", request.uri(), request.headers());
        for (name, value) in request.headers() {
            head += &format!(" {name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        Ok(response)
    };
    let mut socket = accept_hdr_async(io, seen).await.unwrap();
    let text = format!("{head:?}").replace("\\'", "'");
    while let Some(Ok(message)) = socket.next().await {
        let Ok(message) = message.to_text() else {
            return;
        };
        if message.starts_with('[') {
            let answer = format!(
                r#"[{{"id":1,"error":{{"code":1,"message":{text}}}}},{{"id":2,"result":{text}}}]"#
            );
            // A client that has seen enough is gone.
            let _ = socket.send(Message::text(answer)).await;
            continue;
        }
        let answers = match message {
            message if message.contains("subscribe_end") => vec![
                r#"{"id":1,"result":"a"}"#.to_owned(),
                format!(r#"{{"method":"x","params":{{"subscription":"a","result":{text}}}}}"#),
                format!(
                    r#"{{"method":"x","params":{{"subscription":"a","error":{{"code":1,"message":{text}}}}}}}"#
                ),
            ],
            message if message.contains("result") => vec![format!(r#"{{"id":1,"result":{text}}}"#)],
            message if message.contains("text") => vec![format!(r#"{{"id":1,"error":{text}}}"#)],
            message if message.contains("nobody") => {
                vec![format!(
                    r#"{{"id":null,"error":{{"code":1,"message":{text}}}}}"#
                )]
            }
            _ => vec![format!(
                r#"{{"id":1,"error":{{"code":1,"message":{text},"data":{text}}}}}"#
            )],
        };
        for answer in answers {
            let _ = socket.send(Message::text(answer)).await;
        }
    }
}

/// Returns a client of a server that repeats its secrets, which makes its first call.
async fn client() -> SocketClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(repeat(io));
        }
    });
    // `user:pa55word` in base64.
    let options = SocketClientOptions::default()
        .header("authorization", "Bearer t0ken-of-mine")
        .and_then(|options| options.header("x-login", "Basic dXNlcjpwYTU1d29yZA=="))
        .and_then(|options| options.header("x-own", "x-own-value"));
    let url = format!("ws://{address}/RPC2?key=qu3ry-value");
    SocketClient::with_options(&url, options.unwrap()).unwrap()
}

fn assert_hidden(error: &(dyn std::error::Error + 'static)) {
    let shown = format!("{} {error:?} {error:#?}", Causes(error));
    for secret in SECRETS.into_iter().chain(["dXNlcjpwYTU1d29yZA"]) {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(shown.contains("[hidden]"), "{shown}");
}

#[tokio::test]
async fn faults_hide_the_secrets_of_a_websocket() {
    for method in ["fault", "text", "nobody", "result"] {
        let error = client().await.call::<Choice>(method, ()).await.unwrap_err();
        assert_hidden(&error);
        // The session itself hides them, too.
        let session = client().await.session().await.unwrap();
        assert_hidden(&session.call::<Choice>(method, ()).await.unwrap_err());
    }
    // Results are not changed.
    let text: String = client().await.call("result", ()).await.unwrap();
    assert!(
        SECRETS[2..].iter().all(|secret| text.contains(secret)),
        "{text}"
    );
}

#[tokio::test]
async fn batches_hide_the_secrets_of_a_websocket() {
    let client = client().await;
    let mut batch = client.batch();
    let fault = batch.call::<i64>("fault", ());
    let result = batch.call::<Choice>("result", ());
    let mut results = batch.send().await.unwrap();
    assert_hidden(&results.take(fault).unwrap_err());
    let error = results.take(result).unwrap_err();
    assert!(matches!(error, CallError::Decode(_)));
    assert_hidden(&error);
}

#[tokio::test]
async fn subscriptions_hide_the_secrets_of_a_websocket() {
    let client = client().await;
    let subscribed = client.subscribe("subscribe_end", ()).await;
    let mut items: Subscription<Choice> = subscribed.unwrap();
    let error = items.next().await.unwrap().unwrap_err();
    assert!(matches!(error, SubscriptionError::Decode(_)));
    assert_hidden(&error);
    let error = items.next().await.unwrap().unwrap_err();
    assert!(matches!(error, SubscriptionError::Fault(_)));
    assert_hidden(&error);
}
