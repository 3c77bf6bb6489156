//! Responses with parts of the page.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};

macro_rules! policy {
    ($connections:literal) => {
        HeaderValue::from_static(concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; ",
            "connect-src ",
            $connections,
            "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ))
    };
}

/// The content security policy of a page whose forms call the server.
pub(super) const POLICY_WITH_CALLS: HeaderValue = policy!("'self'");

/// The same of a page without calls.
pub(super) const POLICY: HeaderValue = policy!("'none'");

/// The style of the page.
pub(super) static STYLE: LazyLock<Content> =
    LazyLock::new(|| Content::new("text/css; charset=utf-8", include_str!("page.css").into()));

/// The script of the page.
pub(super) static SCRIPT: LazyLock<Content> = LazyLock::new(|| {
    Content::new(
        "text/javascript; charset=utf-8",
        include_str!("page.js").into(),
    )
});

/// The content of a response: a text, and the same compressed.
pub(super) struct Content {
    content_type: &'static str,
    text: Bytes,
    zipped: Bytes,
    etag: HeaderValue,
}

impl Content {
    pub(super) fn new(content_type: &'static str, text: String) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        // Weak: it is that of the compressed text as well.
        let etag = format!("W/\"{:016x}\"", hasher.finish());
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to a vector cannot fail.
        let written = encoder.write_all(text.as_bytes());
        let zipped = written.and_then(|()| encoder.finish()).unwrap_or_default();
        Self {
            content_type,
            text: text.into(),
            zipped: zipped.into(),
            etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("W/\"\"")),
        }
    }

    /// Answers a request with these headers.
    pub(super) fn respond(&self, request: &HeaderMap) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let fixed = HeaderValue::from_static;
        for (name, value) in [
            (CONTENT_TYPE, fixed(self.content_type)),
            (CACHE_CONTROL, fixed("no-cache")),
            (ETAG, self.etag.clone()),
            (VARY, fixed("accept-encoding, accept")),
            (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (REFERRER_POLICY, fixed("no-referrer")),
            (OPENER_POLICY, fixed("same-origin")),
            (RESOURCE_POLICY, fixed("same-origin")),
        ] {
            response.headers_mut().insert(name, value);
        }
        if self.is_known(request) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if accepts_gzip(request) {
            let gzip = fixed("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, gzip);
            *response.body_mut() = self.zipped.clone();
        } else {
            *response.body_mut() = self.text.clone();
        }
        response
    }

    /// Returns `true` if the client has this content already.
    fn is_known(&self, request: &HeaderMap) -> bool {
        let tag = |text: &str| text.trim().trim_start_matches("W/").to_owned();
        let own = self.etag.to_str().map(tag).unwrap_or_default();
        items(request, &IF_NONE_MATCH).any(|known| known == "*" || tag(known) == own)
    }
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Returns `true` if the client can show the page.
pub(super) fn accepts_html(request: &HeaderMap) -> bool {
    !request.contains_key(ACCEPT)
        || items(request, &ACCEPT).any(|item| {
            let media = item.split(';').next().unwrap_or_default().trim_end();
            matches!(media, "text/html" | "text/*" | "*/*")
        })
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    items(request, &ACCEPT_ENCODING).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_gzip = parts.next() == Some("gzip");
        let refused = |part: &str| {
            let quality = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
            quality.is_some_and(|quality| quality <= 0.0)
        };
        is_gzip && !parts.any(refused)
    })
}

/// Returns the items of a header that is a list.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn html_is_for_those_who_accept_it() {
        assert!(accepts_html(&HeaderMap::new()));
        for (accept, is_accepted) in [
            ("*/*", true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9",
                true,
            ),
            ("application/json", false),
            ("text/xml", false),
        ] {
            assert_eq!(
                accepts_html(&request(ACCEPT, accept)),
                is_accepted,
                "{accept}"
            );
        }
    }

    #[test]
    fn known_content_is_not_sent_again() {
        let content = Content::new("text/plain", "x".repeat(1000));
        let response = content.respond(&HeaderMap::new());
        assert_eq!(response.body().len(), 1000);
        let etag = response.headers()[ETAG].to_str().unwrap().to_owned();
        for known in [
            etag.clone(),
            format!("\"a\", {etag}"),
            etag.replace("W/", ""),
            "*".into(),
        ] {
            let known = HeaderMap::from_iter([(IF_NONE_MATCH, known.parse().unwrap())]);
            let response = content.respond(&known);
            assert_eq!(response.status(), 304);
            assert!(response.body().is_empty());
        }
        assert_eq!(
            content.respond(&request(IF_NONE_MATCH, "\"a\"")).status(),
            200
        );
    }

    #[test]
    fn content_is_compressed_for_those_who_accept_it() {
        let content = Content::new("text/plain", "x".repeat(1000));
        for (accept, is_zipped) in [("gzip", true), ("br, gzip;q=1", true), ("gzip;q=0", false)] {
            let response = content.respond(&request(ACCEPT_ENCODING, accept));
            assert_eq!(response.headers().contains_key(CONTENT_ENCODING), is_zipped);
            assert_eq!(response.body().len() < 100, is_zipped);
        }
    }
}
