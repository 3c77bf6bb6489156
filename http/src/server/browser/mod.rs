//! Protection against requests that web pages make browsers send, and the check of `Host`.
//!
//! A hostile page can reach any server that its visitor can reach, for instance on the visitor's
//! own machine. The browser marks calls across origins with `Origin` (RFC 6454) and
//! `Sec-Fetch-Site` (W3C, Fetch Metadata). With DNS rebinding, the attacker's name server resolves
//! the page's host to the visitor's machine, so that the browser sees a single origin; but `Host`
//! still has the attacker's name. An address cannot be rebound, and neither can `localhost`
//! (RFC 6761, 6.3).

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use farcall_core::Identity;
use farcall_core::protocol::parse_port;
use farcall_core::transport::Address;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, StatusCode};

use super::head::DecisiveHeaders;
use super::{Rejection, ServerOptions};

/// The hosts that requests may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostPolicy {
    /// Any host: none are configured, and other machines must be able to find the server.
    Any,
    /// Addresses, `localhost` and those of [`ServerOptions::hosts`].
    Known,
    /// The same, through a listener at a loopback address.
    Loopback,
}

impl HostPolicy {
    /// Returns the policy for requests through a listener at `address`.
    pub(super) fn at(address: &Address, options: &ServerOptions) -> Self {
        match address {
            Address::Tcp(address) if address.ip().to_canonical().is_loopback() => Self::Loopback,
            _ => Self::from_options(options),
        }
    }

    /// Returns the policy for requests that did not arrive through a listener of this server.
    pub(super) const fn from_options(options: &ServerOptions) -> Self {
        match options.hosts {
            Some(_) => Self::Known,
            None => Self::Any,
        }
    }
}

/// The first `Host` of a connection that was accepted. Nearly all of its requests have the same
/// one, which need not be read again: whether a host is accepted depends on nothing else.
#[derive(Debug, Default)]
pub(super) struct AcceptedHost(OnceLock<Box<[u8]>>);

impl AcceptedHost {
    /// Maximum bytes that are remembered, because idle connections hold them.
    const MAX: usize = 64;

    /// Returns `true` for the value of a `Host` header that was accepted before.
    pub(super) fn is(&self, host: &[u8]) -> bool {
        self.0.get().is_some_and(|accepted| **accepted == *host)
    }

    /// Remembers the value of a `Host` header, after all of its checks.
    fn set(&self, host: &[u8]) {
        if host.len() <= Self::MAX {
            self.0.get_or_init(|| host.into());
        }
    }
}

/// The schemes that the URL of the server may have had for a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrowserScheme {
    /// The connection has TLS.
    #[cfg_attr(
        not(feature = "_tls"),
        allow(dead_code, reason = "without TLS there is no such connection")
    )]
    Https,
    /// It has none, but a proxy may have terminated TLS.
    Any,
}

impl BrowserScheme {
    /// Returns the scheme for the requests of a caller.
    #[cfg(feature = "_tls")]
    pub(super) fn of(caller: &Identity) -> Self {
        match caller.tls() {
            Some(_) => Self::Https,
            None => Self::Any,
        }
    }

    #[cfg(not(feature = "_tls"))]
    pub(super) const fn of(_: &Identity) -> Self {
        Self::Any
    }
}

/// Refuses a request that a web page of another origin may have made a browser send.
///
/// # Errors
/// The response to send.
pub(super) fn check(
    parts: &Parts,
    headers: &DecisiveHeaders<'_>,
    policy: HostPolicy,
    accepted: Option<&AcceptedHost>,
    scheme: BrowserScheme,
    options: &ServerOptions,
) -> Result<(), Rejection> {
    if headers.hosts.count > 1 {
        let text = "a request must not have several Host headers";
        return Err(Rejection::new(StatusCode::BAD_REQUEST, text));
    }
    // The host in the request line overrides the header (RFC 9112, 3.2.2). HTTP/2 has only the
    // former.
    let host = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers.hosts.first.map_or("", text),
    };
    if !host.is_empty() && !accepted.is_some_and(|accepted| accepted.is(host.as_bytes())) {
        if policy != HostPolicy::Any && !is_known(host, options) {
            return Err(forbidden(format!(
                "the host {:?} is not allowed: add it to `ServerOptions::hosts`",
                excerpt(host)
            )));
        }
        if let (Some(accepted), None) = (accepted, parts.uri.authority()) {
            accepted.set(host.as_bytes());
        }
    }
    if let Some(origin) = headers.origins.first {
        let origin = text(origin);
        let origins = headers.origins.count;
        if origins == 1 && is_allowed(origin, options) {
            return Ok(());
        }
        if origins > 1 || !is_same(origin, host, scheme) {
            return Err(forbidden(format!(
                "pages of {:?} may not call this server: add it to `ServerOptions::allow_origins`",
                excerpt(origin)
            )));
        }
    }
    if headers.is_foreign && !is_followed_link(parts) {
        let text = "pages of other origins may not call this server: \
        add them to `ServerOptions::allow_origins`";
        return Err(forbidden(text.to_owned()));
    }
    Ok(())
}

/// Returns `true` if a person follows a link to a page of this server: a document of its own, whose
/// content the other site does not see.
fn is_followed_link(parts: &Parts) -> bool {
    let is = |name: &str, value: &str| parts.headers.get(name).is_some_and(|sent| sent == value);
    matches!(parts.method, Method::GET | Method::HEAD)
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}

/// Returns the response to a preflight request (Fetch, 3.2.2), if its origin is allowed.
pub(super) fn preflight(parts: &Parts, options: &ServerOptions) -> Option<Rejection> {
    if parts.method != Method::OPTIONS
        || !parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        || allowed_origin(&parts.headers, options).is_none()
    {
        return None;
    }
    let text = "pages of this origin may call with POST";
    let mut response = Rejection::new(StatusCode::OK, text)
        .with_header(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        )
        .with_header(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    // All headers are allowed: `authorize` and the methods decide about them.
    if let Some(wanted) = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response = response.with_header(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(response)
}

/// Returns the value of `Access-Control-Allow-Origin`, if the page's origin is allowed.
pub(super) fn allowed_origin(headers: &HeaderMap, options: &ServerOptions) -> Option<HeaderValue> {
    if options.allow_origins.is_empty() {
        return None;
    }
    let origin = headers.get(ORIGIN)?;
    is_allowed(text(origin), options).then(|| origin.clone())
}

/// Adds the headers that let the page read the response.
pub(super) fn expose(response: &mut HeaderMap, origin: Option<HeaderValue>) {
    if let Some(origin) = origin {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.append(VARY, HeaderValue::from_static("origin"));
    }
}

fn forbidden(text: String) -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, text)
}

/// Returns the value of a header. A value with bytes beyond ASCII is neither a host nor an origin.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("?")
}

/// Returns at most 100 bytes of a value, to repeat in a response.
fn excerpt(text: &str) -> &str {
    text.get(..100).unwrap_or(text)
}

fn is_known(host: &str, options: &ServerOptions) -> bool {
    let Some(requested) = Authority::parse(host) else {
        return false;
    };
    match requested.host {
        RequestedHost::Address(_) => true,
        RequestedHost::Name(name) => {
            is_localhost(name)
                || options.hosts.iter().flatten().any(|allowed| {
                    Authority::parse(allowed).is_some_and(|allowed| {
                        allowed.host == requested.host
                            && (allowed.port.is_none() || allowed.port == requested.port)
                    })
                })
        }
    }
}

fn is_localhost(name: &str) -> bool {
    const LOCALHOST: &str = "localhost";

    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(is_plain)
    };
    let (before, last) = name.rsplit_once('.').unwrap_or(("a", name));
    last.eq_ignore_ascii_case(LOCALHOST) && before.split('.').all(is_label)
}

fn is_allowed(origin: &str, options: &ServerOptions) -> bool {
    options.allow_origins.iter().any(|allowed| {
        let allowed = allowed.strip_suffix('/').unwrap_or(allowed);
        match (WebOrigin::parse(origin), WebOrigin::parse(allowed)) {
            (Some(origin), Some(allowed)) => origin == allowed,
            // The origin `null`, or another text.
            (None, None) => origin == allowed,
            _ => false,
        }
    })
}

/// Returns `true` if the origin of a page is that of the server itself, given the request's host.
fn is_same(origin: &str, host: &str, scheme: BrowserScheme) -> bool {
    let (Some(origin), Some(host)) = (WebOrigin::parse(origin), Authority::parse(host)) else {
        return false;
    };
    // The page of an `http` URL may have been changed on its way.
    if scheme == BrowserScheme::Https && !origin.scheme.eq_ignore_ascii_case("https") {
        return false;
    }
    origin.default_port().is_some_and(|default| {
        let port = |authority: &Authority<'_>| authority.port.unwrap_or(default);
        origin.authority.host == host.host && port(&origin.authority) == port(&host)
    })
}

/// An origin: a scheme, a host and a port.
struct WebOrigin<'a> {
    scheme: &'a str,
    authority: Authority<'a>,
}

impl<'a> WebOrigin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        // Origins have no user information (RFC 6454, 6.2).
        if authority.contains('@') {
            return None;
        }
        let authority = Authority::parse(authority)?;
        Some(Self { scheme, authority })
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme {
            scheme if scheme.eq_ignore_ascii_case("http") => Some(80),
            scheme if scheme.eq_ignore_ascii_case("https") => Some(443),
            _ => None,
        }
    }
}

impl PartialEq for WebOrigin<'_> {
    fn eq(&self, other: &Self) -> bool {
        let port = |origin: &Self| origin.authority.port.or_else(|| origin.default_port());
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.authority.host == other.authority.host
            && port(self) == port(other)
    }
}

/// A host and an optional port.
struct Authority<'a> {
    host: RequestedHost<'a>,
    port: Option<u16>,
}

enum RequestedHost<'a> {
    Address(IpAddr),
    /// A name without a trailing dot.
    Name(&'a str),
}

impl<'a> Authority<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        // User information precedes the host in a request line. Origins and `Host` have none.
        let text = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                let address: Ipv6Addr = address.parse().ok()?;
                (RequestedHost::Address(address.into()), port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                let host = match name.parse::<Ipv4Addr>() {
                    Ok(address) => RequestedHost::Address(address.into()),
                    Err(_) => RequestedHost::Name(name.strip_suffix('.').unwrap_or(name)),
                };
                (host, port)
            }
        };
        if matches!(host, RequestedHost::Name("")) {
            return None;
        }
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(port) => Some(parse_port(port)?),
        };
        Some(Self { host, port })
    }
}

impl PartialEq for RequestedHost<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(other)) => one == other,
            (Self::Name(one), Self::Name(other)) => one.eq_ignore_ascii_case(other),
            _ => false,
        }
    }
}
