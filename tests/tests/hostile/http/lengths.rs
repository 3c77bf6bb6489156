//! Ambiguous lengths: a lenient reader takes a part of the body for the next request.

use super::case::{Case, assert_harmless, call, smuggled, with_headers};
use super::transfer::replaced;
use super::victim;

/// Invalid `Content-Length` headers. The braces stand for the length of the first request's body,
/// after which another request follows.
const LENGTHS: &[(&str, &[u8], &str)] = &[
    (
        "two, the longer last",
        b"Content-Length: {}\r\nContent-Length: 9999",
        "400",
    ),
    (
        "two, the shorter last",
        b"Content-Length: 9999\r\nContent-Length: {}",
        "400",
    ),
    (
        "two, in different letters",
        b"Content-Length: {}\r\ncontent-LENGTH: 0",
        "400",
    ),
    (
        "two, one empty",
        b"Content-Length: {}\r\nContent-Length:",
        "400",
    ),
    ("a list", b"Content-Length: {}, 9999", "400"),
    (
        "a list of nothing and a number",
        b"Content-Length: ,{}",
        "400",
    ),
    ("plus", b"Content-Length: +{}", "400"),
    ("minus", b"Content-Length: -{}", "400"),
    ("hexadecimal", b"Content-Length: 0x{}", "400"),
    ("a fraction", b"Content-Length: {}.0", "400"),
    ("an exponent", b"Content-Length: {}e0", "400"),
    ("two numbers", b"Content-Length: {} 9", "400"),
    ("an underscore", b"Content-Length: {}_0", "400"),
    ("a semicolon", b"Content-Length: {};", "400"),
    ("quoted", b"Content-Length: \"{}\"", "400"),
    ("empty", b"Content-Length:\r\nX: {}", "400"),
    ("a letter behind it", b"Content-Length: {}a", "400"),
    ("a NUL behind it", b"Content-Length: {}\0", "400"),
    ("a vertical tab before it", b"Content-Length: \x0b{}", "400"),
    (
        "a no-break space before it",
        b"Content-Length: \xa0{}",
        "400",
    ),
    (
        "digits of another script",
        "Content-Length: \u{661}{}".as_bytes(),
        "400",
    ),
    ("folded", b"Content-Length:\r\n {}", "400"),
    ("continued", b"Content-Length: {}\r\n 0", "400"),
    ("a bare CR within", b"Content-Length: \r{}", "400"),
    ("a bare CR behind it", b"Content-Length: {}\rX: y", "400"),
    ("a space before the colon", b"Content-Length : {}", "400"),
    ("a NUL in the name", b"Content-Length\0: {}", "400"),
    ("a name with a space", b"Content Length: {}", "400"),
    // 2^64 and 2^32 are 0 to a reader that ignores overflow.
    (
        "beyond 64 bits",
        b"Content-Length: 18446744073709551616\r\nX: {}",
        "400",
    ),
    (
        "the largest of 64 bits",
        b"Content-Length: 18446744073709551615\r\nX: {}",
        "431",
    ),
    (
        "beyond 63 bits",
        b"Content-Length: 9223372036854775808\r\nX: {}",
        "413",
    ),
    (
        "beyond 32 bits",
        b"Content-Length: 4294967296\r\nX: {}",
        "413",
    ),
    (
        "many digits",
        b"Content-Length: 999999999999999999999999999999999999999999\r\nX: {}",
        "400",
    ),
];

#[tokio::test]
async fn invalid_lengths_are_refused() {
    let carrier = call("carrier");
    let length = carrier.len().to_string();
    let body = [carrier.as_bytes(), &smuggled()].concat();
    let cases = LENGTHS.iter().map(|(name, headers, expected)| {
        let headers = replaced(headers, &length);
        Case::new(*name, with_headers(headers, &body), expected)
    });
    assert_harmless(&victim().await, cases).await;
}

#[tokio::test]
async fn only_the_length_decides_where_the_body_ends() {
    let carrier = call("carrier");
    let length = carrier.len();
    let padded = format!("{carrier}{}", " ".repeat(100));
    let cases = [
        Case::new(
            "none, with a request that must not run as the body",
            with_headers("X: y", smuggled()),
            "411",
        ),
        Case::new(
            "the same length twice",
            with_headers(
                format!("Content-Length: {length}\r\nContent-Length: {length}"),
                &carrier,
            ),
            "carrier, honest",
        ),
        Case::new(
            "zeros before it",
            with_headers(format!("Content-Length: {length:0>100}"), &carrier),
            "carrier, honest",
        ),
        Case::new(
            "shorter than the document",
            with_headers(format!("Content-Length: {}", length - 1), &carrier),
            "fault -32700, 400",
        ),
        Case::new(
            "longer than the document, with spaces",
            with_headers(format!("Content-Length: {}", length + 100), &padded),
            "carrier, honest",
        ),
        Case::new(
            "longer than the document, over the next request",
            [
                with_headers(
                    format!("Content-Length: {}", length + smuggled().len()),
                    &carrier,
                ),
                smuggled(),
            ]
            .concat(),
            "fault -32700, honest",
        ),
        Case::new("none, with a body", with_headers("X: y", &carrier), "411"),
        Case::new(
            "none, with a request as the body",
            with_headers("X: y", super::case::request("X: y", &carrier)),
            "411",
        ),
        Case::new(
            "longer than all that comes",
            with_headers(format!("Content-Length: {}", length + 1), &carrier),
            "400",
        )
        .ends(),
        Case::new(
            "no byte of the body comes",
            with_headers("Content-Length: 100", ""),
            "400",
        )
        .ends(),
        Case::new(
            "a length without a body that is within the limit",
            with_headers("Content-Length: 16777216", ""),
            "400",
        )
        .ends(),
        Case::new(
            "a length without a body that is beyond the limit by one",
            with_headers("Content-Length: 16777217", ""),
            "413",
        )
        .ends(),
    ];
    assert_harmless(&victim().await, cases).await;
}
