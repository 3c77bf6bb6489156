//! Requests with two lengths, one of them disguised: readers that disagree take the body of one for
//! the next request (RFC 9112, 11.2).

use super::case::{Case, assert_harmless, call, smuggled};
use super::victim;

/// Disguised `Transfer-Encoding` headers, each with a `Content-Length` that covers another request
/// after the last chunk. The server must refuse the request, or read chunks only and close the
/// connection afterwards, or use only the length. It must never see two requests.
const DISGUISES: &[(&str, &[u8], &str)] = &[
    (
        "length before chunked",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked",
        "carrier",
    ),
    (
        "chunked before length",
        b"Transfer-Encoding: chunked\r\nContent-Length: {}",
        "carrier",
    ),
    (
        "in capitals",
        b"Content-Length: {}\r\nTRANSFER-ENCODING: CHUNKED",
        "carrier",
    ),
    (
        "a tab before the value",
        b"Content-Length: {}\r\nTransfer-Encoding:\tchunked",
        "carrier",
    ),
    (
        "a space behind the value",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked ",
        "carrier",
    ),
    (
        "a bare LF before it",
        b"Content-Length: {}\nTransfer-Encoding: chunked",
        "carrier",
    ),
    (
        "a space before the colon",
        b"Content-Length: {}\r\nTransfer-Encoding : chunked",
        "400",
    ),
    (
        "a tab before the colon",
        b"Content-Length: {}\r\nTransfer-Encoding\t: chunked",
        "400",
    ),
    (
        "a space before the name",
        b"Content-Length: {}\r\n Transfer-Encoding: chunked",
        "400",
    ),
    (
        "folded onto the next line",
        b"Content-Length: {}\r\nTransfer-Encoding:\r\n chunked",
        "400",
    ),
    (
        "folded into another header",
        b"Content-Length: {}\r\nX: y\r\n Transfer-Encoding: chunked",
        "400",
    ),
    (
        "a bare CR before it",
        b"Content-Length: {}\r\nX: y\rTransfer-Encoding: chunked",
        "400",
    ),
    (
        "a bare CR within",
        b"Content-Length: {}\r\nTransfer-Encoding: \rchunked",
        "400",
    ),
    (
        "a NUL before it",
        b"Content-Length: {}\r\n\0Transfer-Encoding: chunked",
        "400",
    ),
    (
        "a NUL behind the value",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked\0",
        "400",
    ),
    (
        "a vertical tab before the value",
        b"Content-Length: {}\r\nTransfer-Encoding: \x0bchunked",
        "400",
    ),
    (
        "a form feed behind the value",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked\x0c",
        "400",
    ),
    (
        "a byte beyond ASCII behind the value",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked\xa0",
        "400",
    ),
    (
        "a name beyond ASCII",
        "Content-Length: {}\r\nTransfer-Encodıng: chunked".as_bytes(),
        "400",
    ),
    (
        "no colon",
        b"Content-Length: {}\r\nTransfer-Encoding chunked",
        "400",
    ),
    (
        "no value",
        b"Content-Length: {}\r\nTransfer-Encoding:",
        "400",
    ),
    (
        "an unknown coding",
        b"Content-Length: {}\r\nTransfer-Encoding: xchunked",
        "400",
    ),
    (
        "quoted",
        b"Content-Length: {}\r\nTransfer-Encoding: \"chunked\"",
        "400",
    ),
    (
        "a parameter",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked;q=1",
        "400",
    ),
    (
        "chunked, then nothing",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked,",
        "400",
    ),
    (
        "nothing, then chunked",
        b"Content-Length: {}\r\nTransfer-Encoding: , chunked",
        "501",
    ),
    (
        "chunked, then identity",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked, identity",
        "400",
    ),
    (
        "identity, then chunked",
        b"Content-Length: {}\r\nTransfer-Encoding: identity, chunked",
        "501",
    ),
    (
        "chunked twice",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked, chunked",
        "501",
    ),
    (
        "gzip, then chunked",
        b"Content-Length: {}\r\nTransfer-Encoding: gzip, chunked",
        "501",
    ),
    (
        "two lines, chunked first",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "400",
    ),
    (
        "two lines, chunked last",
        b"Content-Length: {}\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked",
        "501",
    ),
    (
        "two lines, both chunked",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked",
        "501",
    ),
    (
        "identity",
        b"Content-Length: {}\r\nTransfer-Encoding: identity",
        "400",
    ),
    (
        "a name that is nearly the same",
        b"Content-Length: {}\r\nTransfer_Encoding: chunked",
        "fault -32700, honest",
    ),
    (
        "named a hop-by-hop header",
        b"Content-Length: {}\r\nTransfer-Encoding: chunked\r\nConnection: transfer-encoding",
        "carrier",
    ),
    (
        "the length named a hop-by-hop header",
        b"Content-Length: {}\r\nConnection: content-length",
        "fault -32700, honest",
    ),
    (
        "a content coding of that name",
        b"Content-Length: {}\r\nContent-Encoding: chunked",
        "415",
    ),
];

#[tokio::test]
async fn a_disguised_coding_smuggles_nothing() {
    let carrier = call("carrier");
    let size = carrier.len();
    let body = [
        format!("{size:x}\r\n{carrier}\r\n0\r\n\r\n").as_bytes(),
        &smuggled(),
    ]
    .concat();
    let cases = DISGUISES.iter().map(|(name, headers, expected)| {
        let headers = replaced(headers, &body.len().to_string());
        Case::new(*name, super::case::with_headers(headers, &body), expected)
    });
    assert_harmless(&victim().await, cases).await;
}

/// Replaces the braces with `text`.
pub(super) fn replaced(template: &[u8], text: &str) -> Vec<u8> {
    let at = template.windows(2).position(|two| two == b"{}");
    let (before, after) = template.split_at(at.expect("there are braces"));
    [before, text.as_bytes(), &after[2..]].concat()
}
