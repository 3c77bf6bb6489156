//! HTTP requests that carry calls.

use farcall_core::FormatError;
use farcall_core::protocol::observe::ClientSpan;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{Uri, uri::PathAndQuery};

use super::kind::DocumentKind;
use super::options::{ClientOptions, RESERVED};
use super::proxy::Proxy;
use super::scgi::{Variables, Wire};
use super::secrets::Secrets;
use super::url::{HttpUrl, Target};
use crate::coding::Gzip;

/// Headers that a call cannot replace, besides those that [depend on the body](RESERVED).
const UNREPLACED: [HeaderName; 4] = [HOST, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION];

/// The parts that all requests of a client have in common.
pub(super) struct Template {
    /// The request line and the headers, except cookies and headers that depend on the body.
    head: Vec<u8>,
    form: TargetForm,
    /// The variables in place of the head, for SCGI.
    variables: Option<Variables>,
    gzip_over: Option<usize>,
}

/// An encoded request, of [`HttpClient::request`](super::HttpClient::request).
#[derive(Debug)]
pub struct Request {
    bytes: Vec<u8>,
    start: usize,
    /// Offset of the headers that are not in the template.
    own: usize,
    /// Length of the `Cookie` header, the first of them.
    cookie: usize,
    /// Names of headers of the call, which replace those of the template.
    replaced: Vec<HeaderName>,
    pub(super) span: ClientSpan,
}

impl Request {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Sets, replaces or removes the `Cookie` header.
    pub(super) fn set_cookie(&mut self, cookie: Option<&[u8]>) {
        let mut line = Vec::new();
        if let Some(cookie) = cookie {
            write_header(&COOKIE, cookie, &mut line);
        }
        let before = self.own..self.own + self.cookie;
        self.cookie = line.len();
        self.bytes.splice(before, line);
    }

    /// Adds the headers of a call, in place of those of the template. Those that the client itself
    /// sets are left out.
    fn add_headers(&mut self, headers: &HeaderMap) {
        let mut lines = Vec::new();
        for (name, value) in headers.iter().filter(|(name, _)| is_sent(name)) {
            write_header(name, value.as_bytes(), &mut lines);
        }
        let after = self.own + self.cookie;
        self.bytes.splice(after..after, lines);
        self.replaced = headers
            .keys()
            .filter(|name| is_sent(name))
            .cloned()
            .collect();
        self.remove_replaced();
    }

    /// Removes the headers of the template that the call has itself.
    fn remove_replaced(&mut self) {
        if self.replaced.is_empty() {
            return;
        }
        let head = &self.bytes[self.start..self.own];
        let is_kept = |line: &&[u8]| {
            let end = line.iter().position(|byte| *byte == b':');
            let name = &line[..end.unwrap_or_default()];
            let is_name = |other: &HeaderName| name.eq_ignore_ascii_case(other.as_str().as_bytes());
            !self.replaced.iter().any(is_name)
        };
        let lines = head.split_inclusive(|byte| *byte == b'\n').filter(is_kept);
        let head = lines.collect::<Vec<_>>().concat();
        let length = head.len();
        self.bytes.splice(self.start..self.own, head);
        self.own = self.start + length;
    }

    fn set_line(&mut self, line: &str) {
        let end = self.as_slice().iter().position(|byte| *byte == b'\r');
        let length = end.unwrap_or_default();
        self.own = self.own - length + line.len();
        self.bytes
            .splice(self.start..self.start + length, line.bytes());
    }
}

/// The form of the request target (RFC 9112, 3.2).
#[derive(Clone, Copy, Debug)]
enum TargetForm {
    /// Path and query, for servers.
    Origin,
    /// The whole URL, for proxies.
    Absolute,
}

impl Template {
    /// Creates a template. Also returns the `Cookie` header of the options, which is sent along
    /// with the cookies that the server sets, and the secrets of the requests.
    pub(super) fn new<F>(
        target: &Target,
        kind: DocumentKind,
        proxy: Option<&Proxy>,
        options: &ClientOptions<F>,
    ) -> (Self, Option<HeaderValue>, Secrets) {
        let mut headers = HeaderMap::new();
        // `Host` is inserted first to be first on the wire, as RFC 9110, 7.2, recommends.
        if let Some(host) = host(&target.uri) {
            headers.insert(HOST, host);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind.content_type));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(Gzip::ACCEPTED));
        let agent = concat!("farcall/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(authorization) = &target.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(authorization) = proxy.and_then(Proxy::authorization) {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        for (name, value) in &options.headers {
            headers.insert(name, value.clone());
        }
        let secrets = Secrets::of(target, &headers);
        let is_forwarded = proxy.is_some_and(|proxy| proxy.forwards(&target.url));
        if !is_forwarded {
            // For a proxy only. The request for a tunnel has it, and the server must not see it.
            headers.remove(PROXY_AUTHORIZATION);
        }
        let cookie = options.cookies.then(|| headers.remove(COOKIE)).flatten();
        let path = target.uri.path_and_query().map(PathAndQuery::as_str);
        let form = if is_forwarded {
            TargetForm::Absolute
        } else {
            TargetForm::Origin
        };
        let line = match (form, path) {
            (TargetForm::Origin, Some(path)) => line(path),
            _ => line(&target.uri.to_string()),
        };
        let mut head = line.into_bytes();
        head.extend_from_slice(b"\r\n");
        for (name, value) in &headers {
            write_header(name, value.as_bytes(), &mut head);
        }
        let is_scgi = target.wire == Wire::Scgi;
        let template = Self {
            head,
            form,
            variables: is_scgi.then(|| Variables::new(path.unwrap_or("/"), headers)),
            gzip_over: options.gzip_over,
        };
        (template, cookie, secrets)
    }

    /// Changes the target of a request to another URL of the same host and port.
    pub(super) fn redirect(&self, request: &mut Request, url: &HttpUrl) {
        request.set_line(&line(match self.form {
            TargetForm::Origin => url.path_and_query(),
            TargetForm::Absolute => url.as_str(),
        }));
    }

    /// Changes the head of a request of another template to that of this one. What depends on the
    /// body is kept.
    pub(super) fn replace_head(&self, request: &mut Request) {
        let head = self.head.iter().copied();
        request.bytes.splice(request.start..request.own, head);
        request.own = request.start + self.head.len();
        request.remove_replaced();
    }

    /// Builds a request with the document that `write` appends, of about `size` bytes, and with the
    /// headers of a call.
    ///
    /// # Errors
    /// The errors of `write`.
    pub(super) fn request(
        &self,
        headers: Option<&HeaderMap>,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<Request, FormatError> {
        const GZIP: &[u8] = b"Content-Encoding: gzip\r\n";
        const LENGTH: &[u8] = b"Content-Length: ";
        const END: &[u8] = b"\r\n\r\n";
        const MAX_DIGITS: usize = 20;

        // The head contains the length of the document, which is known only after encoding. So the
        // document is written first, to its final place, and the head is then filled in backwards.
        let room = self.head.len() + GZIP.len() + LENGTH.len() + MAX_DIGITS + END.len();
        let mut bytes = Vec::with_capacity(room + size);
        bytes.resize(room, 0);
        write(&mut bytes)?;
        let document = &bytes[room..];
        let zipped = match (self.gzip_over, Gzip::AVAILABLE) {
            (Some(size), Some(gzip)) if document.len() > size => Some(gzip.compress(document)),
            _ => None,
        };
        let mut coding: &[u8] = b"";
        if let Some(zipped) = zipped {
            bytes.truncate(room);
            bytes.extend_from_slice(&zipped);
            coding = GZIP;
        }
        if let Some(variables) = &self.variables {
            let sent = headers.into_iter().flatten();
            let sent = sent.filter(|(name, _)| is_sent(name));
            let head = variables.head(sent, bytes.len() - room, !coding.is_empty());
            bytes.splice(..room, head);
            return Ok(Request {
                bytes,
                start: 0,
                own: 0,
                cookie: 0,
                replaced: Vec::new(),
                span: ClientSpan::default(),
            });
        }
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(bytes.len() - room).as_bytes();
        let mut start = room;
        for part in [END, digits, LENGTH, coding, &self.head] {
            let end = start;
            start -= part.len();
            bytes[start..end].copy_from_slice(part);
        }
        let own = start + self.head.len();
        let mut request = Request {
            bytes,
            start,
            own,
            cookie: 0,
            replaced: Vec::new(),
            span: ClientSpan::default(),
        };
        if let Some(headers) = headers {
            request.add_headers(headers);
        }
        Ok(request)
    }
}

/// Returns `true` for the header of a call that is sent, and not set by the client itself.
fn is_sent(name: &HeaderName) -> bool {
    !RESERVED.contains(name) && !UNREPLACED.contains(name)
}

/// Returns the request line without its line break.
fn line(target: &str) -> String {
    format!("POST {target} HTTP/1.1")
}

/// Appends a header with its name in title case, since some old servers compare names
/// case-sensitively.
fn write_header(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    let mut is_start = true;
    for byte in name.as_str().bytes() {
        out.push(if is_start {
            byte.to_ascii_uppercase()
        } else {
            byte
        });
        is_start = byte == b'-';
    }
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Returns the `Host` header for a URI.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let host = uri.host()?;
    // The URI has no port that is the default of its scheme.
    let value = match uri.port_u16() {
        None => HeaderValue::from_str(host),
        Some(port) => HeaderValue::from_str(&format!("{host}:{port}")),
    };
    // The host of a URI has only characters that are allowed in a header.
    value.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type ClientOptions = super::ClientOptions<()>;

    const XML: DocumentKind = DocumentKind {
        system: Some("xmlrpc"),
        response: "an XML-RPC response",
        content_type: "text/xml",
        path: "/RPC2",
    };

    fn sent(url: &str, options: &ClientOptions, cookie: Option<&[u8]>, document: &str) -> Vec<u8> {
        let target = Target::parse(url, "/RPC2").unwrap();
        let proxy = options.proxy.for_target(&target).unwrap();
        let (template, ..) = Template::new(&target, XML, proxy.as_ref(), options);
        let request = template.request(None, 0, |out| {
            out.extend_from_slice(document.as_bytes());
            Ok(())
        });
        let mut request = request.unwrap();
        request.set_cookie(cookie);
        request.as_slice().to_vec()
    }

    #[test]
    fn a_request_is_a_head_and_the_document() {
        let options = ClientOptions::default().header("x-api-key", "k").unwrap();
        let agent = concat!("farcall/", env!("CARGO_PKG_VERSION"));
        for (document, length) in [("", "0"), ("<x/>", "4"), (&*"x".repeat(12345), "12345")] {
            let sent = sent(
                "http://u:p@localhost:81/x?y",
                &options,
                Some(b"a=b"),
                document,
            );
            let expected = format!(
                "POST /x?y HTTP/1.1\r\nHost: localhost:81\r\nContent-Type: text/xml\r\n\
                 Accept-Encoding: gzip\r\nUser-Agent: {agent}\r\nAuthorization: Basic dTpw\r\n\
                 X-Api-Key: k\r\nCookie: a=b\r\nContent-Length: {length}\r\n\r\n{document}"
            );
            assert_eq!(String::from_utf8(sent).unwrap(), expected);
        }
    }

    #[test]
    fn a_redirect_changes_the_line_and_the_cookies_alone() {
        let options = ClientOptions::default().header("x-api-key", "k").unwrap();
        let proxied = options.clone().proxy("http://u:p@proxy").unwrap();
        for (options, host) in [(options, ""), (proxied, "http://h:81")] {
            let url = "http://u:p@h:81/a?b";
            let before = sent(url, &options, Some(b"a=b"), "<x/>");
            let before = String::from_utf8(before).unwrap();
            let target = Target::parse(url, "/RPC2").unwrap();
            let proxy = options.proxy.for_target(&target).unwrap();
            let (template, ..) = Template::new(&target, XML, proxy.as_ref(), &options);
            let request = template.request(None, 0, |out| {
                out.extend_from_slice(b"<x/>");
                Ok(())
            });
            let mut request = request.unwrap();
            for (path, cookie) in [
                ("/longer/path?q", Some("c=longer")),
                ("/", None),
                ("/a?b", Some("a=b")),
            ] {
                let url = Target::parse(&format!("http://h:81{path}"), "/RPC2")
                    .unwrap()
                    .url;
                template.redirect(&mut request, &url);
                request.set_cookie(cookie.map(str::as_bytes));
                let line = cookie.map(|cookie| format!("Cookie: {cookie}\r\n"));
                let expected = before
                    .replace(&format!("POST {host}/a?b "), &format!("POST {host}{path} "))
                    .replace("Cookie: a=b\r\n", &line.unwrap_or_default());
                let sent = str::from_utf8(request.as_slice()).unwrap();
                assert_eq!(sent, expected);
            }
        }
    }

    #[test]
    fn only_documents_over_the_size_are_compressed() {
        let options = ClientOptions::default().gzip_over(Some(4));
        for (document, is_compressed) in [("<x/>", false), ("<xy/>", true)] {
            let sent = sent("http://localhost", &options, None, document);
            let sent = String::from_utf8_lossy(&sent);
            let has_coding = sent.contains("Content-Encoding: gzip\r\n");
            assert_eq!(has_coding, is_compressed, "{document}");
        }
    }

    #[test]
    fn a_document_that_cannot_be_encoded_is_an_error() {
        let options = ClientOptions::default();
        let target = Target::parse("http://localhost", "/RPC2").unwrap();
        let (template, ..) = Template::new(&target, XML, None, &options);
        let error = || FormatError::new(farcall_core::FormatErrorKind::Unrepresentable, "no");
        assert!(template.request(None, 0, |_| Err(error())).is_err());
    }
}
