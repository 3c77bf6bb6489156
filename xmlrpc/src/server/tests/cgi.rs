//! Tests of CGI.

#[cfg(unix)]
use std::ffi::OsString;

use farcall_http::server::cgi::respond;

use crate::Server;

async fn run(variables: &[(&str, &str)], body: &str) -> String {
    let server = Server::new();
    server
        .register_function("who", |cx: farcall_core::Context| {
            format!("{} {}", cx.identity(), cx.header("x-test").unwrap_or("-"))
        })
        .unwrap();
    let mut output = Vec::new();
    let variables = variables.iter().copied();
    respond(&server, variables, body.as_bytes(), &mut output)
        .await
        .unwrap();
    String::from_utf8(output).unwrap()
}

#[tokio::test]
async fn a_request_is_answered_from_environment_and_input() {
    let body = "<methodCall><methodName>who</methodName></methodCall>";
    let length = body.len().to_string();
    let response = run(
        &[
            ("REQUEST_METHOD", "POST"),
            ("CONTENT_TYPE", "text/xml"),
            ("CONTENT_LENGTH", &length),
            ("REMOTE_ADDR", "192.0.2.1"),
            ("REMOTE_PORT", "4711"),
            ("REMOTE_USER", "ada"),
            ("HTTP_REMOTE_USER", "eve"),
            ("HTTP_X_TEST", "yes"),
        ],
        &format!("{body}what follows is not read"),
    )
    .await;
    let (head, document) = response.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("Status: 200 OK\r\ncontent-type: text/xml\r\n"),
        "{head}"
    );
    assert!(head.contains(&format!("content-length: {}", document.len())));
    assert!(
        document.contains("<string>192.0.2.1:4711, subject \"ada\" yes</string>"),
        "{document}"
    );
}

#[tokio::test]
async fn a_body_must_have_its_declared_length() {
    let body = "<methodCall><methodName>who</methodName></methodCall>";
    let length = body.len();
    for (declared, status) in [
        (length.to_string(), "200 OK"),
        ((length + 1).to_string(), "400 Bad Request"),
        ((16 << 20).to_string(), "400 Bad Request"),
        (((16 << 20) + 1).to_string(), "413 Payload Too Large"),
        (u64::MAX.to_string(), "413 Payload Too Large"),
        (format!("+{length}"), "411 Length Required"),
        (format!("-{length}"), "411 Length Required"),
    ] {
        let variables = [("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", &*declared)];
        let response = run(&variables, body).await;
        assert!(
            response.starts_with(&format!("Status: {status}\r\n")),
            "{declared}: {response}"
        );
    }
}

#[tokio::test]
async fn anything_but_post_is_refused() {
    let response = run(&[("REQUEST_METHOD", "GET")], "").await;
    assert!(
        response.starts_with("Status: 405 Method Not Allowed\r\n"),
        "{response}"
    );
}

#[tokio::test]
async fn any_variables_are_answered() {
    let body = "<methodCall><methodName>who</methodName></methodCall>";
    let length = body.len().to_string();
    for (name, value, status) in [
        ("REQUEST_METHOD", "", "405"),
        ("REQUEST_METHOD", "P\u{e9}ST", "405"),
        ("PATH_INFO", "/a b", "404"),
        ("PATH_INFO", "/\u{e9}\n?#%", "404"),
        ("PATH_INFO", "//", "404"),
        ("PATH_INFO", "nowhere", "404"),
        ("PATH_INFO", "*", "404"),
        ("PATH_INFO", "/RPC2", "200"),
        ("CONTENT_LENGTH", "", "411"),
        ("CONTENT_LENGTH", "-1", "411"),
        ("CONTENT_LENGTH", "\u{e9}", "411"),
        ("CONTENT_LENGTH", "99999999999999999999", "411"),
        ("CONTENT_LENGTH", "18446744073709551615", "413"),
        ("CONTENT_LENGTH", "0", "200"),
        ("CONTENT_TYPE", "\u{e9}", "415"),
        ("REMOTE_ADDR", "\u{e9}", "200"),
        ("REMOTE_PORT", "99999", "200"),
        ("HTTP_", "x", "200"),
        ("HTTP_\u{e9}", "x", "200"),
        ("HTTP_X", "\u{e9}", "200"),
        ("HTTP_X", "a\nb", "400"),
        ("HTTP_HOST", "evil.example", "200"),
        ("HTTP_ORIGIN", "http://evil.example", "403"),
    ] {
        let mut variables = vec![
            ("REQUEST_METHOD", "POST"),
            ("CONTENT_TYPE", "text/xml"),
            ("CONTENT_LENGTH", &length),
        ];
        variables.retain(|(other, _)| *other != name);
        variables.push((name, value));
        let response = run(&variables, body).await;
        let expected = format!("Status: {status} ");
        assert!(
            response.starts_with(&expected),
            "{name}={value}: {response}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn bytes_that_are_not_utf_8_arrive_unchanged() {
    use std::os::unix::ffi::OsStringExt as _;

    let server = Server::new();
    let header = |cx: farcall_core::Context| {
        let value = cx.headers().and_then(|headers| headers.get("x-test"));
        value.map(|value| value.as_bytes().to_vec().len())
    };
    server.register_function("header", header).unwrap();
    let body = "<methodCall><methodName>header</methodName></methodCall>";
    let length = body.len().to_string();
    let variables = [
        (&b"REQUEST_METHOD"[..], &b"POST"[..]),
        (b"CONTENT_TYPE", b"text/xml"),
        (b"CONTENT_LENGTH", length.as_bytes()),
        (b"HTTP_X_TEST", b"\xff\xfe\xe9"),
        (b"HTTP_\xff", b"\xff"),
        (b"\xff", b"\xff"),
        (b"REMOTE_ADDR", b"\xff"),
        (b"PATH_INFO", b"/RPC2"),
    ];
    let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let variables = variables.map(|(name, value)| (os(name), os(value)));
    let mut output = Vec::new();
    respond(&server, variables, body.as_bytes(), &mut output)
        .await
        .unwrap();
    let response = String::from_utf8(output).unwrap();
    assert!(response.contains("<int>3</int>"), "{response}");
}
