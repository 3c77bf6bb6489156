//! Small requests that expand to very many bytes or very deep values.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::case::{Case, assert_harmless, call, with_headers};
use super::victim;

/// Returns `length` spaces, compressed.
fn spaces(length: usize) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![b' '; 1 << 20];
    for _ in 0..length >> 20 {
        gzip.write_all(&piece).unwrap();
    }
    gzip.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    with_headers(
        format!("Content-Encoding: gzip\r\nContent-Length: {length}"),
        body,
    )
}

#[tokio::test]
async fn compressed_bombs_are_not_inflated() {
    let bomb = spaces(256 << 20);
    assert!(bomb.len() < 1 << 19, "256 MiB in {} bytes", bomb.len());
    let honest = gzip(call("carrier").as_bytes());
    let damaged = |at: usize| {
        let mut gzip = honest.clone();
        gzip[at] ^= 0xff;
        zipped(&gzip)
    };
    let end = honest.len();
    let headed = |flags: u8, field: Vec<u8>| {
        let mut gzip = honest.clone();
        gzip[3] = flags;
        gzip.splice(10..10, field);
        zipped(&gzip)
    };
    let chunks = bomb
        .chunks(1 << 16)
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    let chunked: Vec<u8> = chunks.chain(*b"0\r\n\r\n").collect();
    let cases = [
        Case::new("256 MiB", zipped(&bomb), "413"),
        Case::new(
            "256 MiB in chunks",
            with_headers(
                "Content-Encoding: gzip\r\nTransfer-Encoding: chunked",
                chunked,
            ),
            "413",
        ),
        Case::new(
            "one byte too many",
            zipped(&gzip(&vec![b' '; (16 << 20) + 1])),
            "413",
        ),
        Case::new(
            "1000 members that are small",
            zipped(&spaces(1 << 20).repeat(1000)),
            "413",
        ),
        Case::new(
            "100,000 members of nothing",
            zipped(&gzip(b"").repeat(100_000)),
            "fault -32700, honest",
        ),
        Case::new(
            "a bomb in a bomb",
            zipped(&gzip(&bomb)),
            "fault -32702, honest",
        ),
        Case::new(
            "under the old name",
            with_headers(
                format!("Content-Encoding: x-gzip\r\nContent-Length: {}", bomb.len()),
                &bomb,
            ),
            "413",
        ),
        Case::new(
            "named twice",
            with_headers(
                format!(
                    "Content-Encoding: gzip, gzip\r\nContent-Length: {}",
                    bomb.len()
                ),
                &bomb,
            ),
            "415",
        ),
        Case::new(
            "deflate",
            with_headers(
                "Content-Encoding: deflate\r\nContent-Length: 5",
                "x\x01\x02\x03\x04",
            ),
            "415",
        ),
        Case::new(
            "a document in two members",
            zipped(
                &[
                    gzip(&call("carrier").as_bytes()[..50]),
                    gzip(&call("carrier").as_bytes()[50..]),
                ]
                .concat(),
            ),
            "carrier, honest",
        ),
        Case::new("cut short", zipped(&honest[..end / 2]), "400"),
        Case::new("without its sums", zipped(&honest[..end - 8]), "400"),
        Case::new("a wrong sum", damaged(end - 8), "400"),
        Case::new("a wrong length", damaged(end - 1), "400"),
        Case::new("a wrong start", damaged(0), "400"),
        Case::new("another method", damaged(2), "400"),
        Case::new("a damaged block", damaged(12), "400"),
        Case::new(
            "a name of 1 MiB",
            headed(8, [b"x".repeat(1 << 20), vec![0]].concat()),
            "400",
        ),
        Case::new(
            "a name without an end",
            zipped(&[&honest[..3], &[8], &honest[4..10], &b"x".repeat(1 << 20)].concat()),
            "400",
        ),
        Case::new(
            "an extra field beyond the end",
            headed(4, vec![0xff, 0xff]),
            "400",
        ),
        Case::new(
            "rubbish behind it",
            zipped(&[&honest[..], b"rubbish"].concat()),
            "400",
        ),
        Case::new("nothing", zipped(b""), "400"),
    ];
    assert_harmless(&victim().await, cases).await;
}

#[tokio::test]
async fn nesting_has_a_limit() {
    let nested = |start: &str, end: &str, depth: usize| {
        let value = [start.repeat(depth), end.repeat(depth)].concat();
        let echo = call("smuggled").replace("ledger.run", "echo");
        super::case::request("X: y", &echo.replace("smuggled", &value))
    };
    let arrays = ("<array><data><value>", "</value></data></array>");
    let structs = (
        "<struct><member><name>x</name><value>",
        "</value></member></struct>",
    );
    let cases = [
        Case::new(
            "arrays",
            nested(arrays.0, arrays.1, 10_000),
            "fault -32600, honest",
        ),
        Case::new(
            "arrays that are not closed",
            nested(arrays.0, "", 500_000),
            "fault -32600, honest",
        ),
        Case::new(
            "structs",
            nested(structs.0, structs.1, 10_000),
            "fault -32600, honest",
        ),
        Case::new(
            "structs that are not closed",
            nested(structs.0, "", 300_000),
            "fault -32600, honest",
        ),
        Case::new(
            "both",
            nested(
                &(arrays.0.to_owned() + structs.0),
                &(structs.1.to_owned() + arrays.1),
                5_000,
            ),
            "fault -32600, honest",
        ),
        Case::new(
            "elements that mean nothing",
            nested("<a>", "</a>", 1_000_000),
            "fault -32600, honest",
        ),
        Case::new(
            "elements in different names",
            nested("<a><b>", "</b></a>", 1_000_000),
            "fault -32600, honest",
        ),
        Case::new(
            "values in values",
            nested("<value>", "</value>", 1_000_000),
            "fault -32600, honest",
        ),
        Case::new(
            "ends alone",
            nested("", "</value>", 1_000_000),
            "fault -32700, honest",
        ),
        Case::new(
            "elements before the call",
            super::case::request("X: y", &"<a>".repeat(1_000_000)),
            "fault -32600, honest",
        ),
        Case::new(
            "calls in calls",
            super::case::request("X: y", &"<methodCall>".repeat(1_000_000)),
            "fault -32600, honest",
        ),
        Case::new(
            "names in the name",
            super::case::request(
                "X: y",
                &("<methodCall>".to_owned() + &"<methodName>".repeat(1_000_000)),
            ),
            "fault -32600, honest",
        ),
        Case::new(
            "arrays within the limit, and one value too deep",
            nested(arrays.0, arrays.1, 64),
            "fault -32600, honest",
        ),
    ];
    assert_harmless(&victim().await, cases).await;
}
