//! Redirects between `http` and `https`.

use farcall::http::HttpError;
use farcall_core::Execution;

use super::{End, Site, server};
use crate::both::ClientKind;
use crate::{FIVE, chain, http, ok};

both! {
    a_redirect_from_http_to_https_is_followed_on_request,
    a_redirect_from_https_to_http_is_not_followed,
}

fn moved(location: &str) -> String {
    http(
        "308 Permanent Redirect",
        &format!("Location: {location}\r\n"),
        "",
    )
}

async fn a_redirect_from_http_to_https_is_followed_on_request(kind: ClientKind) {
    let site = Site::new();
    let answers = vec![moved("/other"), ok(FIVE), ok(FIVE)];
    let (secure, secured) = server(site.server(), End::Announced, answers).await;
    let plain = format!("{secure}/x?y");
    let (url, first) = crate::server(vec![moved(&plain), moved(&plain)]).await;
    let port = url.rsplit_once(':').unwrap().1;
    let url = format!("http://u:pass@localhost:{port}");
    let options = site.options().redirects(2).header("X-Key", "k").unwrap();
    let client = kind.client_with(&url, options);
    for _ in 0..2 {
        assert_eq!(client.call::<i64>("f", (7,)).await.unwrap(), 5);
    }
    let place = secure.trim_start_matches("https://");
    let sent = first.await.unwrap();
    let received = secured.await.unwrap();
    for (request, path) in received.iter().zip(["/x?y", "/other", "/x?y"]) {
        let line = format!("POST {path} HTTP/1.1\r\n");
        assert!(request.head.starts_with(&line), "{}", request.head);
        assert_eq!(request.header("Host"), Some(place));
        assert_eq!(request.header("Authorization"), Some("Basic dTpwYXNz"));
        assert_eq!(request.header("X-Key"), Some("k"));
        assert_eq!(request.text(), sent[0].text());
    }
    assert_eq!(received.len(), 3);
}

async fn a_redirect_from_https_to_http_is_not_followed(kind: ClientKind) {
    let site = Site::new();
    let (plain, others) = crate::server(vec![ok(FIVE)]).await;
    let plain = plain.replace("127.0.0.1", "localhost");
    let answers = vec![moved(&plain)];
    let (url, _server) = server(site.server(), End::Announced, answers).await;
    let client = kind.client_with(&url, site.options().redirects(9));
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert_eq!(HttpError::of(&error).unwrap().location(), Some(&*plain));
    let text = chain(&error);
    assert!(text.contains("would send the call unencrypted"), "{text}");
    assert!(!others.is_finished(), "the other server was called");
}
