//! Admission of a request by its head: whether its body is read.

use std::sync::Arc;

use farcall_core::protocol::Origin;
use farcall_core::{Identity, TraceContext};
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Extensions, Method, Request, StatusCode, Version};
use http_body::Body;

use crate::coding::{Coding, Gzip};
use crate::server::browser::{self, AcceptedHost, BrowserScheme, HostPolicy};
use crate::server::head::DecisiveHeaders;
use crate::server::pages::PageRequest;
use crate::server::protocol::Offered;
use crate::server::{HttpServer, Protocol, Rejection, Upgrade};

/// Maximum bytes of a request head: its target, and the names and values of its headers.
pub(in crate::server) const MAX_HEAD: usize = 64 << 10;

/// A request whose head was checked and accepted.
pub(in crate::server) struct AdmittedRequest<'a, B> {
    pub(super) coding: Coding,
    pub(super) spoken: Spoken<'a>,
    pub(super) origin: Arc<Origin>,
    pub(super) body: B,
}

/// The way in which the body of a request is read and answered.
struct Route<'a> {
    coding: Coding,
    spoken: Spoken<'a>,
    trace: Option<Arc<TraceContext>>,
}

/// The request by which a connection leaves HTTP, in the extensions of its response.
#[derive(Clone)]
pub(in crate::server) struct Leaving {
    pub(in crate::server) upgrade: Arc<dyn Upgrade>,
    pub(in crate::server) identity: Identity,
    pub(in crate::server) headers: HeaderMap,
    pub(in crate::server) extensions: Extensions,
}

/// The protocol of a request.
pub(in crate::server) struct Spoken<'a> {
    offered: Offered<'a>,
    by: Choice,
}

/// The index of a protocol among those at a path.
#[derive(Clone, Copy)]
enum Choice {
    /// The content type is that of this protocol.
    Type(usize),
    /// There is no content type: the first protocol, unless the document is one of another.
    Document,
}

impl Spoken<'_> {
    /// Decides which protocol a document without a content type is of.
    pub(super) fn decide(mut self, document: &[u8]) -> Self {
        if matches!(self.by, Choice::Document) {
            let mut others = self.offered.protocols().iter().enumerate().skip(1);
            let other = others.find(|(_, protocol)| protocol.is_document(document));
            self.by = Choice::Type(other.map_or(0, |(index, _)| index));
        }
        self
    }

    /// The protocol: the first one, as long as that is not decided.
    pub(super) fn protocol(&self) -> &dyn Protocol {
        let index = match self.by {
            Choice::Type(index) => index,
            Choice::Document => 0,
        };
        &*self.offered.protocols()[index]
    }
}

impl HttpServer {
    /// Checks the head of a request, and decides whether to read its body. A request over a
    /// connection of this server comes with the host that this connection has accepted, and its
    /// head is checked for all that HTTP/1.1 requires.
    pub(in crate::server) fn admit<B: Body>(
        &self,
        request: Request<B>,
        mut caller: Identity,
        hosts: HostPolicy,
        accepted: Option<&AcceptedHost>,
    ) -> Result<AdmittedRequest<'_, B>, Rejection> {
        let (mut parts, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        match self.route(&mut parts, has_body, &mut caller, hosts, accepted) {
            Ok(route) => Ok(AdmittedRequest {
                coding: route.coding,
                spoken: route.spoken,
                origin: Arc::new(Origin {
                    identity: caller,
                    trace: route.trace,
                    headers: parts.headers,
                    extensions: parts.extensions,
                    session: None,
                }),
                body,
            }),
            Err(mut rejection) => {
                if let Some(upgrade) = rejection.take_upgrade() {
                    let leaving = Leaving {
                        upgrade,
                        identity: caller,
                        headers: parts.headers,
                        extensions: parts.extensions,
                    };
                    rejection.0.extensions_mut().insert(leaving);
                    return Err(rejection);
                }
                let origin = browser::allowed_origin(&parts.headers, &self.options);
                browser::expose(rejection.0.headers_mut(), origin);
                if has_body {
                    // The unread rest of this request must not be read as the next request.
                    Err(rejection.closing())
                } else {
                    Err(rejection)
                }
            }
        }
    }

    /// Returns how the body of a request is read and answered.
    fn route(
        &self,
        parts: &mut Parts,
        has_body: bool,
        caller: &mut Identity,
        hosts: HostPolicy,
        accepted: Option<&AcceptedHost>,
    ) -> Result<Route<'_>, Rejection> {
        let mut headers = DecisiveHeaders::of(&parts.headers);
        if let Some(accepted) = accepted {
            check_head(parts, &headers, accepted).map_err(Rejection::closing)?;
        }
        let scheme = BrowserScheme::of(caller);
        if let Err(rejection) =
            browser::check(parts, &headers, hosts, accepted, scheme, &self.options)
        {
            // A request that a page can send without asking first is refused for its type, whatever
            // the page: the reason that will not go away.
            let is_call = parts.method == Method::POST;
            return Err(match choice(&headers, &self.protocols) {
                None if is_call => unsupported(&parts.headers, &self.protocols),
                _ => rejection,
            });
        }
        let offered = self.protocols_at(parts.uri.path());
        let protocols = offered.as_ref().map_or(&[][..], Offered::protocols);
        let is_call = parts.method == Method::POST;
        // Before the pages, since the request to leave HTTP is a GET, too.
        if !is_call
            && let Some(upgrade) = protocols
                .iter()
                .find_map(|protocol| protocol.upgrade(parts))
        {
            let switch = upgrade?;
            if let Some(authorize) = &self.options.authorize {
                authorize.authorize(parts, caller)?;
            }
            return Err(Rejection::switching(switch));
        }
        if !self.options.pages.is_empty() {
            self.check_pages(parts, protocols, caller, hosts)?;
            headers = DecisiveHeaders::of(&parts.headers);
        }
        let Some(offered) = offered else {
            return Err(if self.has_page(parts, &[], hosts) {
                not_allowed("pages are read with the methods GET and HEAD", "GET, HEAD")
            } else {
                Rejection::new(StatusCode::NOT_FOUND, "no service at this path")
            });
        };
        let protocols = offered.protocols();
        if !is_call {
            if let Some(response) = browser::preflight(parts, &self.options) {
                return Err(response);
            }
            let name = protocols.first().map_or("", |first| first.name());
            let text = format!("{name} calls use the method POST");
            let has_page = self.has_page(parts, protocols, hosts);
            return Err(not_allowed(
                text,
                if has_page { "GET, HEAD, POST" } else { "POST" },
            ));
        }
        if let Some(authorize) = &self.options.authorize {
            authorize.authorize(parts, caller)?;
            // It may have changed them.
            headers = DecisiveHeaders::of(&parts.headers);
        }
        let by =
            choice(&headers, protocols).ok_or_else(|| unsupported(&parts.headers, protocols))?;
        let coding = coding(&headers).map_err(|_| {
            Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("unsupported content coding: use {} or none", Gzip::ACCEPTED),
            )
            .with_header(ACCEPT_ENCODING, HeaderValue::from_static(Gzip::ACCEPTED))
        })?;
        check_length(&headers, has_body)?;
        let is_traced = !headers.traces.is_empty();
        let trace = is_traced.then(|| TraceContext::from_headers(&parts.headers));
        Ok(Route {
            coding,
            spoken: Spoken { offered, by },
            trace: trace.flatten().map(Arc::new),
        })
    }

    /// Returns `true` if a GET request would be answered with a page, for a request with another
    /// method.
    fn has_page(
        &self,
        parts: &mut Parts,
        protocols: &[Arc<dyn Protocol>],
        hosts: HostPolicy,
    ) -> bool {
        let pages = &self.options.pages;
        if pages.is_empty() || matches!(parts.method, Method::GET | Method::HEAD) {
            return false;
        }
        let method = std::mem::replace(&mut parts.method, Method::GET);
        let request = PageRequest::of(parts, protocols, hosts == HostPolicy::Loopback);
        let found = request.is_some_and(|request| {
            let mut answers = pages.iter().filter_map(|pages| pages.page(&request));
            let first = answers.next();
            first.is_some_and(|page| page.status() != StatusCode::NOT_FOUND)
        });
        parts.method = method;
        found
    }

    /// Answers a request for a page.
    ///
    /// # Errors
    /// The response to send: the page, or why there is none. Without an error, the request is not
    /// for a page.
    fn check_pages(
        &self,
        parts: &mut Parts,
        protocols: &[Arc<dyn Protocol>],
        caller: &mut Identity,
        hosts: HostPolicy,
    ) -> Result<(), Rejection> {
        let is_loopback = hosts == HostPolicy::Loopback;
        for pages in &self.options.pages {
            let Some(request) = PageRequest::of(parts, protocols, is_loopback) else {
                return Ok(());
            };
            let Some(page) = pages.page(&request) else {
                continue;
            };
            request.check()?;
            if pages.is_protected(&request)
                && let Some(authorize) = &self.options.authorize
            {
                authorize.authorize(parts, caller)?;
            }
            return Err(Rejection(Box::new(page)));
        }
        Ok(())
    }
}

/// Checks what HTTP/1.1 requires of a head and hyper does not check, for requests over connections
/// of this server. Refuses a request whose head is too long, or is ambiguous, so that an
/// intermediary may have read it differently.
///
/// # Errors
/// The response to send.
fn check_head(
    parts: &Parts,
    headers: &DecisiveHeaders<'_>,
    accepted: &AcceptedHost,
) -> Result<(), Rejection> {
    let target = parts.uri.path_and_query();
    let length = headers.length + target.map_or(0, |target| target.as_str().len());
    // hyper checks the length only of a head that does not arrive in one piece.
    if length > MAX_HEAD {
        let text = format!("the head is over the limit of {MAX_HEAD} bytes");
        return Err(Rejection::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            text,
        ));
    }
    // RFC 9112, 3.2.
    let has_one_host = match (headers.hosts.first, headers.hosts.count) {
        (None, _) => parts.version < Version::HTTP_11,
        (Some(host), 1) => accepted.is(host.as_bytes()) || is_host(host.as_bytes()),
        _ => false,
    };
    if !has_one_host {
        let text = "a request must have exactly one valid Host header";
        return Err(Rejection::new(StatusCode::BAD_REQUEST, text));
    }
    // RFC 9112, 6.1. Of several codings hyper checks only the last.
    let codings = &headers.transfer_codings;
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if codings.count > 1 || !codings.first.is_none_or(is_chunked) {
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
fn check_length(headers: &DecisiveHeaders<'_>, has_body: bool) -> Result<(), Rejection> {
    let is_declared =
        || !headers.content_lengths.is_empty() || !headers.transfer_codings.is_empty();
    if has_body || is_declared() {
        return Ok(());
    }
    let text = "a call needs a body: there is no Content-Length and no Transfer-Encoding";
    Err(Rejection::new(StatusCode::LENGTH_REQUIRED, text).closing())
}

fn coding(headers: &DecisiveHeaders<'_>) -> Result<Coding, String> {
    // Two of them are as unsupported as any other pair.
    let codings = headers.content_codings;
    Coding::of(codings.first.into_iter().cycle().take(codings.count))
}

/// Refuses a method (RFC 9110, 15.5.6).
fn not_allowed(text: impl Into<String>, allowed: &'static str) -> Rejection {
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, text)
        .with_header(ALLOW, HeaderValue::from_static(allowed))
}

/// Returns the protocol of a request, by its content type.
fn choice(headers: &DecisiveHeaders<'_>, protocols: &[Arc<dyn Protocol>]) -> Option<Choice> {
    // Some small clients send no type. A browser can also send none without a preflight request,
    // but then it always sends the page's origin.
    let Some(content_type) = headers.content_types.first else {
        return headers.origins.is_empty().then_some(Choice::Document);
    };
    let content_type = content_type.to_str().ok()?;
    let end = content_type.bytes().position(|byte| byte == b';');
    let essence = content_type[..end.unwrap_or(content_type.len())].trim_ascii();
    let of_type = |protocol: &Arc<dyn Protocol>| protocol.is_content_type(essence);
    protocols.iter().position(of_type).map(Choice::Type)
}

fn unsupported(headers: &HeaderMap, protocols: &[Arc<dyn Protocol>]) -> Rejection {
    let types: Vec<_> = protocols
        .iter()
        .map(|protocol| protocol.content_type())
        .collect();
    let types: Vec<_> = types.iter().filter_map(|name| name.to_str().ok()).collect();
    let mut text = format!("unsupported content type: use {}", types.join(" or "));
    let is_json = |kind: &HeaderValue| kind.as_bytes().starts_with(b"application/json");
    if headers.get(CONTENT_TYPE).is_some_and(is_json) && !types.contains(&"application/json") {
        text += ", or for JSON-RPC a server that has it (`farcall::jsonrpc::Server`)";
    }
    Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
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

    fn checked(request: Request<()>) -> Result<(), Rejection> {
        let (parts, ()) = request.into_parts();
        let headers = DecisiveHeaders::of(&parts.headers);
        check_head(&parts, &headers, &AcceptedHost::default())
    }

    fn status(version: Version, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refused = checked(request.body(()).unwrap()).err();
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
            let refused = checked(request.body(()).unwrap()).err();
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
