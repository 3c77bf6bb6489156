use proptest::prelude::*;

use super::segments::{Outcome, read_segments};
use super::*;

/// Reads a response in segments of all sizes, and checks that the outcome is the same.
fn read(bytes: impl AsRef<[u8]>) -> Outcome {
    let bytes = bytes.as_ref();
    let outcome = read_segments(&[bytes.len()], bytes, 1000);
    for size in 1..bytes.len().min(200) {
        assert_eq!(
            read_segments(&[size], bytes, 1000),
            outcome,
            "in segments of {size}"
        );
    }
    outcome
}

fn whole(body: &str, keeps_open: bool) -> Outcome {
    Outcome::Whole {
        status: 200,
        body: body.into(),
        keeps_open,
        unread: 0,
    }
}

fn chunked(chunks: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n";

#[test]
fn bodies_have_three_kinds_of_framing() {
    assert_eq!(read(LENGTH), whole("hello", true));
    assert_eq!(read(CHUNKS), whole("hello", true));
    assert_eq!(read("HTTP/1.1 200 OK\r\n\r\nhello"), whole("hello", false));
    assert_eq!(read("HTTP/1.1 200 OK\r\n\r\n"), whole("", false));
    assert_eq!(read(chunked("0\r\n\r\n")), whole("", true));
    let empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(read(empty), whole("", true));
}

#[test]
fn the_challenge_of_a_listener_for_connections_is_told_from_other_bytes() {
    let challenge = b"\0\0\0\x37#CHALLENGE#{sha256}";
    let Outcome::None(text) = read(challenge) else {
        panic!("a challenge is no response");
    };
    assert!(
        text.contains("authkey") && text.contains("`conn+rpc://…`"),
        "{text}"
    );
    for other in [
        &b"\0\0\0\x05hello"[..],
        b"\0\0\0\x37#CHALL",
        b"\0",
        b"SSH-2.0-x\r\n",
    ] {
        let outcome = read(other);
        assert!(
            matches!(&outcome, Outcome::None(text) if text.contains("is not HTTP")),
            "{outcome:?}"
        );
    }
}

#[test]
fn tls_is_told_from_other_bytes() {
    for start in [b"\x15\x03\x01".as_slice(), b"\x16\x03\x03\x00"] {
        let outcome = read(start);
        assert!(
            matches!(&outcome, Outcome::None(text) if text.contains("speaks TLS")),
            "{outcome:?}"
        );
    }
    for other in [&b"\x15\x02\x01"[..], b"\x17\x03\x03"] {
        let outcome = read(other);
        assert!(
            matches!(&outcome, Outcome::None(text) if text.contains("is not HTTP")),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_truncated_response_is_never_complete() {
    for response in [LENGTH, CHUNKS] {
        for end in 0..response.len() {
            let outcome = read(&response[..end]);
            assert!(!matches!(outcome, Outcome::Whole { .. }), "cut at {end}");
            let has_head = end >= response.find("\r\n\r\n").unwrap() + 4;
            let has_body = matches!(outcome, Outcome::Broken(..));
            assert_eq!(has_head, has_body, "cut at {end}");
        }
    }
    assert!(matches!(read(""), Outcome::None(text) if text.contains("without a response")));
    assert!(matches!(read("H"), Outcome::None(text) if text.contains("within the response")));
}

#[test]
fn a_connection_is_kept_by_the_rules_of_each_version() {
    let keeps_open = |line: &str, headers: &str| {
        let response = format!("{line}\r\nContent-Length: 0\r\n{headers}\r\n");
        let Outcome::Whole { keeps_open, .. } = read(response) else {
            panic!("the response is incomplete");
        };
        keeps_open
    };
    let (old, new) = ("HTTP/1.0 200 OK", "HTTP/1.1 200 OK");
    assert!(keeps_open(new, ""));
    assert!(!keeps_open(old, ""));
    assert!(keeps_open(old, "connection: Keep-Alive\r\n"));
    assert!(!keeps_open(new, "Connection: CLOSE\r\n"));
    assert!(!keeps_open(new, "Connection: x, close\r\n"));
    assert!(!keeps_open(
        old,
        "Connection: keep-alive\r\nConnection: close\r\n"
    ));
}

#[test]
fn bytes_after_the_response_are_left_unread() {
    let Outcome::Whole { body, unread, .. } = read(format!("{CHUNKS}HTTP/1.1 200 OK\r\n")) else {
        panic!("the response is incomplete");
    };
    assert_eq!((body.as_slice(), unread), (&b"hello"[..], 17));
}

#[test]
fn interim_responses_are_skipped() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let response = format!("HTTP/1.1 100 Continue\r\n\r\n{hints}{hints}{LENGTH}");
    assert_eq!(read(response), whole("hello", true));
    assert!(matches!(read(hints), Outcome::None(text) if text.contains("within the response")));
    // The client never asks for another protocol.
    let Outcome::Whole {
        status, keeps_open, ..
    } = read("HTTP/1.1 101 Switching\r\n\r\n")
    else {
        panic!("the response is incomplete");
    };
    assert_eq!((status, keeps_open), (101, false));
}

#[test]
fn some_statuses_have_no_body() {
    for status in [204, 304] {
        let response = format!("HTTP/1.1 {status} x\r\nContent-Length: 5\r\n\r\n");
        let expected = Outcome::Whole {
            status,
            body: Vec::new(),
            keeps_open: true,
            unread: 0,
        };
        assert_eq!(read(response), expected);
    }
}

#[test]
fn chunks_override_a_length_and_the_connection_is_closed() {
    for headers in [
        "Content-Length: 500\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{headers}\r\n5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(read(response), whole("hello", false), "{headers:?}");
    }
}

#[test]
fn ambiguous_framing_is_refused() {
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding:\r\n",
        // Other readers accept these as a length.
        "X: y\r\n Content-Length: 5\r\n",
        "Content-Length : 5\r\n",
        "X: y\rContent-Length: 5\r\n",
        "X: y\0\r\n",
        "Content\0-Length: 5\r\n",
        ": 5\r\n",
    ] {
        let outcome = read(format!("HTTP/1.1 200 OK\r\n{headers}\r\nhello"));
        assert!(
            matches!(outcome, Outcome::None(_)),
            "{headers:?}: {outcome:?}"
        );
    }
    let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert!(matches!(read(old), Outcome::None(_)));
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(read(twice), whole("hello", true));
}

#[test]
fn malformed_status_lines_are_refused() {
    for line in [
        "HTTP/2.0 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1",
        "SSH-2.0-OpenSSH_9.6",
        "<html>",
        "220 mail.example.org ESMTP",
    ] {
        let outcome = read(format!("{line}\r\nContent-Length: 0\r\n\r\n"));
        assert!(matches!(outcome, Outcome::None(_)), "{line}: {outcome:?}");
    }
}

#[test]
fn malformed_chunks_are_refused() {
    for chunks in [
        "5\r\nhello\r\n0\r\n\r\n",
        "005\r\nhello\r\n000\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5;x=\"y;z\"\r\nhello\r\n0;q\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n0\r\na: b\r\nc: d\r\n\r\n",
    ] {
        assert_eq!(read(chunked(chunks)), whole("hello", true), "{chunks:?}");
    }
    for chunks in [
        "\r\nhello\r\n0\r\n\r\n",
        ";x\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5g\r\nhello\r\n0\r\n\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nno trailer\r\n\r\n",
        "5\r\nhello\r\n0\r\n folded: x\r\n\r\n",
    ] {
        let outcome = read(chunked(chunks));
        assert!(
            matches!(&outcome, Outcome::Broken(200, ..)),
            "{chunks:?}: {outcome:?}"
        );
    }
    // The largest possible size is over any limit.
    let huge = read(chunked("ffffffffffffffff\r\nhello"));
    assert!(matches!(huge, Outcome::Broken(..)), "{huge:?}");
}

#[test]
fn bodies_have_a_limit() {
    let at = |limit: usize, response: &str| read_segments(&[7], response.as_bytes(), limit);
    let large = |body: &str| Outcome::Broken(200, body.into(), "too large".to_owned());
    for response in [LENGTH, CHUNKS, "HTTP/1.0 200 OK\r\n\r\nhello"] {
        assert!(matches!(at(5, response), Outcome::Whole { .. }));
    }
    // A declared length over the limit is refused at once, without reserving memory.
    assert_eq!(at(4, LENGTH), large(""));
    let endless = "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
    assert_eq!(at(usize::MAX >> 1, endless), large(""));
    assert_eq!(at(4, CHUNKS), large("hell"));
    assert_eq!(at(4, "HTTP/1.0 200 OK\r\n\r\nhello"), large("hell"));
}

#[test]
fn heads_extensions_and_trailers_have_limits() {
    let endless = |start: &str, part: &str| {
        let response = start.to_owned() + &part.repeat(200_000 / part.len());
        let outcome = read_segments(&[1000], response.as_bytes(), 1000);
        assert!(!matches!(outcome, Outcome::Whole { .. }), "{part:?}");
        let text = format!("{outcome:?}");
        assert!(!text.contains("within the response"), "{part:?}: {text}");
    };
    let head = "HTTP/1.1 200 OK\r\n";
    endless(head, "X: y\r\n");
    endless(&format!("{head}X: "), "y");
    endless("", "HTTP/1.1 100 Continue\r\n\r\n");
    endless("", "\r\n");
    endless(&chunked("1;"), "x");
    endless(&chunked(""), "1;extension\r\nx\r\n");
    endless(&chunked("0\r\n"), "X: y\r\n");
    endless(&chunked("0\r\nX: "), "y");
    let headers = format!("{head}Content-Length: 0\r\n{}\r\n", "X: y\r\n".repeat(99));
    assert_eq!(
        read_segments(&[1000], headers.as_bytes(), 0),
        whole("", true)
    );
}

#[test]
fn large_responses_are_complete_and_leave_no_large_buffer() {
    let body = "x".repeat(3_000_000);
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n{body}");
    for response in [response, chunked(&format!("2dc6c0\r\n{body}\r\n0\r\n\r\n"))] {
        let outcome = read_segments(&[1 << 20], response.as_bytes(), body.len());
        assert_eq!(outcome, whole(&body, true));
    }
    let mut buffer = Buffer::new();
    for _ in 0..10 {
        let length = buffer.space().len();
        buffer.fill(length);
        buffer.consume(length);
    }
    assert!(buffer.space().len() > 100_000);
    buffer.shrink();
    assert!(buffer.space().len() < 10_000);
}

/// Reads a response in one piece, and in pieces whose ends are all around its limit.
fn read_around(response: &str, limit: usize) -> Outcome {
    let at_once = read_segments(&[response.len()], response.as_bytes(), 1000);
    let sizes: Vec<usize> = std::iter::once(limit - 100).chain([1; 400]).collect();
    let split = read_segments(&sizes, response.as_bytes(), 1000);
    match (&at_once, &split) {
        // The same limit, seen at different offsets.
        (Outcome::None(_), Outcome::None(_)) => {}
        _ => assert_eq!(at_once, split),
    }
    split
}

#[test]
fn the_heads_of_a_response_have_at_most_64_kib() {
    let limit = 64 << 10;
    let interim = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n";
    for before in ["", interim, &interim.repeat(2)] {
        let start = format!("{before}HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: ");
        let head = |length: usize| {
            let filling = "y".repeat(length - start.len() - 4);
            format!("{start}{filling}\r\n\r\nhello")
        };
        assert_eq!(read_around(&head(limit), limit), whole("hello", true));
        let over = read_around(&head(limit + 1), limit);
        let is_refused = matches!(&over, Outcome::None(text) if text.contains("65536 bytes"));
        assert!(is_refused, "{over:?}");
    }
}

#[test]
fn a_response_has_at_most_100_headers_and_100_trailers() {
    let headers = |count: usize| {
        let others = "X: y\r\n".repeat(count - 1);
        format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{others}\r\nhello")
    };
    assert_eq!(read(headers(100)), whole("hello", true));
    assert!(matches!(read(headers(101)), Outcome::None(_)));
    let trailers = |count: usize| {
        let trailers = "X: y\r\n".repeat(count);
        chunked(&format!("5\r\nhello\r\n0\r\n{trailers}\r\n"))
    };
    assert_eq!(read(trailers(100)), whole("hello", true));
    assert!(matches!(read(trailers(101)), Outcome::Broken(..)));
}

#[test]
fn the_extensions_of_all_chunks_have_at_most_16_kib() {
    let limit = 16 << 10;
    let extended = |ignored: usize| {
        // Each of five chunks has a fifth, and the last line the rest.
        let part = ignored / 5;
        let chunk = format!("1;{}\r\nx\r\n", "e".repeat(part - 1));
        let rest = ignored - 5 * part;
        let last = match rest {
            0 => String::new(),
            rest => format!(";{}", "e".repeat(rest - 1)),
        };
        chunked(&format!("{}0{last}\r\n\r\n", chunk.repeat(5)))
    };
    assert_eq!(read_around(&extended(limit), limit), whole("xxxxx", true));
    let over = read_around(&extended(limit + 1), limit);
    assert!(matches!(over, Outcome::Broken(..)), "{over:?}");
}

/// Lines of chunks and trailers are kept until they are complete.
#[test]
fn at_most_16_kib_of_a_line_or_of_trailers_wait_for_the_rest() {
    let limit = 16 << 10;
    let line = |length: usize| format!("5;{}\r\nhello\r\n0\r\n\r\n", "e".repeat(length - 2));
    let trailers = |length: usize| {
        let filling = "y".repeat(length - "X: \r\n\r".len());
        format!("5\r\nhello\r\n0\r\nX: {filling}\r\n\r\n")
    };
    // The last of these bytes is a CR: with the LF, the part is complete.
    let whole_at = |chunks: String, start: usize| {
        let response = chunked(&chunks);
        let before = response.len() - chunks.len() + start;
        let sizes: Vec<usize> = std::iter::once(before + limit - 10)
            .chain([1; 40])
            .collect();
        read_segments(&sizes, response.as_bytes(), 1000)
    };
    let before_trailers = "5\r\nhello\r\n0\r\n".len();
    assert_eq!(whole_at(line(limit - 1), 0), whole("hello", true));
    assert_eq!(
        whole_at(trailers(limit), before_trailers),
        whole("hello", true)
    );
    for over in [
        whole_at(line(limit), 0),
        whole_at(trailers(limit + 1), before_trailers),
    ] {
        assert!(matches!(over, Outcome::Broken(..)), "{over:?}");
    }
}

proptest! {
    /// A damaged response is read the same, however it is split into segments.
    #[test]
    fn segments_make_no_difference(
        which in 0..3usize,
        damages in proptest::collection::vec((any::<prop::sample::Index>(), "[ -~\r\n\t]"), 0..4),
        size in 1..40usize,
    ) {
        let interim = format!("HTTP/1.1 100 Continue\r\n\r\n{CHUNKS}");
        let mut response = [LENGTH, CHUNKS, &interim][which].as_bytes().to_vec();
        for (offset, byte) in damages {
            let offset = offset.index(response.len());
            response[offset] = byte.as_bytes()[0];
        }
        let at_once = read_segments(&[response.len()], &response, 1000);
        let split = read_segments(&[size], &response, 1000);
        // The same damage may be detected at different offsets.
        match (&at_once, &split) {
            (Outcome::None(_), Outcome::None(_)) => {}
            _ => prop_assert_eq!(&at_once, &split),
        }
    }
}
