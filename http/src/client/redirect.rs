//! Redirects: their targets, and the rules by which they are followed.

use http::StatusCode;

use super::response::{Headers, Unfollowed};
use super::url::{HttpUrl, Referred, Scheme};

/// Returns `true` if a response with this status and a location redirects the call, and so proves
/// that no method ran. On 301 and 302 browsers change the request method to GET (RFC 9110, 15.4.2),
/// which makes no sense for a call, so the call is repeated as it is. 303 asks for a GET, and so
/// does not count.
pub(super) const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 307 | 308)
}

/// Returns the URL that a response redirects a call to, after `before` earlier redirects. It has
/// the scheme, host and port of `from`, or is an `https` URL of the same host, unless the transport
/// `is_fixed`. Its user information is ignored.
///
/// A certificate proves that an `https` server is that host, at any port, so it may have the
/// credentials. The reverse would send them unencrypted.
pub(super) fn target(
    from: &HttpUrl,
    status: StatusCode,
    headers: &Headers,
    before: usize,
    limit: usize,
    is_fixed: bool,
) -> Result<HttpUrl, Unfollowed> {
    if !is_redirect(status) {
        return Err(Unfollowed::NotForCalls);
    }
    let location = headers.location.as_ref();
    let location = location.and_then(|location| str::from_utf8(location.as_bytes()).ok());
    let referred = location.and_then(|location| from.join(location).ok());
    let url = match referred.ok_or(Unfollowed::Malformed)? {
        Referred::Http(url) if is_same_server(&url, from) => url,
        Referred::Http(url) if url.host() == from.host() && url.scheme() != from.scheme() => {
            match url.scheme() {
                Scheme::Http => return Err(Unfollowed::Unencrypted),
                Scheme::Https if cfg!(not(feature = "_tls")) => return Err(Unfollowed::NoTls),
                Scheme::Https if is_fixed => return Err(Unfollowed::OtherHost),
                Scheme::Https => url,
            }
        }
        _ => return Err(Unfollowed::OtherHost),
    };
    if before >= limit {
        return Err(Unfollowed::TooMany(before));
    }
    Ok(url)
}

fn is_same_server(one: &HttpUrl, other: &HttpUrl) -> bool {
    let server = |url: &HttpUrl| (url.scheme(), url.port());
    server(one) == server(other) && one.host() == other.host()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::url::Target;
    use super::*;

    fn follow(from: &str, status: u16, location: &[u8]) -> Result<String, Unfollowed> {
        let headers = Headers {
            location: Some(HeaderValue::from_bytes(location).unwrap()),
            ..Headers::default()
        };
        let status = StatusCode::from_u16(status).unwrap();
        let from = Target::parse(from, "/RPC2").unwrap().url;
        let url = target(&from, status, &headers, 2, 3, false)?;
        Ok(url.path_and_query().to_owned())
    }

    #[cfg(feature = "_tls")]
    #[test]
    fn a_redirect_may_lead_from_http_to_https_and_never_back() {
        let follow = |from: &str, location: &'static str, is_fixed| {
            let headers = Headers {
                location: Some(HeaderValue::from_static(location)),
                ..Headers::default()
            };
            let from = Target::parse(from, "/RPC2").unwrap().url;
            let url = target(&from, StatusCode::FOUND, &headers, 0, 1, is_fixed)?;
            Ok(url.as_str().to_owned())
        };
        let from = "http://h.example:81/a";
        for location in [
            "https://h.example/x",
            "https://h.example:81/x",
            "https://H.example:8443",
        ] {
            assert!(
                follow(from, location, false)
                    .unwrap()
                    .starts_with("https://h.example")
            );
            assert_eq!(follow(from, location, true), Err(Unfollowed::OtherHost));
        }
        let secure = "https://h.example:8443/a";
        let kept = follow(secure, "/x", true);
        assert_eq!(kept.as_deref(), Ok("https://h.example:8443/x"));
        for (location, expected) in [
            ("http://h.example:8443/a", Unfollowed::Unencrypted),
            ("http://h.example/a", Unfollowed::Unencrypted),
            ("http://other.example/a", Unfollowed::OtherHost),
            ("https://h.example/a", Unfollowed::OtherHost),
            ("https://other.example:8443/a", Unfollowed::OtherHost),
        ] {
            assert_eq!(follow(secure, location, false), Err(expected), "{location}");
        }
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
