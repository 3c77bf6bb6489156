//! Checks of request heads that HTTP/1.1 requires and hyper does not make, for requests over
//! connections of this server.

use http::header::{CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{Request, StatusCode, Version};
use http_body::Body;

use super::Rejection;

/// Maximum bytes of a request head: its target, and the names and values of its headers.
pub(super) const MAX_HEAD: usize = 64 << 10;

/// Refuses a request whose head is too long, or is ambiguous, so that an intermediary may have read
/// it differently.
///
/// # Errors
/// The response to send.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Rejection> {
    let (mut hosts, mut are_hosts) = (0, true);
    let (mut codings, mut are_chunked) = (0, true);
    let target = request.uri().path_and_query();
    let mut length = target.map_or(0, |target| target.as_str().len());
    // One pass is faster than two lookups.
    for (name, value) in request.headers() {
        length += name.as_str().len() + value.len() + ": \r\n".len();
        if *name == HOST {
            hosts += 1;
            are_hosts &= is_host(value.as_bytes());
        } else if *name == TRANSFER_ENCODING {
            codings += 1;
            are_chunked &= value.as_bytes().eq_ignore_ascii_case(b"chunked");
        }
    }
    // hyper checks the length only of a head that does not arrive in one piece.
    if length > MAX_HEAD {
        let text = format!("the head is over the limit of {MAX_HEAD} bytes");
        return Err(Rejection::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            text,
        ));
    }
    // RFC 9112, 3.2.
    let has_one_host = match hosts {
        0 => request.version() < Version::HTTP_11,
        1 => are_hosts,
        _ => false,
    };
    if !has_one_host {
        let text = "a request must have exactly one valid Host header";
        return Err(Rejection::new(StatusCode::BAD_REQUEST, text));
    }
    // RFC 9112, 6.1. Of several codings hyper checks only the last.
    if codings > 1 || !are_chunked {
        let text = "unsupported transfer coding: use chunked";
        return Err(Rejection::new(StatusCode::NOT_IMPLEMENTED, text));
    }
    Ok(())
}

/// Refuses a call that does not declare the length of its body. Such a call has no body (RFC 9112,
/// 6.3), and the bytes after its head are another request. A body that is present needs no declared
/// length, as in HTTP/2 or within one program.
///
/// # Errors
/// The response to send.
pub(super) fn check_length(headers: &HeaderMap, body: &impl Body) -> Result<(), Rejection> {
    let has_none =
        || !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING);
    if body.is_end_stream() && has_none() {
        let text = "a call needs a body: there is no Content-Length and no Transfer-Encoding";
        return Err(Rejection::new(StatusCode::LENGTH_REQUIRED, text).closing());
    }
    Ok(())
}

fn is_host(host: &[u8]) -> bool {
    host.is_empty()
        || is_plain_host(host)
        || !host.contains(&b'@') && Authority::try_from(host).is_ok()
}

/// Returns `true` for a name or an IPv4 address, with or without a port, as nearly all hosts are.
/// Parsing would copy the host.
fn is_plain_host(host: &[u8]) -> bool {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let end = host.iter().position(|b| !is_plain(b)).unwrap_or(host.len());
    match host.split_at(end) {
        ([], _) => false,
        (_, []) => true,
        (_, [b':', port @ ..]) => {
            matches!(port.len(), 1..=5) && port.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(version: Version, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refused = check(&request.body(()).unwrap()).err();
        refused.map(|rejection| rejection.0.status().as_u16())
    }

    #[test]
    fn requests_must_name_exactly_one_host() {
        for (hosts, refused) in [
            (&[][..], true),
            (&["a", "a"], true),
            (&["a/b"], true),
            (&["a b"], true),
            (&["u@a"], true),
            (&[""], false),
            (&["a.example"], false),
            (&["a:80"], false),
            (&["[::1]:80"], false),
        ] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            let expected = refused.then_some(400);
            assert_eq!(status(Version::HTTP_11, &headers), expected, "{hosts:?}");
        }
        assert_eq!(status(Version::HTTP_10, &[]), None);
    }

    #[test]
    fn a_head_in_one_piece_has_a_limit_too() {
        let long = |length| "x".repeat(length);
        for (length, expected) in [(60_000, None), (MAX_HEAD, Some(431))] {
            let value = long(length);
            let headers = [("host", "a"), ("x", &*value)];
            assert_eq!(status(Version::HTTP_11, &headers), expected, "{length}");
            let half = long(length / 2);
            let headers = [("host", "a"), ("x", &*half), ("y", &*half)];
            assert_eq!(status(Version::HTTP_11, &headers), expected, "{length}");
        }
    }

    #[test]
    fn a_head_may_have_exactly_the_bytes_of_the_limit() {
        // The target, and the lines of both headers without the long value.
        let others = "*".len() + "host: a\r\n".len() + "x: \r\n".len();
        for (length, expected) in [(MAX_HEAD, None), (MAX_HEAD + 1, Some(431))] {
            let value = "x".repeat(length - others);
            let mut request = Request::builder().uri("*");
            for (name, value) in [("host", "a"), ("x", &value)] {
                request = request.header(name, value);
            }
            let refused = check(&request.body(()).unwrap()).err();
            let refused = refused.map(|rejection| rejection.0.status().as_u16());
            assert_eq!(refused, expected, "{length}");
        }
    }

    #[test]
    fn plain_hosts_are_hosts() {
        for host in [
            "a",
            "a.b-c.example",
            "127.0.0.1:80",
            "a:65535",
            "-",
            "..",
            "1",
        ] {
            assert!(is_plain_host(host.as_bytes()), "{host}");
            assert!(Authority::try_from(host).is_ok(), "{host}");
        }
        for host in ["", ":80", "a:", "a:b", "a:1:2", "a@b", "[::1]", "a/b", "é"] {
            assert!(!is_plain_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn the_only_transfer_coding_is_chunked() {
        let with = |codings: &[&'static str]| {
            let codings = codings.iter().map(|coding| ("transfer-encoding", *coding));
            let headers: Vec<_> = [("host", "a")].into_iter().chain(codings).collect();
            status(Version::HTTP_11, &headers)
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&["Chunked"]), None);
        assert_eq!(with(&["gzip, chunked"]), Some(501));
        assert_eq!(with(&["gzip", "chunked"]), Some(501));
        assert_eq!(with(&["chunked", "chunked"]), Some(501));
    }
}
