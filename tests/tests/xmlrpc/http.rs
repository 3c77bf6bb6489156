//! HTTP behaviour: refused requests, and the use of connections.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farcall::http::{Rejection, ServerOptions};
use farcall::{Context, Fault, FaultKind, Identity, Variadic};
use http::request::Parts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::served::{ADD, Served, read_to_end, status};

fn request(head: &str, body: &str) -> Vec<u8> {
    format!(
        "{head}Host: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn requests_are_refused_with_the_right_status() {
    let served = Served::new().await;
    let close = "Connection: close\r\n";
    let cases = [
        ("POST /nowhere HTTP/1.1\r\nContent-Type: text/xml\r\n", 404),
        ("GET /RPC2 HTTP/1.1\r\n", 405),
        ("PUT / HTTP/1.1\r\nContent-Type: text/xml\r\n", 405),
        ("POST / HTTP/1.1\r\nContent-Type: text/plain\r\n", 415),
        (
            "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            415,
        ),
        (
            "POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Encoding: br\r\n",
            415,
        ),
        (
            "POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nContent-Type: text/xml\r\n", 200),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Type: application/xml; charset=utf-8\r\n",
            200,
        ),
        ("POST /RPC2?a=b HTTP/1.1\r\n", 200),
        // A web page can send these without a preflight request, even a page of the server's own
        // host.
        ("POST / HTTP/1.1\r\nOrigin: http://localhost\r\n", 415),
        ("POST / HTTP/1.1\r\nOrigin: http://evil.example\r\n", 415),
        (
            "POST / HTTP/1.1\r\nContent-Type: text/xml\r\nOrigin: http://evil.example\r\n",
            403,
        ),
    ];
    for (head, expected) in cases {
        let reply = served.raw(&request(&format!("{head}{close}"), ADD)).await;
        assert_eq!(status(&reply), expected, "{head}: {reply}");
        if expected == 405 {
            assert!(reply.to_lowercase().contains("allow: post"), "{reply}");
        }
        if expected == 200 {
            assert!(reply.contains("<int>8</int>"), "{reply}");
        }
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn an_unread_body_is_never_the_next_request() {
    let served = Served::new().await;
    // The body of the refused request is itself a request, which must not be answered.
    let smuggled = String::from_utf8(request(
        "POST / HTTP/1.1\r\nContent-Type: text/xml\r\n",
        ADD,
    ));
    for (head, refusal) in [
        ("POST /nowhere HTTP/1.1\r\n", 404),
        ("GET / HTTP/1.1\r\n", 405),
        ("POST / HTTP/1.1\r\nContent-Type: a/b\r\n", 415),
    ] {
        let mut stream = served.connect().await;
        let refused = request(head, smuggled.as_ref().unwrap());
        stream.write_all(&refused).await.unwrap();
        let next = request("POST / HTTP/1.1\r\nConnection: close\r\n", ADD);
        // If the server closes the connection instead of reading on, the next request cannot be
        // sent.
        let _ = stream.write_all(&next).await;
        let replies = read_to_end(&mut stream).await;
        assert_eq!(status(&replies), refusal, "{replies}");
        assert!(replies.matches("HTTP/1.1 ").count() <= 2, "{replies}");
        assert!(replies.matches("<int>8</int>").count() <= 1, "{replies}");
    }
    // A body too long to be worth reading closes the connection.
    let mut stream = served.connect().await;
    let head = "POST /nowhere HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let reply = read_to_end(&mut stream).await;
    assert_eq!(status(&reply), 404);
    assert!(
        reply.to_lowercase().contains("connection: close"),
        "{reply}"
    );
}

#[tokio::test]
async fn http_1_0_and_1_1_keep_alive_and_pipelining() {
    let served = Served::new().await;
    let old = served.raw(&request("POST / HTTP/1.0\r\n", ADD)).await;
    assert!(
        old.starts_with("HTTP/1.0 200"),
        "closed after one, as HTTP/1.0 does: {old}"
    );
    assert!(old.to_lowercase().contains("content-length:"), "{old}");

    let one = request("POST / HTTP/1.1\r\n", ADD);
    let last = request(
        "POST / HTTP/1.1\r\nConnection: close\r\n",
        &ADD.replace("<int>5", "<int>6"),
    );
    let replies = served.raw(&[one.as_slice(), &one, &last].concat()).await;
    let answers: Vec<&str> = replies
        .split("<int>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(answers, ["8", "8", "9"], "in order: {replies}");

    let kept = request("POST / HTTP/1.0\r\nConnection: keep-alive\r\n", ADD);
    let replies = served
        .raw(&[kept, request("POST / HTTP/1.0\r\n", ADD)].concat())
        .await;
    assert_eq!(replies.matches("<int>8</int>").count(), 2, "{replies}");
}

#[tokio::test]
async fn chunked_requests() {
    let served = Served::new().await;
    let mut request = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\
        Connection: close\r\n\r\n"
        .to_vec();
    for chunk in ADD.as_bytes().chunks(7) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let reply = served.raw(&request).await;
    assert!(reply.contains("<int>8</int>"), "{reply}");
}

#[tokio::test]
async fn large_replies_are_compressed_on_request() {
    let served = Served::new().await;
    let document = ADD
        .replace("add", "concat")
        .replace(
            "<int>3</int>",
            &format!("<string>{}</string>", "x".repeat(5000)),
        )
        .replace("<int>5</int>", "y");
    let accept = "POST / HTTP/1.1\r\nAccept-Encoding: deflate, gzip;q=0.5\r\nConnection: close\r\n";
    let mut stream = served.connect().await;
    stream.write_all(&request(accept, &document)).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let split = reply
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(reply[..split].to_vec())
        .unwrap()
        .to_lowercase();
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(reply.len() < 1000);
    let mut text = String::new();
    flate2::read::GzDecoder::new(&reply[split + 4..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains(&format!("{}y</string>", "x".repeat(5000))));

    let refuse = "POST / HTTP/1.1\r\nAccept-Encoding: gzip;q=0\r\nConnection: close\r\n";
    let reply = served.raw(&request(refuse, &document)).await;
    assert!(
        !reply.to_lowercase().contains("content-encoding"),
        "{}",
        &reply[..200]
    );
}

#[tokio::test]
async fn several_services_on_several_paths() {
    let served = Served::new().await;
    served
        .server
        .at("/admin")
        .register_function("add", |a: i64, b: i64| a + b + 100)
        .unwrap();
    let admin = served.url.replace("/RPC2", "/admin");
    let admin = farcall::xmlrpc::Client::new(&admin).unwrap();
    assert_eq!(admin.call::<i64>("add", (3, 5)).await.unwrap(), 108);
    let elsewhere = admin.call::<i64>("counter.value", ()).await.unwrap_err();
    assert_eq!(elsewhere.fault().unwrap().code(), -32601, "{elsewhere}");
    served.assert_alive().await;
}

#[tokio::test]
async fn access_is_controlled_by_peer_request_and_method() {
    let open = Arc::new(AtomicBool::new(true));
    let gate = Arc::clone(&open);
    let options = ServerOptions::default()
        .accept_peer(move |caller| {
            let ip = caller.peer().ip();
            ip.is_some_and(|ip| ip.is_loopback()) && gate.load(Ordering::SeqCst)
        })
        .authorize(
            |head: &mut Parts, caller: &mut Identity| match head.headers.get("x-user") {
                Some(user) => {
                    caller.set_subject(user.to_str().unwrap_or_default());
                    Ok(())
                }
                None => Err(Rejection::new(
                    http::StatusCode::UNAUTHORIZED,
                    "who are you?",
                )),
            },
        );
    let served = Served::with(options).await;
    served
        .server
        .registry()
        .set_guard(|cx| match cx.identity().subject() {
            Some(user) if user == "root" || !cx.method().starts_with("counter.") => Ok(()),
            _ => Err(Fault::of(FaultKind::Denied, "only for root")),
        });
    let stranger = served
        .client()
        .call::<String>("whoami", ())
        .await
        .unwrap_err();
    assert_eq!(
        stranger.execution(),
        farcall::Execution::Never,
        "{stranger:?}"
    );
    let ada = served.client_as("ada");
    assert_eq!(ada.call::<String>("whoami", ()).await.unwrap(), "ada");
    let denied = ada.call::<i64>("counter.value", ()).await.unwrap_err();
    assert_eq!(denied.fault().unwrap().message(), "only for root");
    // The guard sees the entries of a multicall.
    let mut batch = ada.batch();
    let (value, name) = (
        batch.call::<i64>("counter.value", ()),
        batch.call::<String>("whoami", ()),
    );
    let mut results = batch.send().await.unwrap();
    assert_eq!(
        results.take(value).unwrap_err().fault().unwrap().message(),
        "only for root"
    );
    assert_eq!(results.take(name).unwrap(), "ada");
    let root = served.client_as("root");
    root.call::<i64>("counter.value", ()).await.unwrap();

    open.store(false, Ordering::SeqCst);
    assert_eq!(
        served.raw(&request("POST / HTTP/1.1\r\n", ADD)).await,
        "",
        "closed unread"
    );
}

#[tokio::test]
async fn handlers_see_their_context_and_cancellation() {
    let served =
        Served::with(ServerOptions::default().call_timeout(Some(Duration::from_millis(300)))).await;
    served
        .server
        .register_function("context", |cx: Context| {
            let left = cx
                .deadline()
                .unwrap()
                .duration_since(std::time::Instant::now());
            (
                cx.peer().to_string(),
                cx.header("user-agent").unwrap().to_owned(),
                left.as_millis() < 300,
            )
        })
        .unwrap();
    let (cancelled, seen) = tokio::sync::oneshot::channel();
    let cancelled = std::sync::Mutex::new(Some(cancelled));
    served
        .server
        .register_blocking("busy", move |cx: Context| {
            while !cx.is_cancelled() {
                std::thread::sleep(Duration::from_millis(5));
            }
            // The caller's timeout comes first, so a late reply would not be read.
            std::thread::sleep(Duration::from_millis(200));
            cancelled.lock().unwrap().take().unwrap().send(()).unwrap();
        })
        .unwrap();
    let client = served.client();
    let (peer, agent, in_time): (String, String, bool) = client.call("context", ()).await.unwrap();
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    assert!(agent.starts_with("farcall/"), "{agent}");
    assert!(in_time);
    let error = client.call::<()>("busy", ()).await.unwrap_err();
    assert!(
        error.fault().unwrap().message().contains("timed out"),
        "{error:?}"
    );
    tokio::time::timeout(Duration::from_secs(5), seen)
        .await
        .unwrap()
        .unwrap();
    let slow = client.call::<bool>("sleep", (60.0,)).await.unwrap_err();
    assert!(
        slow.fault().unwrap().message().contains("timed out"),
        "{slow:?}"
    );
}

#[tokio::test]
async fn methods_change_while_serving_and_a_fallback_handles_the_rest() {
    let served = Served::new().await;
    let client = served.client();
    let early = client.call::<i64>("late", ()).await.unwrap_err();
    assert_eq!(early.fault().unwrap().code(), -32601, "{early}");
    served.server.register_function("late", || 1).unwrap();
    assert_eq!(client.call::<i64>("late", ()).await.unwrap(), 1);
    served.server.registry().unregister("late");
    served.server.registry().set_fallback(
        |cx: Context, Variadic(params): Variadic<farcall::Value>| {
            format!("{}/{}", cx.method(), params.len())
        },
    );
    assert_eq!(
        client.call::<String>("late", (1, "two")).await.unwrap(),
        "late/2"
    );
}

#[tokio::test]
async fn a_panicking_handler_is_a_fault_of_its_own_call() {
    let served = Served::new().await;
    served
        .server
        .register_function("panics", || -> i64 { panic!("a secret") })
        .unwrap();
    let error = served.client().call::<i64>("panics", ()).await.unwrap_err();
    let fault = error.fault().unwrap();
    assert_eq!((fault.code(), fault.message()), (-32603, "internal error"));
    served.assert_alive().await;
}

#[tokio::test]
async fn a_graceful_stop_completes_running_calls() {
    let server = farcall::xmlrpc::Server::new();
    server.register_instance(demo::Demo::default()).unwrap();
    let listening = server.bind(tests::port_of_its_own()).await.unwrap();
    let client = farcall::xmlrpc::Client::new(&listening.url()).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(listening.serve_until(async {
        let _ = stopped.await;
    }));
    client.call::<i64>("add", (1, 1)).await.unwrap();
    let caller = client.clone();
    let running = tokio::spawn(async move { caller.call::<bool>("sleep", (0.3,)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    assert!(
        running.await.unwrap().unwrap(),
        "the call that ran is answered"
    );
    let drained = tokio::time::timeout(Duration::from_secs(5), serving)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(drained.aborted, 0);
    let refused = client.call::<i64>("add", (1, 1)).await.unwrap_err();
    assert_eq!(
        refused.execution(),
        farcall::Execution::Never,
        "{refused:?}"
    );
}

/// Connects, stops the server, and sends a request after `delay`. Returns the response, and how
/// long the server took to stop.
async fn request_after_stop(delay: Duration) -> (String, Duration) {
    let server = farcall::xmlrpc::Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let listening = server.bind("127.0.0.1:0").await.unwrap();
    let address = listening.local_address().to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(listening.serve_until(async {
        let _ = stopped.await;
    }));
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    let begin = std::time::Instant::now();
    tokio::time::sleep(delay).await;
    // Writing fails if the server has closed the connection by then.
    let request = request("POST / HTTP/1.1\r\nContent-Type: text/xml\r\n", ADD);
    let _ = socket.write_all(&request).await;
    let mut response = String::new();
    let _ = socket.read_to_string(&mut response).await;
    assert_eq!(serving.await.unwrap().aborted, 0);
    (response, begin.elapsed())
}

#[tokio::test]
async fn a_stop_waits_for_the_first_request_of_a_connection_but_not_for_long() {
    let (response, time) = request_after_stop(Duration::from_millis(300)).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(time < Duration::from_secs(20), "{time:?}");
    let (response, time) = request_after_stop(Duration::from_secs(4)).await;
    assert_eq!(response, "");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[tokio::test]
async fn a_caller_that_disconnects_cancels_its_call() {
    struct Dropped(Arc<tokio::sync::Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    let served = Served::new().await;
    let (begun, ended) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(tokio::sync::Notify::new()),
    );
    let (began, end) = (Arc::clone(&begun), Arc::clone(&ended));
    served
        .server
        .register_function("waits", move || {
            let dropped = Dropped(Arc::clone(&end));
            began.notify_one();
            async move {
                let _dropped = dropped;
                std::future::pending::<()>().await;
            }
        })
        .unwrap();
    let (began, end) = (Arc::clone(&begun), Arc::clone(&ended));
    served
        .server
        .register_blocking("works", move |cx: Context| {
            began.notify_one();
            while !cx.is_cancelled() {
                std::thread::sleep(Duration::from_millis(5));
            }
            end.notify_one();
        })
        .unwrap();
    for method in ["waits", "works"] {
        let document = format!("<methodCall><methodName>{method}</methodName></methodCall>");
        let mut stream = served.connect().await;
        stream
            .write_all(&request("POST / HTTP/1.1\r\n", &document))
            .await
            .unwrap();
        begun.notified().await;
        drop(stream);
        let notified = tokio::time::timeout(Duration::from_secs(5), ended.notified()).await;
        assert!(notified.is_ok(), "{method} goes on");
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn a_client_that_expects_100_continue() {
    let served = Served::new().await;
    let head = "Host: test\r\nExpect: 100-continue\r\nConnection: close\r\n";
    let length = ADD.len();
    // The server asks for the body of an acceptable request.
    let mut stream = served.connect().await;
    let request = format!("POST / HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(interim, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(ADD.as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.contains("<int>8</int>"));
    // It does not ask for the body of a refused request.
    let request = format!("POST /nowhere HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n");
    let reply = served.raw(request.as_bytes()).await;
    assert_eq!(status(&reply), 404, "{reply}");
}

/// A request without a length has no body in HTTP/1.1: the bytes after its head are another
/// request.
#[tokio::test]
async fn a_call_without_a_length_is_refused_and_closes_the_connection() {
    let served = Served::new().await;
    let xml = "Content-Type: text/xml\r\n";
    for head in [
        format!("POST / HTTP/1.1\r\nHost: test\r\n{xml}"),
        format!("POST / HTTP/1.0\r\n{xml}"),
        format!("POST / HTTP/1.0\r\nConnection: keep-alive\r\n{xml}"),
        "POST / HTTP/1.1\r\nHost: test\r\n".to_owned(),
    ] {
        for body in [
            ADD.to_owned(),
            format!("{head}Content-Length: 0\r\n\r\n"),
            String::new(),
        ] {
            let reply = served.raw(format!("{head}\r\n{body}").as_bytes()).await;
            assert_eq!(status(&reply), 411, "{head}: {reply}");
            assert!(reply.contains("Content-Length"), "{reply}");
            assert!(
                reply.to_lowercase().contains("connection: close"),
                "{reply}"
            );
            assert_eq!(reply.matches("HTTP/1.").count(), 1, "{reply}");
        }
    }
    // A length of 0 counts as one, and other reasons for a refusal come first.
    let empty = served
        .raw(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .await;
    assert!(empty.contains("-32700"), "{empty}");
    for (line, expected) in [("GET /", 405), ("POST /nowhere", 404)] {
        let head = format!("{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&served.raw(head.as_bytes()).await), expected);
    }
    served.assert_alive().await;
}
