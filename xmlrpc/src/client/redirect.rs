//! Redirects: where an answer sends a call, and whether the call goes there.

use std::fmt;

use http::StatusCode;
use url::{Position, Url};

use super::response::Headers;

/// Why a redirect was not followed although the client follows some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfollowed {
    /// The call has been redirected this many times.
    TooMany(usize),
    /// The credentials of the client are for one host and port.
    OtherHost,
    /// It leads to the `https` of the same host.
    NoTls,
    /// There is no `Location`, or none that is a URL.
    Malformed,
    /// It is to be followed with another request than the one that was made.
    NotForCalls,
}

impl fmt::Display for Unfollowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(1) => f.write_str("it was redirected once before, and is no further"),
            Self::TooMany(times) => {
                write!(
                    f,
                    "it was redirected {times} times before, and is no further"
                )
            }
            Self::OtherHost => {
                f.write_str("redirects to another host, port or scheme are not followed")
            }
            Self::NoTls => f.write_str("it is to `https`, and this build has no TLS yet"),
            Self::Malformed => f.write_str("the redirect leads to no URL"),
            Self::NotForCalls => f.write_str("redirects of this kind are not for calls"),
        }
    }
}

/// Whether an answer with this status and a location sends the call elsewhere, and so shows that no
/// method ran here. 301 and 302 had browsers change the method to GET (RFC 9110, 15.4.2), which is
/// what no call can have been meant by; 303 asks for that.
pub(super) const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 307 | 308)
}

/// The URL that an answer redirects a call to, which was redirected some times before: of the same
/// scheme, host and port, without user information.
pub(super) fn target(
    from: &Url,
    status: StatusCode,
    headers: &Headers,
    before: usize,
    limit: usize,
) -> Result<Url, Unfollowed> {
    if !is_redirect(status) {
        return Err(Unfollowed::NotForCalls);
    }
    let location = headers.location.as_ref();
    let location = location.and_then(|location| str::from_utf8(location.as_bytes()).ok());
    let url = location.and_then(|location| from.join(location).ok());
    let url = url.ok_or(Unfollowed::Malformed)?;
    if url.scheme() == "https" && url.host() == from.host() {
        return Err(Unfollowed::NoTls);
    }
    // Those that such a URL has as soon as it is one, default ports included.
    let place = |url: &Url| (url.scheme() == "http").then(|| url.origin());
    if place(&url).is_none() || place(&url) != place(from) {
        return Err(Unfollowed::OtherHost);
    }
    if before >= limit {
        return Err(Unfollowed::TooMany(before));
    }
    Ok(url)
}

/// What stands in the request line of a server.
pub(super) fn path_and_query(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn follow(from: &str, status: u16, location: &[u8]) -> Result<String, Unfollowed> {
        let headers = Headers {
            location: Some(HeaderValue::from_bytes(location).unwrap()),
            ..Headers::default()
        };
        let status = StatusCode::from_u16(status).unwrap();
        let url = target(&from.parse().unwrap(), status, &headers, 2, 3)?;
        Ok(path_and_query(&url).to_owned())
    }

    #[test]
    fn only_the_same_host_and_port_are_followed() {
        let from = "http://h.example:81/a/b?c";
        for (location, expected) in [
            ("/RPC2", Ok("/RPC2")),
            ("x?y", Ok("/a/x?y")),
            ("", Ok("/a/b?c")),
            ("?d", Ok("/a/b?d")),
            ("http://h.example:81", Ok("/")),
            ("http://H.EXAMPLE:81/x#y", Ok("/x")),
            ("//h.example:81/x", Ok("/x")),
            ("http://u:p@h.example:81/x", Ok("/x")),
            ("/\u{e9} x", Ok("/%C3%A9%20x")),
            ("https://h.example/x", Err(Unfollowed::NoTls)),
            ("https://h.example:81/x", Err(Unfollowed::NoTls)),
            ("https://evil.example/x", Err(Unfollowed::OtherHost)),
            ("http://h.example/x", Err(Unfollowed::OtherHost)),
            ("http://h.example:82/x", Err(Unfollowed::OtherHost)),
            ("http://evil.example:81/x", Err(Unfollowed::OtherHost)),
            ("//evil.example:81/x", Err(Unfollowed::OtherHost)),
            ("\\\\evil.example:81/x", Err(Unfollowed::OtherHost)),
            ("http:\\\\evil.example:81", Err(Unfollowed::OtherHost)),
            (
                "http://h.example:81@evil.example",
                Err(Unfollowed::OtherHost),
            ),
            ("http://sub.h.example:81/", Err(Unfollowed::OtherHost)),
            ("ftp://h.example:81/", Err(Unfollowed::OtherHost)),
            ("file:///etc/passwd", Err(Unfollowed::OtherHost)),
            ("javascript:alert(1)", Err(Unfollowed::OtherHost)),
            ("http://h.example:99999/", Err(Unfollowed::Malformed)),
            ("http://[::1/", Err(Unfollowed::Malformed)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(
                follow(from, 307, location.as_bytes()),
                expected,
                "{location}"
            );
        }
        assert_eq!(follow(from, 302, b"\xff"), Err(Unfollowed::Malformed));
        let default = follow("http://h.example/", 308, b"http://h.example:80/x");
        assert_eq!(default.as_deref(), Ok("/x"));
        for status in [300, 303, 304, 305, 306] {
            assert_eq!(follow(from, status, b"/x"), Err(Unfollowed::NotForCalls));
        }
    }
}
