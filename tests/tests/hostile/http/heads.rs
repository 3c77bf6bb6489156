//! Heads of requests that are malformed, or that no honest client would send.

use super::case::{Case, assert_harmless, call, request};
use super::victim;

/// Request lines, before an honest head and body.
const FIRST_LINES: &[(&str, &[u8], &str)] = &[
    ("no version", b"POST /RPC2", "400"),
    ("HTTP/0.9", b"POST /RPC2 HTTP/0.9", "400"),
    ("HTTP/1.2", b"POST /RPC2 HTTP/1.2", "400"),
    ("HTTP/2.0", b"POST /RPC2 HTTP/2.0", "400"),
    ("HTTP/1.10", b"POST /RPC2 HTTP/1.10", "400"),
    ("HTTP/01.1", b"POST /RPC2 HTTP/01.1", "400"),
    ("a version in small letters", b"POST /RPC2 http/1.1", "400"),
    ("another protocol", b"POST /RPC2 ICAP/1.0", "400"),
    ("more behind the version", b"POST /RPC2 HTTP/1.1 X", "400"),
    ("a space behind the version", b"POST /RPC2 HTTP/1.1 ", "400"),
    ("two versions", b"POST /RPC2 HTTP/1.1 HTTP/1.1", "400"),
    ("two spaces", b"POST  /RPC2 HTTP/1.1", "400"),
    ("tabs", b"POST\t/RPC2\tHTTP/1.1", "400"),
    ("a space before it", b" POST /RPC2 HTTP/1.1", "400"),
    ("a bare CR within", b"POST /RPC2\rHTTP/1.1", "400"),
    (
        "a bare CR for the end",
        b"POST /RPC2 HTTP/1.1\rHost: victim",
        "400",
    ),
    ("a NUL in the path", b"POST /RPC2\0 HTTP/1.1", "400"),
    ("a NUL before the method", b"\0POST /RPC2 HTTP/1.1", "400"),
    (
        "a control character in the path",
        b"POST /RPC2\x01 HTTP/1.1",
        "400",
    ),
    (
        "a path that is not UTF-8",
        b"POST /RPC2\xff HTTP/1.1",
        "400",
    ),
    ("a space in the path", b"POST /RPC 2 HTTP/1.1", "400"),
    ("no path", b"POST HTTP/1.1", "400"),
    ("a path without a slash", b"POST RPC2 HTTP/1.1", "403"),
    ("a colon in the method", b"POST: /RPC2 HTTP/1.1", "400"),
    ("a method in small letters", b"post /RPC2 HTTP/1.1", "405"),
    ("an unknown method", b"PWN /RPC2 HTTP/1.1", "405"),
    ("TRACE", b"TRACE /RPC2 HTTP/1.1", "405"),
    ("OPTIONS of all", b"OPTIONS * HTTP/1.1", "404"),
    ("CONNECT", b"CONNECT victim:80 HTTP/1.1", "404"),
    ("CONNECT to a path", b"CONNECT /RPC2 HTTP/1.1", "405"),
    ("GET with a body", b"GET /RPC2 HTTP/1.1", "405"),
    ("PRI of HTTP/2", b"PRI * HTTP/2.0", "400"),
    (
        "up from the path",
        b"POST /RPC2/../../etc/passwd HTTP/1.1",
        "404",
    ),
    ("a path that leads back", b"POST /x/../RPC2 HTTP/1.1", "404"),
    ("a path in percent signs", b"POST /%52PC2 HTTP/1.1", "404"),
    (
        "an encoded NUL in the path",
        b"POST /RPC2%00 HTTP/1.1",
        "404",
    ),
    ("two slashes", b"POST //RPC2 HTTP/1.1", "404"),
    ("a backslash", b"POST \\RPC2 HTTP/1.1", "400"),
    (
        "a URL of another scheme",
        b"POST file:///RPC2 HTTP/1.1",
        "400",
    ),
    (
        "a URL of a wrong port",
        b"POST http://victim:99999/RPC2 HTTP/1.1",
        "403",
    ),
    (
        "a whole URL",
        b"POST http://victim/RPC2 HTTP/1.1",
        "carrier, honest",
    ),
    (
        "a whole URL of another host",
        b"POST http://evil.example/RPC2 HTTP/1.1",
        "403",
    ),
    (
        "an empty line before it",
        b"\r\nPOST /RPC2 HTTP/1.1",
        "carrier, honest",
    ),
    ("a fragment", b"POST /RPC2#x HTTP/1.1", "carrier, honest"),
];

#[tokio::test]
async fn invalid_request_lines_are_refused() {
    let body = call("carrier");
    let rest = format!(
        "\r\nHost: victim\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let cases = FIRST_LINES
        .iter()
        .map(|(name, line, expected)| Case::new(*name, [line, rest.as_bytes()].concat(), expected));
    assert_harmless(&victim().await, cases).await;
}

/// Header lines of an otherwise honest request.
const HEADERS: &[(&str, &[u8], &str)] = &[
    ("a second host", b"Host: other", "400"),
    ("a second host that is the same", b"host: victim", "400"),
    ("a name with a space", b"X Y: z", "400"),
    ("a name with a NUL", b"X\0Y: z", "400"),
    ("a name with a parenthesis", b"X(Y: z", "400"),
    ("a name with a slash", b"X/Y: z", "400"),
    ("a name beyond ASCII", b"X\xe9: z", "400"),
    ("an empty name", b": z", "400"),
    ("a space before the colon", b"X : z", "400"),
    ("no colon", b"X", "400"),
    ("a colon alone", b":", "400"),
    ("a value with a NUL", b"X: \0", "400"),
    ("a value with a bare CR", b"X: a\rb", "400"),
    ("a value with DEL", b"X: a\x7fb", "400"),
    ("a value with ESC", b"X: \x1b[2J", "400"),
    ("a fold", b"X: y\r\n z", "400"),
    ("a fold with a tab", b"X: y\r\n\tz", "400"),
    ("a fold of nothing", b"X: y\r\n ", "400"),
    ("two CR", b"X: y\r\r", "400"),
    ("a value beyond ASCII", b"X: \xff\xfe", "carrier, honest"),
    ("an empty value", b"X:", "carrier, honest"),
    ("a bare LF for the end", b"X: y\nZ: z", "carrier, honest"),
    ("an empty line by bare LF", b"X: y\n\nZ: z", "411"),
    ("a name of Python's gateways", b"CONTENT_LENGTH: 0\r\nHTTP_HOST: x", "carrier, honest"),
    ("a path in another header", b"X-Original-URL: /admin\r\nX-Rewrite-URL: /admin", "carrier, honest"),
    ("a method in another header", b"X-HTTP-Method-Override: DELETE", "carrier, honest"),
    ("another content type behind", b"Content-Type: text/plain", "carrier, honest"),
    ("an unknown content coding", b"Content-Encoding: br", "415"),
    ("two encodings", b"Content-Encoding: gzip\r\nContent-Encoding: gzip", "415"),
    ("invalid gzip", b"Content-Encoding: gzip", "400"),
    ("an upgrade to HTTP/2", b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", "carrier, honest"),
    ("an upgrade to WebSocket", b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13", "carrier, honest"),
    ("close and keep-alive", b"Connection: close\r\nConnection: keep-alive", "carrier"),
    ("an unknown expectation", b"Expect: 200-ok", "carrier, honest"),
    ("an expectation, and the body at once", b"Expect: 100-continue", "100, carrier, honest"),
    ("a range", b"Range: bytes=0-1,0-1,0-1,0-1,0-1,0-1", "carrier, honest"),
    ("a condition", b"If-Match: *\r\nIf-None-Match: *", "carrier, honest"),
    ("a page of another site", b"Origin: http://evil.example", "403"),
    ("a page of no site", b"Origin: null", "403"),
    ("a page of two sites", b"Origin: http://victim\r\nOrigin: http://evil.example", "403"),
    ("a page of a site beyond ASCII", b"Origin: \xff", "403"),
    ("a page of this site", b"Origin: http://victim", "carrier, honest"),
    ("a page of another port", b"Origin: http://victim:81", "403"),
    ("a form of another site", b"Sec-Fetch-Site: cross-site", "403"),
    ("a form of a neighbour", b"Sec-Fetch-Site: same-site", "403"),
    ("a preflight's question", b"Access-Control-Request-Method: POST", "carrier, honest"),
    ("injection into the log", b"X-Forwarded-For: 1.1.1.1%0d%0apanicked at", "carrier, honest"),
];

#[tokio::test]
async fn unusual_headers_are_refused_or_have_no_effect() {
    let length = call("carrier").len();
    let cases = HEADERS.iter().map(|(name, header, expected)| {
        let length = format!("\r\nContent-Length: {length}");
        let headers = [header, length.as_bytes()].concat();
        let attack = super::case::with_headers(headers, call("carrier"));
        Case::new(*name, attack, expected)
    });
    assert_harmless(&victim().await, cases).await;
}

/// Heads with an unusual `Host`, or none.
const HOSTS: &[(&str, &[u8], &str)] = &[
    ("none", b"HTTP/1.1", "400"),
    ("a list", b"HTTP/1.1\r\nHost: victim, other", "400"),
    ("a user", b"HTTP/1.1\r\nHost: user@victim", "400"),
    ("a path", b"HTTP/1.1\r\nHost: victim/RPC2", "400"),
    ("a URL", b"HTTP/1.1\r\nHost: http://victim", "400"),
    ("no UTF-8", b"HTTP/1.1\r\nHost: \xff", "400"),
    (
        "a bracket without its end",
        b"HTTP/1.1\r\nHost: [::1",
        "400",
    ),
    ("none in HTTP/1.0", b"HTTP/1.0", "carrier"),
    ("another", b"HTTP/1.1\r\nHost: evil.example", "403"),
    (
        "a rebound host, from its page",
        b"HTTP/1.1\r\nHost: evil.example:8000\r\nOrigin: http://evil.example:8000",
        "403",
    ),
    (
        "one that begins like this machine",
        b"HTTP/1.1\r\nHost: localhost.evil.example",
        "403",
    ),
    (
        "one that begins like an address",
        b"HTTP/1.1\r\nHost: 127.0.0.1.evil.example",
        "403",
    ),
    (
        "an address as a number",
        b"HTTP/1.1\r\nHost: 2130706433",
        "403",
    ),
];

#[tokio::test]
async fn exactly_one_known_host_is_accepted() {
    let body = call("carrier");
    let rest = format!(
        "\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let cases = HOSTS.iter().map(|(name, host, expected)| {
        let attack = [b"POST /RPC2 ", *host, rest.as_bytes()].concat();
        Case::new(*name, attack, expected)
    });
    assert_harmless(&victim().await, cases).await;
}

/// The first bytes of other protocols.
const PROTOCOLS: &[(&str, &[u8], &str)] = &[
    (
        "HTTP/2",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        "",
    ),
    ("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "400"),
    ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", "400"),
    ("SMTP", b"EHLO mail.example\r\n", "400"),
    ("Redis", b"*1\r\n$4\r\nPING\r\n", "400"),
    ("memcached", b"stats\r\n", "400"),
    ("FTP", b"USER anonymous\r\n", "400"),
    ("IRC", b"NICK x\r\nUSER x 0 * :x\r\n", "400"),
    ("SOCKS 5", b"\x05\x01\0", "400"),
    (
        "a proxy's first line",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "400",
    ),
    (
        "a proxy's binary first line",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
        "400",
    ),
    (
        "RTSP",
        b"OPTIONS rtsp://victim/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        "400",
    ),
    ("SIP", b"OPTIONS sip:victim SIP/2.0\r\n\r\n", "400"),
    (
        "an HTTP answer",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "400",
    ),
    (
        "XML without HTTP",
        b"<?xml version=\"1.0\"?><methodCall/>",
        "400",
    ),
    (
        "calls of our other protocol",
        b"\0\0\0\x11#CHALLENGE#{sha256}",
        "400",
    ),
    ("zeros", &[0; 1000], "400"),
    ("bytes of ones", &[0xff; 1000], "400"),
    ("line feeds", &[b'\n'; 1000], "honest"),
    ("nothing", b"", ""),
    ("half a method", b"PO", ""),
    ("half a head", b"POST /RPC2 HTTP/1.1\r\nHost: vic", ""),
];

#[tokio::test]
async fn other_protocols_are_refused() {
    let cases = PROTOCOLS.iter().map(|(name, start, expected)| {
        let case = Case::new(*name, *start, expected);
        if expected.is_empty() {
            case.ends()
        } else {
            case
        }
    });
    assert_harmless(&victim().await, cases).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_or_not_at_all() {
    let one = |name: &str| request("X: y", &call(name));
    let cases = [
        Case::new(
            "ten at once",
            one("carrier").repeat(10),
            "carrier, carrier, carrier, carrier, carrier, carrier, carrier, carrier, carrier, \
             carrier, honest",
        ),
        Case::new(
            "a request behind the last",
            [
                request("Connection: close", &call("carrier")),
                one("smuggled"),
            ]
            .concat(),
            "carrier",
        ),
        Case::new(
            "a request behind the only one of HTTP/1.0",
            [
                b"POST /RPC2 HTTP/1.0\r\nContent-Length: 0\r\n\r\n".to_vec(),
                one("smuggled"),
            ]
            .concat(),
            "fault -32700",
        ),
        Case::new(
            "rubbish behind a request",
            [one("carrier"), b"\x01\x02".to_vec()].concat(),
            "carrier, 400",
        ),
        Case::new(
            "a request behind one that is refused",
            [
                b"GET / HTTP/1.1\r\nHost: victim\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
                one("smuggled"),
            ]
            .concat(),
            "405",
        ),
    ];
    assert_harmless(&victim().await, cases).await;
}
