//! Chunks that violate RFC 9112 (7.1). A reader that accepts them may take a part of the body for
//! the next request.

use super::case::{Case, assert_harmless, call, smuggled, with_headers};
use super::transfer::replaced;
use super::victim;

/// The bytes before the chunk of an otherwise valid body; the braces stand for its size.
const SIZES: &[(&str, &[u8], &str)] = &[
    ("plus", b"+{}\r\n", "400"),
    ("minus", b"-{}\r\n", "400"),
    ("0x", b"0x{}\r\n", "400"),
    ("a space before it", b" {}\r\n", "400"),
    ("a tab before it", b"\t{}\r\n", "400"),
    ("an underscore", b"0_{}\r\n", "400"),
    ("a fraction", b"{}.0\r\n", "400"),
    ("a letter that is not a digit", b"{}g\r\n", "400"),
    ("a comma", b"{},\r\n", "400"),
    ("two sizes", b"{} {}\r\n", "400"),
    ("quoted", b"\"{}\"\r\n", "400"),
    ("none", b"\r\nX{}\r\n", "400"),
    ("an extension alone", b";x={}\r\n", "400"),
    ("a NUL behind it", b"{}\0\r\n", "400"),
    ("a vertical tab behind it", b"{}\x0b\r\n", "400"),
    ("a form feed behind it", b"{}\x0c\r\n", "400"),
    ("a byte beyond ASCII behind it", b"{}\xa0\r\n", "400"),
    (
        "a fullwidth digit before it",
        "\u{ff10}{}\r\n".as_bytes(),
        "400",
    ),
    ("ended by LF", b"{}\n", "400"),
    ("ended by CR", b"{}\r", "400"),
    ("ended by two CR", b"{}\r\r\n", "400"),
    ("ended by LF CR", b"{}\n\r", "400"),
    ("ended by nothing", b"{}", "400"),
    ("LF in an extension", b"{};x\ny\r\n", "400"),
    ("CR in an extension", b"{};x\ry\r\n", "400"),
    // 2^64 is 0 to a reader that ignores overflow.
    ("beyond 64 bits", b"10000000000000000{}\r\n", "400"),
    ("the largest of 64 bits", b"ffffffffffffffff\r\n{}", "400"),
    ("the largest of 63 bits", b"7fffffffffffffff\r\n{}", "400"),
    ("negative as 32 bits", b"80000000\r\n{}", "400"),
    ("a space behind it", b"{} \r\n", "carrier, honest"),
    ("an extension", b"{};x=y;z=\"0\"\r\n", "carrier, honest"),
    ("a NUL in an extension", b"{};x=\0\r\n", "carrier, honest"),
];

#[tokio::test]
async fn invalid_chunk_sizes_are_refused() {
    let carrier = call("carrier");
    let size = format!("{:x}", carrier.len());
    let cases = SIZES.iter().map(|(name, start, expected)| {
        let mut body = replaced(start, &size);
        if start.windows(2).filter(|two| *two == b"{}").count() == 2 {
            body = replaced(&body, &size);
        }
        body.extend(carrier.as_bytes());
        body.extend(b"\r\n0\r\n\r\n");
        let case = Case::new(*name, chunked(body), expected);
        // A size beyond the bytes of the attack is only noticed when the client closes its sending
        // direction.
        if name.starts_with("the largest") || *name == "negative as 32 bits" {
            case.ends()
        } else {
            case
        }
    });
    assert_harmless(&victim().await, cases).await;
}

/// Bodies in which the braces stand for the one valid chunk.
const ENDS: &[(&str, &[u8], &str)] = &[
    ("no CRLF behind a chunk", b"{}0\r\n\r\n", "400"),
    ("LF behind a chunk", b"{}\n0\r\n\r\n", "400"),
    ("CR behind a chunk", b"{}\r0\r\n\r\n", "400"),
    ("two CRLF behind a chunk", b"{}\r\n\r\n0\r\n\r\n", "400"),
    (
        "a chunk that is longer than announced",
        b"{}X\r\n0\r\n\r\n",
        "400",
    ),
    (
        "a last chunk of many zeros",
        b"{}\r\n00000000\r\n\r\n",
        "carrier, honest",
    ),
    (
        "a last chunk with an extension",
        b"{}\r\n0;x\r\n\r\n",
        "carrier, honest",
    ),
    ("a last chunk of minus 0", b"{}\r\n-0\r\n\r\n", "400"),
    ("a last chunk of 0x0", b"{}\r\n0x0\r\n\r\n", "400"),
    ("a last chunk ended by LF", b"{}\r\n0\n\n", "400"),
    ("the end ended by LF", b"{}\r\n0\r\n\n", "400"),
    ("the end ended by CR", b"{}\r\n0\r\n\r", "400"),
    (
        "a chunk behind the last one",
        b"{}\r\n0\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "carrier, 400",
    ),
    ("a trailer", b"{}\r\n0\r\nX-Sum: 5\r\n\r\n", "400"),
    (
        "a trailer that is a length",
        b"{}\r\n0\r\nContent-Length: 9999\r\n\r\n",
        "400",
    ),
    (
        "a trailer that is a coding",
        b"{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400",
    ),
    ("a trailer with a NUL", b"{}\r\n0\r\nX: \0\r\n\r\n", "400"),
    (
        "a trailer with a bare CR",
        b"{}\r\n0\r\nX: \ry\r\n\r\n",
        "400",
    ),
    ("a trailer ended by LF", b"{}\r\n0\r\nX: y\n\r\n", "400"),
    (
        "a trailer that is folded",
        b"{}\r\n0\r\nX: y\r\n z\r\n\r\n",
        "400",
    ),
    ("a trailer without a colon", b"{}\r\n0\r\nX\r\n\r\n", "400"),
    (
        "a space before the colon of a trailer",
        b"{}\r\n0\r\nX : y\r\n\r\n",
        "400",
    ),
];

#[tokio::test]
async fn invalid_ends_of_chunks_are_refused() {
    let carrier = call("carrier");
    let chunk = format!("{:x}\r\n{carrier}", carrier.len());
    let tables = ENDS
        .iter()
        .map(|(name, body, expected)| Case::new(*name, chunked(replaced(body, &chunk)), expected));
    let within = |start: &str| format!("{chunk}\r\n0\r\n{start}").into_bytes();
    let further = [
        Case::new(
            "a request where trailers are",
            chunked([within(""), smuggled()].concat()),
            "400",
        ),
        Case::new(
            "a request behind LF where trailers are, whose body is another",
            chunked(
                [
                    within("\n"),
                    with_headers(format!("Content-Length: {}", smuggled().len()), smuggled()),
                ]
                .concat(),
            ),
            "400",
        ),
        Case::new(
            "100 trailers and one",
            chunked(within(&("X: y\r\n".repeat(101) + "\r\n"))),
            "400",
        ),
        Case::new(
            "a trailer of 64 KiB",
            chunked(within(&format!("X: {}\r\n\r\n", "y".repeat(64 << 10)))),
            "400",
        ),
        Case::new(
            "trailers without an end",
            chunked(within("X: y\r\n")),
            "400",
        )
        .ends(),
        Case::new("no last chunk", chunked(format!("{chunk}\r\n")), "400").ends(),
        Case::new("half a chunk", chunked(&chunk[..50]), "400").ends(),
        Case::new("half a size", chunked(&chunk[..1]), "400").ends(),
        Case::new(
            "no chunk at all",
            chunked("0\r\n\r\n"),
            "fault -32700, honest",
        ),
        Case::new(
            "extensions of 64 KiB",
            chunked(format!("1;{}\r\n<\r\n0\r\n\r\n", "x".repeat(64 << 10))),
            "400",
        ),
        Case::new(
            "extensions of 64 KiB in many chunks",
            chunked(format!("1;{}\r\n<\r\n", "x".repeat(100)).repeat(640)),
            "400",
        ),
        Case::new(
            "a size of a million zeros",
            chunked(format!("{}{chunk}\r\n0\r\n\r\n", "0".repeat(1_000_000))),
            "carrier, honest",
        ),
        Case::new(
            "a million spaces behind a size",
            chunked(format!("1{}\r\n<\r\n0\r\n\r\n", " ".repeat(1_000_000))),
            "fault -32700, honest",
        ),
        Case::new(
            "every byte a chunk",
            chunked(in_bytes(&carrier)),
            "carrier, honest",
        ),
    ];
    assert_harmless(&victim().await, tables.chain(further)).await;
}

fn chunked(body: impl AsRef<[u8]>) -> Vec<u8> {
    with_headers("Transfer-Encoding: chunked", body)
}

fn in_bytes(body: &str) -> String {
    let chunks = body.chars().map(|byte| format!("1\r\n{byte}\r\n"));
    chunks.collect::<String>() + "0\r\n\r\n"
}
