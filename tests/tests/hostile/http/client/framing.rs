//! Responses that are not HTTP, or whose end is ambiguous.

use super::{Case, answer, assert_harmless, reply, with_headers};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

#[test]
fn an_invalid_status_line_is_an_error() {
    let whole = answer("200 OK", reply(5));
    let rest = &whole[OK.len()..];
    let with_line = |line: &[u8]| [line, b"\r\n", rest].concat();
    let mut cases = vec![
        Case::closed("nothing", "", "lost"),
        Case::closed("a document alone", reply(5), "lost"),
        Case::closed("rubbish", "GIF89a\0\0\0", "lost"),
        Case::closed("zeros", vec![0; 1000], "lost"),
        Case::closed("line feeds", vec![b'\n'; 1000], "lost"),
        Case::closed("SSH", "SSH-2.0-OpenSSH_9.6\r\n", "lost"),
        Case::closed("a TLS alert", "\x15\x03\x03\0\x02\x02\x28", "lost"),
        Case::closed("a request", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "lost"),
        Case::closed(
            "HTTP/2 frames",
            "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64",
            "lost",
        ),
    ];
    let lines: [(&str, &[u8], &str); 16] = [
        ("HTTP/0.9", b"HTTP/0.9 200 OK", "lost"),
        ("HTTP/2.0", b"HTTP/2.0 200 OK", "lost"),
        ("HTTP/1.2", b"HTTP/1.2 200 OK", "lost"),
        ("a version in small letters", b"http/1.1 200 OK", "lost"),
        ("no status", b"HTTP/1.1", "lost"),
        ("a status that is not a number", b"HTTP/1.1 OK", "lost"),
        ("a status of two digits", b"HTTP/1.1 20 OK", "lost"),
        ("a status of four digits", b"HTTP/1.1 2000 OK", "lost"),
        ("a negative status", b"HTTP/1.1 -20 OK", "lost"),
        ("a status of 0", b"HTTP/1.1 000 OK", "lost"),
        ("a status of 099", b"HTTP/1.1 099 OK", "lost"),
        ("an unknown status", b"HTTP/1.1 999 OK", "not a reply"),
        ("a NUL in the reason", b"HTTP/1.1 200 O\0K", "lost"),
        ("a bare CR in the reason", b"HTTP/1.1 200 O\rK", "lost"),
        ("no reason", b"HTTP/1.1 200", "5"),
        ("a reason of the terminal", b"HTTP/1.1 200 \xff\xfe", "5"),
    ];
    cases.extend(lines.map(|(name, line, expected)| Case::kept(name, with_line(line), expected)));
    assert_harmless(&cases);
}

#[test]
fn unusual_headers_are_an_error_or_have_no_effect() {
    let reply = reply(5);
    let length = reply.len();
    let headers: [(&str, &[u8], &str); 21] = [
        ("no colon", b"X", "lost"),
        ("an empty name", b": y", "lost"),
        ("a space before the colon", b"X : y", "lost"),
        ("a NUL in a name", b"X\0: y", "lost"),
        ("a NUL in a value", b"X: \0", "lost"),
        ("a bare CR in a value", b"X: a\rb", "lost"),
        ("a fold", b"X: y\r\n z", "lost"),
        (
            "an unknown content coding",
            b"Content-Encoding: br",
            "not a reply",
        ),
        (
            "two content codings",
            b"Content-Encoding: gzip\r\nContent-Encoding: gzip",
            "not a reply",
        ),
        ("invalid gzip", b"Content-Encoding: gzip", "not a reply"),
        ("an unrequested upgrade", b"Upgrade: h2c", "5"),
        ("another content type", b"Content-Type: image/gif", "5"),
        (
            "a content type of parts",
            b"Content-Type: multipart/mixed; boundary=x",
            "5",
        ),
        ("a value beyond ASCII", b"X: \xff", "5"),
        (
            "a cookie of no use",
            b"Set-Cookie: a=b; Domain=.com; Path=../..; Max-Age=-99999999999999999999",
            "5",
        ),
        ("a refresh", b"Refresh: 0; url=http://127.0.0.1:1/", "5"),
        (
            "a location without a redirect",
            b"Location: http://127.0.0.1:1/",
            "5",
        ),
        ("an alternative", b"Alt-Svc: h3=\":443\"", "5"),
        (
            "keep-alive for ever",
            b"Keep-Alive: timeout=99999999999999999999, max=-1",
            "5",
        ),
        (
            "a fragment of a range",
            b"Content-Range: bytes 0-1/100",
            "5",
        ),
        ("a challenge", b"WWW-Authenticate: Negotiate", "5"),
    ];
    let cases = headers.map(|(name, header, expected)| {
        let length = format!("\r\nContent-Length: {length}");
        let headers = [header, length.as_bytes()].concat();
        Case::kept(name, with_headers(headers, &reply), expected)
    });
    assert_harmless(&cases);
}

/// Each has the reply as its body, and keeps the connection open.
#[test]
fn invalid_lengths_are_an_error() {
    let right = reply(5).len();
    let longer = right + 1;
    let lengths = [
        (
            "two lengths",
            format!("Content-Length: {right}\r\nContent-Length: {longer}"),
            "lost",
        ),
        (
            "a list of lengths",
            format!("Content-Length: {right}, {longer}"),
            "lost",
        ),
        (
            "a negative length",
            format!("Content-Length: -{right}"),
            "lost",
        ),
        (
            "a length with plus",
            format!("Content-Length: +{right}"),
            "lost",
        ),
        (
            "a length in hexadecimal",
            format!("Content-Length: {right:#x}"),
            "lost",
        ),
        (
            "a length that is a word",
            "Content-Length: all".to_owned(),
            "lost",
        ),
        ("an empty length", "Content-Length:".to_owned(), "lost"),
        (
            "a length beyond 64 bits",
            "Content-Length: 18446744073709551616".to_owned(),
            "lost",
        ),
        (
            "a length beyond the limit",
            "Content-Length: 16777217".to_owned(),
            "not a reply",
        ),
        (
            "a length beyond 63 bits",
            "Content-Length: 9223372036854775808".to_owned(),
            "not a reply",
        ),
        (
            "a length that is too long by one",
            format!("Content-Length: {longer}"),
            "lost",
        ),
        (
            "a length that is too short by one",
            format!("Content-Length: {}", right - 1),
            "misfit",
        ),
        (
            "a length of 0",
            "Content-Length: 0".to_owned(),
            "not a reply",
        ),
        (
            "the same length twice",
            format!("Content-Length: {right}\r\nContent-Length: {right}"),
            "5",
        ),
        ("no length, and no end", "X: y".to_owned(), "lost"),
        (
            "an unknown coding",
            format!("Transfer-Encoding: x\r\nContent-Length: {right}"),
            "lost",
        ),
        (
            "chunked, and then another coding",
            "Transfer-Encoding: chunked, x".to_owned(),
            "lost",
        ),
        (
            "invalid chunks",
            "Transfer-Encoding: chunked".to_owned(),
            "lost",
        ),
        (
            "invalid chunks, with a length",
            format!("Transfer-Encoding: chunked\r\nContent-Length: {right}"),
            "lost",
        ),
    ];
    let cases = lengths.map(|(name, headers, expected)| {
        Case::kept(name, with_headers(headers, reply(5)), expected)
    });
    assert_harmless(&cases);
}

#[test]
fn invalid_chunks_are_an_error() {
    let reply = reply(5);
    let size = reply.len();
    let bodies = [
        (
            "a size with 0x",
            format!("{size:#x}\r\n{reply}\r\n0\r\n\r\n"),
            "lost",
        ),
        (
            "a negative size",
            format!("-{size:x}\r\n{reply}\r\n0\r\n\r\n"),
            "lost",
        ),
        (
            "a size that is not a number",
            format!("g\r\n{reply}\r\n0\r\n\r\n"),
            "lost",
        ),
        (
            "a size beyond 64 bits",
            format!("1000000000000000{size:x}\r\n{reply}\r\n0\r\n\r\n"),
            "lost",
        ),
        (
            "a size ended by LF",
            format!("{size:x}\n{reply}\r\n0\r\n\r\n"),
            "lost",
        ),
        (
            "a chunk that is too long",
            format!("{:x}\r\n{reply}\r\n0\r\n\r\n", size - 1),
            "lost",
        ),
        (
            "a chunk that is too short",
            format!("{:x}\r\n{reply}\r\n0\r\n\r\n", size + 1),
            "lost",
        ),
        ("no last chunk", format!("{size:x}\r\n{reply}\r\n"), "lost"),
        (
            "no end of the last chunk",
            format!("{size:x}\r\n{reply}\r\n0\r\n"),
            "lost",
        ),
        ("no chunk at all", "0\r\n\r\n".to_owned(), "not a reply"),
        (
            "a broken trailer",
            format!("{size:x}\r\n{reply}\r\n0\r\nX\r\n\r\n"),
            "lost",
        ),
        (
            "10,000 trailers",
            format!(
                "{size:x}\r\n{reply}\r\n0\r\n{}\r\n",
                "X: y\r\n".repeat(10_000)
            ),
            "lost",
        ),
        (
            "a trailer",
            format!("{size:x}\r\n{reply}\r\n0\r\nX: y\r\n\r\n"),
            "5",
        ),
        (
            "an extension of 64 KiB",
            format!("{size:x};{}\r\n{reply}\r\n0\r\n\r\n", "x".repeat(64 << 10)),
            "lost",
        ),
    ];
    let cases = bodies.map(|(name, body, expected)| {
        Case::kept(
            name,
            with_headers("Transfer-Encoding: chunked", body),
            expected,
        )
    });
    assert_harmless(&cases);
}

#[test]
fn unusual_statuses_are_handled() {
    let moved =
        |status: &str| format!("HTTP/1.1 {status}\r\nLocation: /RPC2\r\nContent-Length: 0\r\n\r\n");
    let five = answer("200 OK", reply(5));
    let after = |before: &str| [before.as_bytes(), &five].concat();
    let cases = vec![
        Case::kept("301 to itself", moved("301 Moved"), "refused"),
        Case::kept("302 to itself", moved("302 Found"), "refused"),
        Case::kept("308 to itself", moved("308 Permanent"), "refused"),
        Case::kept(
            "redirected with the call",
            moved("307 Temporary"),
            "refused",
        ),
        Case::kept(
            "a reply in a redirect",
            answer("302 Found", reply(5)),
            "not a reply",
        ),
        Case::kept(
            "a reply in an error",
            answer("500 Oops", reply(5)),
            "not a reply",
        ),
        Case::kept(
            "a reply in a refusal",
            answer("401 Who", reply(5)),
            "refused",
        ),
        Case::kept("100 Continue", after("HTTP/1.1 100 Continue\r\n\r\n"), "5"),
        Case::kept(
            "100 Continue 1000 times",
            after(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
            "5",
        ),
        Case::kept(
            "hints",
            after("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
            "5",
        ),
        Case::kept(
            "100 Continue, and no more",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "lost",
        ),
        Case::closed(
            "100 Continue, and the end",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "lost",
        ),
        Case::kept(
            "another protocol from now on",
            after("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            "not a reply",
        ),
        Case::kept(
            "no content",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "not a reply",
        ),
        Case::kept(
            "not modified",
            "HTTP/1.1 304 Not Modified\r\n\r\n",
            "not a reply",
        ),
        Case::kept(
            "try again later",
            "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
            "not a reply",
        ),
        Case::kept(
            "misdirected",
            answer("421 Misdirected Request", ""),
            "not a reply",
        ),
        Case::kept("too slow", answer("408 Request Timeout", ""), "not a reply"),
    ];
    assert_harmless(&cases);
}
