//! Tests of requests and responses.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use farcall_core::protocol::{Call, CallReply, Format as _, Payload};
use farcall_core::{Budget, Context, Fault};
use farcall_http::server::{ReplyBody, ServerOptions};
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};

use crate::document::{REPLY_EPILOGUE, REPLY_PROLOGUE};
use crate::{Server, XmlRpc};

fn call(method: &str) -> Request<Full<Bytes>> {
    posted(format!(
        "<methodCall><methodName>{method}</methodName></methodCall>"
    ))
}

fn posted(document: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(document.into()));
    *request.method_mut() = Method::POST;
    request
}

#[tokio::test]
async fn request_headers_are_not_sent_back() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let server = Server::new();
    let keep = Arc::clone(&kept);
    server
        .register_function("keep", move |cx: Context| keep.lock().unwrap().push(cx))
        .unwrap()
        .register_function("drop", || ())
        .unwrap();
    for method in ["keep", "drop"] {
        for count in [1, 24, 50] {
            let mut request = call(method);
            for _ in 0..count {
                let secret = HeaderValue::from_static("secret");
                request.headers_mut().append("x-token", secret);
            }
            let response = server.respond(request).await;
            let names: Vec<_> = response.headers().keys().collect();
            assert_eq!(names, [CONTENT_TYPE], "{method} {count}");
            assert_eq!(response.into_parts().0.status, StatusCode::OK);
        }
    }
    let kept = kept.lock().unwrap();
    assert_eq!(kept.len(), 3);
    for context in &*kept {
        assert_eq!(context.header("x-token"), Some("secret"));
    }
}

/// Methods may return any payload: of their call, of another server, or of their own making.
#[tokio::test]
async fn each_payload_of_a_raw_method_is_sent_as_a_reply() {
    type Answer = fn(Call<XmlRpc>) -> Payload;
    const VALUE: &str = "<value><string>é</string></value>";
    let server = Server::new();
    let part_of_call: Answer = |call| {
        let (message, start) = (
            call.params.clone().into_message(),
            call.params.range().start,
        );
        let params = call.params.as_slice();
        let value = memchr::memmem::find(params, VALUE.as_bytes()).unwrap() + start;
        Payload::part(message, value..value + VALUE.len())
    };
    for (name, answer) in [
        ("call", part_of_call),
        ("encoded", |call| call.format.reply("é").unwrap()),
        ("relayed", |_| {
            let document = format!(
                "<?xml version='1.0' encoding='latin1'?><methodResponse><params><param>{VALUE}</param>\
                 </params></methodResponse><!-- of another server -->"
            );
            document.into_bytes().into()
        }),
        ("made", |_| {
            let document = format!("{REPLY_PROLOGUE}{VALUE}{REPLY_EPILOGUE}");
            document.into_bytes().into()
        }),
        ("part", |_| {
            let document = format!("{VALUE}, and what a server must not send");
            Payload::part(document.into(), 0..VALUE.len())
        }),
    ] {
        let raw = farcall_core::Method::raw(name, <_>::default(), move |_, call| {
            CallReply::ready(Ok(answer(call)))
        });
        server.registry().register(raw).unwrap();
        let params = format!("<params><param>{VALUE}</param></params>");
        let document = |method: &str, params: &str| {
            posted(format!(
                "<methodCall><methodName>{method}</methodName>{params}</methodCall>"
            ))
        };
        let reply = text(server.respond(document(name, &params)).await).await;
        assert_eq!(
            reply,
            format!("{REPLY_PROLOGUE}{VALUE}{REPLY_EPILOGUE}"),
            "{name}"
        );
        let entry = format!(
            "<params><param><value><array><data><value><struct><member><name>methodName</name><value>\
             {name}</value></member><member><name>params</name><value><array><data>{VALUE}</data>\
             </array></value></member></struct></value></data></array></value></param></params>"
        );
        let reply = text(server.respond(document("system.multicall", &entry)).await).await;
        let list = format!("<value><array><data>{VALUE}</data></array></value>");
        assert!(reply.contains(&list), "{name}: {reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_timeout_is_measured_by_the_clock_of_tests() {
    let time = std::time::Duration::from_secs(600);
    let server = Server::with_options(ServerOptions::default().call_timeout(Some(time)));
    server
        .register_function("wait", async || std::future::pending::<()>().await)
        .unwrap();
    tokio::time::advance(time).await;
    let begin = tokio::time::Instant::now();
    let response = server.respond(call("wait")).await;
    assert_eq!(begin.elapsed(), time);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.windows(9).any(|text| text == b"timed out"), "{body:?}");
}

#[tokio::test]
async fn a_call_counts_while_it_waits() {
    let server = Server::with_options(ServerOptions::default().max_calls(1));
    server
        .register_function("wait", async || std::future::pending::<()>().await)
        .unwrap()
        .register_function("add", || 8)
        .unwrap();
    let add = async || server.respond(call("add")).await;
    {
        let mut waiting = pin!(server.respond(call("wait")));
        assert_eq!(add().await.status(), StatusCode::OK);
        let first = poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await;
        assert!(first.is_pending());
        let refused = add().await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let document = refused.into_body().collect().await.unwrap().to_bytes();
        assert!(document.windows(6).any(|text| text == b"-32400"));
    }
    assert_eq!(add().await.status(), StatusCode::OK);
}

/// Creates a call of `method` with `bytes` bytes of text.
fn large(method: &str, bytes: usize) -> Request<Full<Bytes>> {
    let text = "x".repeat(bytes);
    let document = format!(
        "<methodCall><methodName>{method}</methodName><params><param><value>{text}</value></param>\
         </params></methodCall>"
    );
    posted(document)
}

async fn text(response: Response<ReplyBody>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Creates a server with a budget of 1 MiB, and the methods `echo`, `wait` and `zeros`.
fn server_with_a_mebibyte(options: ServerOptions) -> (Server, Budget) {
    let budget = Budget::new(1 << 20);
    let server = Server::with_options(options.budget(budget.clone()).gzip_over(None));
    server
        .register_function("echo", |text: String| text)
        .unwrap()
        .register_function("wait", async |_: String| {
            std::future::pending::<()>().await;
        })
        .unwrap()
        .register_function("zeros", |count: usize| vec![0_u8; count])
        .unwrap();
    (server, budget)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_held_until_its_call_completes() {
    let (server, budget) = server_with_a_mebibyte(ServerOptions::default());
    let mut waiting = pin!(server.respond(large("wait", 700_000)));
    assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    assert!((700_000 - Budget::FREE..700_000).contains(&budget.held()));
    let refused = server.respond(large("echo", 700_000)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[CONNECTION], "close");
    assert!(text(refused).await.contains("-32400"));
    let small = server.respond(large("echo", 60_000)).await;
    assert_eq!(small.status(), StatusCode::OK);
    assert!(text(small).await.contains(&"x".repeat(60_000)));

    // After the grace period the next request takes its room.
    tokio::time::advance(Budget::GRACE).await;
    let served = server.respond(large("echo", 700_000)).await;
    assert!(text(served).await.contains(&"x".repeat(700_000)));
    let evicted = waiting.await;
    assert_eq!(evicted.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(evicted).await.contains("held for too long"));
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_held_until_it_is_read() {
    let (server, budget) = server_with_a_mebibyte(ServerOptions::default());
    let mut unread = server.respond(large("echo", 700_000)).await;
    assert!((700_000 - Budget::FREE..700_000).contains(&budget.held()));
    // The request has room, but its reply does not: the fault states that the call ran.
    let call = posted(
        "<methodCall><methodName>zeros</methodName><params><param><value><int>500000\
         </int></value></param></params></methodCall>",
    );
    let replaced = server.respond(call).await;
    assert_eq!(replaced.status(), StatusCode::OK);
    let fault = text(replaced).await;
    assert!(
        fault.contains("-32603") && fault.contains("the call ran"),
        "{fault}"
    );

    tokio::time::advance(Budget::GRACE).await;
    let served = server.respond(large("echo", 700_000)).await;
    assert!(text(served).await.contains(&"x".repeat(700_000)));
    assert!(unread.body_mut().frame().await.unwrap().is_err());
    drop(unread);
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_compressed_reply_holds_its_compressed_size() {
    let (_, budget) = server_with_a_mebibyte(ServerOptions::default());
    let server = Server::with_options(ServerOptions::default().budget(budget.clone()));
    server
        .register_function("echo", |text: String| text)
        .unwrap();
    let mut request = large("echo", 900_000);
    let gzip = HeaderValue::from_static("gzip");
    request.headers_mut().insert(ACCEPT_ENCODING, gzip);
    let response = server.respond(request).await;
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(budget.held(), 0, "about 1 KiB");
}

#[tokio::test(start_paused = true)]
async fn a_request_holds_its_size_in_utf_8() {
    let (server, budget) = server_with_a_mebibyte(ServerOptions::default());
    let document = |method: &str| {
        let mut document =
            b"<?xml version='1.0' encoding='iso-8859-1'?><methodCall><methodName>".to_vec();
        document.extend_from_slice(method.as_bytes());
        document.extend_from_slice(b"</methodName><params><param><value>");
        document.extend_from_slice(&[0xe9; 400_000]);
        document.extend_from_slice(b"</value></param></params></methodCall>");
        posted(document)
    };
    let mut waiting = pin!(server.respond(document("wait")));
    assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    assert!(budget.held() > 800_000 - Budget::FREE, "{}", budget.held());
    let refused = server.respond(document("echo")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_reply_over_the_limit_becomes_a_fault() {
    let (server, _) = server_with_a_mebibyte(ServerOptions::default().max_reply(100_000));
    server
        .registry()
        .register(farcall_core::Method::raw("raw", <_>::default(), |_, _| {
            let document = format!(
                "{REPLY_PROLOGUE}<value>{}</value>{REPLY_EPILOGUE}",
                "x".repeat(100_000)
            );
            CallReply::ready(Ok(document.into_bytes().into()))
        }))
        .unwrap();
    server
        .register_function("ampersands", || "&".repeat(25_000))
        .unwrap()
        .register_function("texts", || vec!["text"; 3_000])
        .unwrap()
        .register_function("fail", || Err::<(), _>(Fault::new(7, "&".repeat(100_000))))
        .unwrap();
    for method in ["raw", "ampersands", "texts"] {
        let fault = text(server.respond(call(method)).await).await;
        assert!(fault.contains("<int>-32603</int>"), "{method}: {fault}");
        assert!(
            fault.contains("over the limit of 100000 bytes"),
            "{method}: {fault}"
        );
    }
    let fault = text(server.respond(call("fail")).await).await;
    assert!(
        fault.contains("<int>7</int>") && fault.len() < 1000,
        "{fault}"
    );
    let most = 100_000
        - REPLY_PROLOGUE.len()
        - REPLY_EPILOGUE.len()
        - "<value><string></string></value>".len();
    let reply = text(server.respond(large("echo", most)).await).await;
    assert_eq!(reply.len(), 100_000, "all that fits");
    let fault = text(server.respond(large("echo", most + 1)).await).await;
    assert!(fault.contains("-32603"), "{fault}");
}

#[tokio::test]
async fn the_results_of_a_multicall_are_one_reply() {
    let (server, budget) = server_with_a_mebibyte(ServerOptions::default().max_reply(100_000));
    let run = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&run);
    server
        .register_function("text", move |length: usize| {
            *counted.lock().unwrap() += 1;
            "x".repeat(length)
        })
        .unwrap()
        .register_function("fail", || Err::<(), _>(Fault::new(7, "&".repeat(10_000))))
        .unwrap();
    let multicall = async |entries: &[(&str, &str)]| {
        let entries: String = entries
            .iter()
            .map(|(method, params)| {
                format!(
                    "<value><struct><member><name>methodName</name><value>{method}</value></member>\
                     <member><name>params</name><value><array><data>{params}</data></array></value>\
                     </member></struct></value>"
                )
            })
            .collect();
        let document = format!(
            "<methodCall><methodName>system.multicall</methodName><params><param><value><array>\
             <data>{entries}</data></array></value></param></params></methodCall>"
        );
        text(server.respond(posted(document)).await).await
    };
    let most = ("text", "<value><int>40000</int></value>");
    let reply = multicall(&[most; 10]).await;
    assert!(reply.len() <= 100_000, "{}", reply.len());
    assert_eq!(reply.matches(&"x".repeat(40_000)).count(), 2);
    assert_eq!(*run.lock().unwrap(), 3, "the others are refused");
    assert_eq!(reply.matches("the call ran").count(), 1);
    assert_eq!(reply.matches("use up the limit").count(), 7);
    let reply = multicall(&[("fail", ""); 10]).await;
    assert!(reply.len() <= 100_000, "{}", reply.len());
    assert_eq!(reply.matches("<int>7</int>").count(), 10);
    let reply = multicall(&[("text", "<value><int>3</int></value>"); 150]).await;
    assert_eq!(reply.matches("<string>xxx<").count(), 150);
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn multicall_results_are_held_while_later_calls_run() {
    let (server, budget) = server_with_a_mebibyte(ServerOptions::default());
    let entry = |method: &str, value: &str| {
        format!(
            "<value><struct><member><name>methodName</name><value>{method}</value></member>\
             <member><name>params</name><value><array><data>{value}</data></array></value>\
             </member></struct></value>"
        )
    };
    let multicall = |last: &str| {
        let zeros = entry("zeros", "<value><int>500000</int></value>");
        let document = format!(
            "<methodCall><methodName>system.multicall</methodName><params><param><value><array>\
             <data>{zeros}{last}</data></array></value></param></params></methodCall>"
        );
        server.respond(posted(document))
    };
    let wait = entry("wait", "<value>x</value>");
    let mut waiting = pin!(multicall(&wait));
    assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    assert!(budget.held() > 600_000, "{}", budget.held());
    // There is no room for a second such result: the call ran, and further calls are refused.
    let other = text(multicall(&entry("zeros", "<value><int>1</int></value>")).await).await;
    assert!(other.contains("there is no room for the reply"), "{other}");
    assert!(other.contains("no room for further results"), "{other}");
    tokio::time::advance(Budget::GRACE).await;
    let other = text(multicall("").await).await;
    assert!(other.len() > 600_000);
    let evicted = text(waiting.await).await;
    assert!(evicted.contains("-32603"), "{evicted}");
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_default_budget_has_room_for_the_largest_request_and_reply() {
    let options = ServerOptions::default()
        .max_body(120 << 20)
        .max_reply(120 << 20);
    let server = Server::with_options(options);
    server
        .register_function("echo", |text: String| text)
        .unwrap();
    let text = "x".repeat(80 << 20);
    let document = format!(
        "<methodCall><methodName>echo</methodName><params><param><value>{text}</value></param>\
         </params></methodCall>"
    );
    let response = server.respond(posted(document)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let reply = response.into_body().collect().await.unwrap().to_bytes();
    assert!(reply.len() > text.len(), "{} bytes", reply.len());
}

/// A body whose length is not declared.
struct Pieces(Vec<&'static str>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece.into()))))
    }
}

#[tokio::test]
async fn a_body_may_have_exactly_the_bytes_of_the_limit() {
    let document = "<methodCall><methodName>nothing</methodName></methodCall>";
    let length = document.len();
    for (limit, expected) in [
        (length, StatusCode::OK),
        (length - 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let server = Server::with_options(ServerOptions::default().max_body(limit));
        server.register_function("nothing", || ()).unwrap();
        let declared = posted(document);
        let (one, two) = document.split_at(10);
        let mut undeclared = Request::new(Pieces(vec![two, one]));
        *undeclared.method_mut() = Method::POST;
        let statuses = [
            server.respond(declared).await.status(),
            server.respond(undeclared).await.status(),
        ];
        assert_eq!(statuses, [expected; 2], "a limit of {limit}");
    }
}
