//! The client over a connection.

use std::time::Duration;

use farcall::jsonrpc::{Framing, SessionOptions, SocketClient, SocketClientOptions, SocketServer};
use farcall::protocol::output::Causes;
use farcall::protocol::{Call, Format as _};
use farcall::transport::{Connect as _, memory};
use farcall::{CallError, Caller, Context, Execution, Json, Value, client};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, split};
use tokio::time::{Instant, sleep, timeout};

use super::{connected, service_with};

#[client]
trait Calculator {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    for framing in [Framing::Lines, Framing::Headers] {
        let server = SocketServer::new(service_with(SessionOptions::default()), framing);
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        let client = SocketClient::new(&bound.url()).unwrap();
        tokio::spawn(bound.serve());
        let calls: Vec<_> = (0..500)
            .map(|n| {
                let client = client.clone();
                tokio::spawn(async move {
                    if n % 7 == 0 {
                        client.call::<u64>("sleep", (5,)).await.unwrap();
                    }
                    client.add(n, 1).await
                })
            })
            .collect();
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.await.unwrap().unwrap(), n + 1);
        }
        client.notify("add", (1, 2)).await.unwrap();
        let error = client.call::<i64>("missing", ()).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never);
    }
}

#[tokio::test]
async fn a_batch_is_matched_by_ids() {
    let client = super::client().await;
    let call = |method: &'static str, args: (i64, i64)| Call {
        params: Json::default().params(&args).unwrap(),
        format: Json::default(),
        context: Context::new(method),
    };
    let mut calls = vec![
        call("add", (1, 2)),
        call("missing", (0, 0)),
        call("add", (3, 4)),
    ];
    calls[2].context = Context::new("add").one_way();
    let results = client.send_batch(&calls).await.unwrap();
    assert_eq!(results[0].as_ref().unwrap().as_slice(), b"3");
    assert!(matches!(results[1], Err(CallError::Fault(_))));
    assert!(results[2].is_ok());
    // One that is over the limit is refused as a whole, with an id of null.
    let calls = vec![call("add", (1, 2)); 1001];
    let results = client.send_batch(&calls).await.unwrap();
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(CallError::Fault(_))))
    );
    assert!(client.send_batch(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_typed_batch_has_a_ticket_for_each_call() {
    #[derive(serde::Serialize)]
    struct Add {
        a: i64,
        b: i64,
    }

    let client = super::client().await;
    let mut batch = client.batch();
    let sum = batch.call::<i64>("add", (1, 2));
    let missing = batch.call::<i64>("missing", ());
    batch.notify("add", (1, 2)).unwrap();
    let unwritten = batch.call_named::<i64>("add", &5);
    let named = batch.call_named::<i64>("add", &Add { a: 3, b: 4 });
    let wrong_type = batch.call::<String>("add", (1, 2));
    assert_eq!((batch.len(), batch.is_empty()), (5, false));
    let mut results = batch.send().await.unwrap();
    assert_eq!(results.take(sum).unwrap(), 3);
    assert!(matches!(results.take(missing), Err(CallError::Fault(_))));
    assert!(matches!(results.take(unwritten), Err(CallError::Encode(_))));
    assert_eq!(results.take(named).unwrap(), 7);
    assert!(matches!(
        results.take(wrong_type),
        Err(CallError::Decode(_))
    ));
    let mut other = client.batch();
    let foreign = other.call::<i64>("add", (1, 2));
    assert!(matches!(results.take(foreign), Err(CallError::Lost(_))));
    client.batch().send().await.unwrap();
}

/// Returns a client, and the server's end of its connection.
async fn client_of_a_script() -> (SocketClient, BufReader<DuplexStream>) {
    client_with(SocketClientOptions::default()).await
}

async fn client_with(options: SocketClientOptions) -> (SocketClient, BufReader<DuplexStream>) {
    let (mut listener, connector) = memory::listener("script");
    let io = connector.connect().await.unwrap();
    let (server, _) = farcall::transport::Listen::accept(&mut listener)
        .await
        .unwrap();
    let (reader, writer) = split(io);
    let client = SocketClient::over(reader, writer, Framing::Lines, options);
    (client, BufReader::new(server))
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_has_the_timeout_of_the_client() {
    let options = SocketClientOptions::default().timeout(Some(Duration::from_secs(5)));
    let (client, _server) = client_with(options).await;
    let begin = Instant::now();
    let error = client.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
    assert_eq!(begin.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_message_over_the_limit_of_the_client_ends_its_calls() {
    let options = SocketClientOptions::default().max_message(1000);
    let (client, mut server) = client_with(options).await;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<String>("a", ()).await }
    });
    let mut line = String::new();
    server.read_line(&mut line).await.unwrap();
    let text = "x".repeat(1000);
    let long = format!("{{\"jsonrpc\":\"2.0\",\"result\":\"{text}\",\"id\":1}}\n");
    server.write_all(long.as_bytes()).await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
    let error = client.call::<i64>("b", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
}

#[tokio::test]
async fn connecting_has_a_timeout() {
    // It accepts, and says nothing in the handshake of WebSocket.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = SocketClientOptions::default().connect_timeout(Duration::from_millis(50));
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    let client = SocketClient::with_options(&url, options).unwrap();
    let call = timeout(Duration::from_secs(20), client.call::<i64>("a", ())).await;
    let error = call.expect("connecting ends").unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
}

#[tokio::test]
async fn a_call_that_was_sent_is_lost_with_its_connection() {
    let (client, mut server) = client_of_a_script().await;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<i64>("add", (1, 2)).await }
    });
    let mut line = String::new();
    server.read_line(&mut line).await.unwrap();
    drop(server);
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
    let error = client.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
}

#[tokio::test]
async fn an_abandoned_call_does_not_disturb_others() {
    let (client, mut server) = client_of_a_script().await;
    let abandoned = timeout(Duration::from_millis(20), client.call::<i64>("a", ())).await;
    assert!(abandoned.is_err());
    let call = tokio::spawn(async move { client.call::<i64>("b", ()).await });
    let mut lines = String::new();
    server.read_line(&mut lines).await.unwrap();
    server.read_line(&mut lines).await.unwrap();
    // Late, never asked for, twice, and in a form that others use.
    server
        .write_all(
            b"{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1}\n{\"result\":5,\"id\":77}\n\
              {\"error\":null,\"result\":2,\"id\":\"2\"}\n{\"result\":3,\"id\":2}\n",
        )
        .await
        .unwrap();
    assert_eq!(call.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn the_next_call_connects_again() {
    let server = SocketServer::new(service_with(SessionOptions::default()), Framing::Lines);
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_address().clone();
    let client = SocketClient::new(&bound.url()).unwrap();
    let serving = tokio::spawn(bound.serve());
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
    serving.abort();
    let _ = serving.await;
    while client
        .session()
        .await
        .is_ok_and(|session| !session.is_ended())
    {
        sleep(Duration::from_millis(1)).await;
    }
    let error = client.call::<i64>("add", (1, 2)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    tokio::spawn(server.bind(address).await.unwrap().serve());
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn deadlines_end_calls() {
    let io = connected(service_with(SessionOptions::default()), Framing::Lines).await;
    let (reader, writer) = split(io);
    let client = SocketClient::over(
        reader,
        writer,
        Framing::Lines,
        SocketClientOptions::default(),
    );
    let within = client.within(Duration::from_millis(30));
    let error = within.call::<u64>("sleep", (5000,)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
    assert_eq!(client.call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn calls_to_a_peer_that_has_closed_fail_while_its_own_are_completed() {
    use farcall::jsonrpc::{Service, Session};
    use farcall::{Fault, Registry};

    let registry = Registry::new();
    registry
        .register_function("ask", async |cx: Context| -> Result<bool, Fault> {
            let session = Session::of(&cx).ok_or_else(|| Fault::new(1, "no session"))?;
            Ok(session.call::<i64>("answer", ()).await.is_err())
        })
        .unwrap();
    let io = connected(Service::new(registry), Framing::Lines).await;
    let call = b"{\"jsonrpc\":\"2.0\",\"method\":\"ask\",\"id\":1}\n";
    let answers = super::exchange(io, call).await;
    assert!(answers.contains("\"method\":\"answer\""), "{answers}");
    assert!(answers.contains("\"result\":true"), "{answers}");
}

#[tokio::test]
async fn results_have_the_depth_of_their_document() {
    let (client, mut server) = client_of_a_script().await;
    for (id, levels, fits) in [(1, 128, true), (2, 129, false)] {
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<Value>("a", ()).await }
        });
        let mut line = String::new();
        server.read_line(&mut line).await.unwrap();
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"result\":{open}5{close},\"id\":{id}}}\n");
        server.write_all(answer.as_bytes()).await.unwrap();
        let result = call.await.unwrap();
        assert_eq!(result.is_ok(), fits, "{levels}: {result:?}");
        if let Err(error) = result {
            let text = Causes(&error).to_string();
            assert!(text.contains("nested deeper than 128 levels"), "{text}");
        }
    }
}
