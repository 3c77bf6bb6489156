//! The clients: calls, notifications and batches, with our server and with answers of any other.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::thread;

use farcall::http::HttpError;
use farcall::jsonrpc::{BatchError, Client, ErrorData, blocking};
use farcall::{CallError, Execution, FaultKind, Value, client};

use super::{Methods, server};

#[client]
trait Api {
    async fn subtract(&self, minuend: i64, subtrahend: i64) -> Result<i64, CallError>;
}

#[client]
trait BlockingApi {
    fn subtract(&self, minuend: i64, subtrahend: i64) -> Result<i64, CallError>;
}

#[derive(serde::Serialize)]
struct Subtract {
    minuend: i64,
    subtrahend: i64,
}

const NAMED: Subtract = Subtract {
    minuend: 42,
    subtrahend: 23,
};

async fn serve(methods: &Methods) -> String {
    let bound = server(methods).bind("127.0.0.1:0").await.unwrap();
    let url = bound.url();
    tokio::spawn(bound.serve());
    url
}

#[tokio::test]
async fn calls_have_results_or_faults() {
    let methods = Methods::default();
    let client = Client::new(&serve(&methods).await).unwrap();
    assert_eq!(Api::subtract(&client, 42, 23).await.unwrap(), 19);
    let named: i64 = client.call_named("subtract", &NAMED).await.unwrap();
    assert_eq!(named, 19);
    let big: u64 = client.call("big", (u64::MAX,)).await.unwrap();
    assert_eq!(big, u64::MAX);
    client.notify("update", (1, "x")).await.unwrap();
    client.within(std::time::Duration::from_secs(9));
    assert_eq!(methods.notified.load(Ordering::Relaxed), 1);

    let error = client.call::<Value>("no", ()).await.unwrap_err();
    assert_eq!(error.fault().unwrap().kind(), FaultKind::UnknownMethod);
    assert_eq!(error.execution(), Execution::Never);
    let data = ErrorData::of(&error).unwrap().as_str();
    assert_eq!(data, r#"{"kind":"unknown-method"}"#);
    let error = client.call::<Value>("fail", (7, "no")).await.unwrap_err();
    let fault = error.fault().unwrap();
    assert_eq!((fault.code(), fault.message()), (7, "no"));
    assert_eq!(error.execution(), Execution::Maybe);
    let error = client.call::<String>("get_data", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Completed);
    let error = client.call_named::<i64>("subtract", &[1, 2]).await;
    assert!(matches!(error, Err(CallError::Encode(_))), "{error:?}");
}

#[tokio::test]
async fn a_batch_is_one_request() {
    let methods = Methods::default();
    let client = Client::new(&serve(&methods).await).unwrap();
    let mut batch = client.batch();
    let first = batch.call::<i64>("subtract", (42, 23));
    let bad = batch.call::<i64>("subtract", (std::collections::BTreeMap::from([((), 1)]),));
    let named = batch.call_named::<i64>("subtract", &NAMED);
    batch.notify("update", ()).unwrap();
    let no = batch.call::<i64>("no", ());
    assert_eq!(batch.len(), 4);
    let mut results = batch.send().await.unwrap();
    assert_eq!(
        results.take(no).unwrap_err().fault().unwrap().code(),
        -32601
    );
    assert_eq!(results.take(named).unwrap(), 19);
    assert!(matches!(results.take(bad), Err(CallError::Encode(_))));
    assert_eq!(results.take(first).unwrap(), 19);
    assert_eq!(methods.notified.load(Ordering::Relaxed), 1);

    let mut batch = client.batch();
    batch.notify("update", ()).unwrap();
    batch.send().await.unwrap();
    assert_eq!(methods.notified.load(Ordering::Relaxed), 2);
    client.batch().send().await.unwrap();
}

#[test]
fn the_blocking_client_needs_no_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let methods = Methods::default();
    let url = runtime.block_on(serve(&methods));
    let client = blocking::Client::new(&url).unwrap();
    assert_eq!(BlockingApi::subtract(&client, 42, 23).unwrap(), 19);
    assert_eq!(client.call_named::<i64>("subtract", &NAMED).unwrap(), 19);
    client.notify("update", ()).unwrap();
    assert_eq!(methods.notified.load(Ordering::Relaxed), 1);
    let mut batch = client.batch();
    let ticket = batch.call::<i64>("subtract", (3, 5));
    let mut results = batch.send().unwrap();
    assert_eq!(results.take(ticket).unwrap(), -2);
}

/// Returns the URL of a server that sends one response, whatever the request is.
fn answering(status: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jsonrpc", listener.local_addr().unwrap());
    let length = body.len();
    let response = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
    thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.ends_with(b"}") && !request.ends_with(b"]") {
            let length = peer.read(&mut part).unwrap();
            request.extend_from_slice(&part[..length]);
        }
        peer.write_all(response.as_bytes()).unwrap();
    });
    url
}

fn call(status: &str, body: &str) -> Result<Value, CallError> {
    let client = blocking::Client::new(&answering(status, body)).unwrap();
    client.call("m", ())
}

#[test]
fn an_error_counts_whatever_the_status() {
    let error = r#"{"id":1,"jsonrpc":"2.0","error":{"code":1,"message":"m"}}"#;
    for status in ["200 OK", "400 Bad Request", "404 Not Found", "500 Oops"] {
        let failed = call(status, error).unwrap_err();
        assert_eq!(
            failed.fault().map(farcall::Fault::code),
            Some(1),
            "{status}"
        );
    }
    let old = r#"{"result":5,"error":null,"id":1}"#;
    assert_eq!(call("200 OK", old).unwrap(), Value::Int(5));
    let failed = call("404 Not Found", old).unwrap_err();
    assert_eq!(failed.execution(), Execution::Never, "{failed}");
    let page = call("502 Bad Gateway", "<html>").unwrap_err();
    assert_eq!(HttpError::of(&page).unwrap().status(), 502);
    for (body, expected) in [
        ("<html>", "expected value"),
        (r#"{"result":5,"id":2}"#, "the id of another call"),
        (r#"{"result":5,"id":null}"#, "the id of another call"),
        (r#"{"id":1}"#, "a result or an error"),
        ("[]", "invalid type"),
    ] {
        let error = call("200 OK", body).unwrap_err();
        assert_eq!(error.execution(), Execution::Maybe);
        let text = format!("{error:?}");
        assert!(text.contains(expected), "{body}: {text}");
        assert!(text.contains("not a JSON-RPC response"), "{text}");
    }
}

#[test]
fn answers_of_a_batch_are_matched_by_id() {
    let send = |body: &str| {
        let client = blocking::Client::new(&answering("200 OK", body)).unwrap();
        let mut batch = client.batch();
        let one = batch.call::<i64>("a", ());
        let two = batch.call::<i64>("b", ());
        batch
            .send()
            .map(|mut results| (results.take(one), results.take(two)))
    };
    let (one, two) = send(r#"[{"result":2,"id":2},{"result":1,"id":1}]"#).unwrap();
    assert_eq!((one.unwrap(), two.unwrap()), (1, 2));
    let (one, two) = send(r#"[{"result":2,"id":2}]"#).unwrap();
    let CallError::NotAReply(missing) = one.unwrap_err() else {
        panic!("it is missing");
    };
    assert_eq!(missing.downcast_ref(), Some(&BatchError::Missing));
    assert_eq!(two.unwrap(), 2);
    for (body, expected) in [
        (r#"[{"result":2,"id":3}]"#, "no call of the batch"),
        (
            r#"[{"error":{"code":1,"message":"m"},"id":null}]"#,
            "no call of the batch",
        ),
        (
            r#"[{"result":2,"id":2},{"result":2,"id":2}]"#,
            "the same id",
        ),
        (r#"{"result":2,"id":2}"#, "an array, or one error"),
        ("[", "EOF"),
    ] {
        let error = format!("{:?}", send(body).unwrap_err());
        assert!(error.contains(expected), "{body}: {error}");
    }
    let whole = send(r#"{"error":{"code":-32600,"message":"m"},"id":null}"#).unwrap_err();
    assert_eq!(whole.execution(), Execution::Never);
}
