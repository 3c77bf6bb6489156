//! Redirects, with a client that follows them.

use farcall::http::HttpError;
use farcall_core::{CallError, Execution};
use farcall_xmlrpc::ClientOptions;

use super::both::ClientKind;
use super::{FIVE, http, ok, server};

both! {
    redirects_of_the_same_host_keep_the_call,
    a_redirected_call_has_the_cookies_of_its_path,
    no_redirect_takes_a_call_or_its_credentials_to_another_host,
    redirects_are_limited,
    a_batch_is_redirected_as_a_whole,
    a_call_lost_behind_a_redirect_may_have_run,
}

fn moved(status: &str, location: &str) -> String {
    http(status, &format!("Location: {location}\r\n"), "moved")
}

fn following(max: usize) -> ClientOptions {
    ClientOptions::default().redirects(max)
}

async fn redirects_of_the_same_host_keep_the_call(kind: ClientKind) {
    let statuses = [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ];
    for status in statuses {
        let answers = vec![moved(status, "/x/RPC?a=b#c"), moved(status, "y"), ok(FIVE)];
        let (url, server) = server(answers).await;
        let url = url.replace("http://", "http://user:pass@");
        let options = following(2).header("X-Token", "t").unwrap();
        let client = kind.client_with(&url, options);
        assert_eq!(client.call::<i64>("f", (1,)).await.unwrap(), 5, "{status}");
        let requests = server.await.unwrap();
        let lines: Vec<_> = requests.iter().map(|r| r.head.lines().next()).collect();
        let paths = ["/RPC2", "/x/RPC?a=b", "/x/y"];
        let expected = paths.map(|path| format!("POST {path} HTTP/1.1"));
        assert_eq!(lines, expected.each_ref().map(|line| Some(line.as_str())));
        for request in &requests {
            assert_eq!(request.text(), requests[0].text());
            assert!(request.text().contains("<methodName>f</methodName>"));
            assert_eq!(request.header("X-Token"), Some("t"));
            assert_eq!(request.header("Authorization"), Some("Basic dXNlcjpwYXNz"));
        }
    }
}

async fn a_redirected_call_has_the_cookies_of_its_path(kind: ClientKind) {
    let cookies = "Location: /b/x\r\nSet-Cookie: a=1; Path=/RPC2\r\nSet-Cookie: b=2; Path=/b\r\n\
        Set-Cookie: c=3; Path=/\r\n";
    let first = http("302 Found", cookies, "");
    let back = moved("302 Found", "/RPC2");
    let (url, server) = server(vec![first, back, ok(FIVE)]).await;
    let client = kind.client_with(&url, following(2).cookies(true));
    assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    let sent = server.await.unwrap();
    let sent = sent.iter().map(|request| {
        let mut pairs: Vec<_> = request.header("Cookie")?.split("; ").collect();
        pairs.sort_unstable();
        Some(pairs.join("; "))
    });
    let sent: Vec<_> = sent.collect();
    let expected = [
        None,
        Some("b=2; c=3".to_owned()),
        Some("a=1; c=3".to_owned()),
    ];
    assert_eq!(sent, expected);
}

async fn no_redirect_takes_a_call_or_its_credentials_to_another_host(kind: ClientKind) {
    // The other server would answer and record the request.
    let (other, others) = server(vec![ok(FIVE)]).await;
    let port = other.rsplit_once(':').unwrap().1.to_owned();
    for (location, why) in [
        (format!("{other}/RPC2"), "another host"),
        (format!("http://localhost:{port}/RPC2"), "another host"),
        (format!("//127.0.0.1:{port}/RPC2"), "another host"),
        (format!("\\\\127.0.0.1:{port}\\RPC2"), "another host"),
        ("https://evil.example/RPC2".to_owned(), "another host"),
        ("file:///etc/passwd".to_owned(), "another host"),
        ("http://[".to_owned(), "not a URL"),
    ] {
        let (url, server) = server(vec![moved("307 Temporary", &location)]).await;
        let url = url.replace("http://", "http://user:s3cret@");
        let client = kind.client_with(&url, following(9).cookies(true));
        let error = client.call::<i64>("f", ()).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        assert!(matches!(error, CallError::Refused(_)), "{error:?}");
        let error = HttpError::of(&error).unwrap();
        assert_eq!(error.location(), Some(location.as_str()));
        let text = error.to_string();
        assert!(text.contains(why) && !text.contains("s3cret"), "{text}");
        assert_eq!(server.await.unwrap().len(), 1);
    }
    assert!(!others.is_finished(), "the other server was called");
    others.abort();
}

async fn redirects_are_limited(kind: ClientKind) {
    for max in [1, 3] {
        // One redirect more than the client follows.
        let redirects = (0..=max).map(|_| moved("308 Permanent", "/RPC2"));
        let (url, server) = server(redirects.collect()).await;
        let client = kind.client_with(&url, following(max));
        let error = client.call::<i64>("f", ()).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        let text = HttpError::of(&error).unwrap().to_string();
        assert!(text.contains("the limit"), "{text}");
        assert_eq!(server.await.unwrap().len(), max + 1);
    }
    let other = moved("303 See Other", "/RPC2");
    let (url, _server) = server(vec![other]).await;
    let client = kind.client_with(&url, following(3));
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
    let text = HttpError::of(&error).unwrap().to_string();
    assert!(text.contains("do not apply to calls"), "{text}");
}

async fn a_batch_is_redirected_as_a_whole(kind: ClientKind) {
    let reply = "<methodResponse><params><param><value><array><data>\
        <value><array><data><value><int>5</int></value></data></array></value>\
        </data></array></value></param></params></methodResponse>";
    let (url, server) = server(vec![moved("307 Temporary", "/x"), ok(reply)]).await;
    let mut batch = kind.client_with(&url, following(1)).batch();
    let five = batch.call::<i64>("f", ());
    let mut results = batch.send().await.unwrap();
    assert_eq!(results.take(five).unwrap(), 5);
    assert_eq!(server.await.unwrap().len(), 2);
}

async fn a_call_lost_behind_a_redirect_may_have_run(kind: ClientKind) {
    let answers = vec![moved("302 Found", "/x"), "HTTP/1.1 200".to_owned()];
    let (url, _server) = server(answers).await;
    let client = kind.client_with(&url, following(1));
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Maybe, "{error:?}");
}
