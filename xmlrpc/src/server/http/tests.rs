//! Tests of what becomes of a request.

use std::pin::pin;
use std::sync::Mutex;

use http_body_util::BodyExt as _;

use super::*;
use crate::ServerOptions;

fn call(method: &str) -> Request<Full<Bytes>> {
    let document = format!("<methodCall><methodName>{method}</methodName></methodCall>");
    let mut request = Request::new(Full::new(document.into()));
    *request.method_mut() = Method::POST;
    request
}

#[tokio::test]
async fn nothing_of_the_head_of_a_request_is_sent_back() {
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
