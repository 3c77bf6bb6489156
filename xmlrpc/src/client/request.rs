//! Calls as HTTP requests.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{Uri, uri::PathAndQuery};
use rpc_core::FormatError;
use url::{Position, Url};

use super::options::ClientOptions;
use super::proxy::Proxy;
use super::redirect::path_and_query;
use super::secrets::Secrets;
use super::url::Target;
use crate::coding::gzip;

/// What is the same in all requests of a client.
pub(super) struct Template {
    /// The request line and the headers, but for what depends on the body, and cookies.
    head: Vec<u8>,
    form: Form,
    gzip_over: Option<usize>,
}

/// A request as it is sent.
pub(super) struct Request {
    bytes: Vec<u8>,
    start: usize,
    /// Where the headers of this request alone are.
    own: usize,
    /// How long the first of them is, the `Cookie` header.
    cookie: usize,
}

impl Request {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Adds the `Cookie` header, in place of an earlier one.
    pub(super) fn set_cookie(&mut self, cookie: Option<&[u8]>) {
        let mut line = Vec::new();
        if let Some(cookie) = cookie {
            write_header(&COOKIE, cookie, &mut line);
        }
        let before = self.own..self.own + self.cookie;
        self.cookie = line.len();
        self.bytes.splice(before, line);
    }

    fn set_line(&mut self, line: &str) {
        let end = self.as_slice().iter().position(|byte| *byte == b'\r');
        let length = end.unwrap_or_default();
        self.own = self.own - length + line.len();
        self.bytes
            .splice(self.start..self.start + length, line.bytes());
    }
}

/// What of its URL the line of a request has.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// What follows the host, as servers want it.
    Path,
    /// All, as proxies do.
    Whole,
}

impl Template {
    /// The template, and the `Cookie` header that the user wants sent with each request along with
    /// those that the server sets.
    pub(super) fn new(
        target: &Target,
        proxy: Option<&Proxy>,
        options: &ClientOptions,
    ) -> (Self, Option<HeaderValue>, Secrets) {
        let mut headers = HeaderMap::new();
        // What is first in the map is first on the wire, where servers like to see it.
        if let Some(host) = host(&target.uri) {
            headers.insert(HOST, host);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let agent = concat!("farcall/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(authorization) = &target.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.as_ref()) {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        for (name, value) in &options.headers {
            headers.insert(name, value.clone());
        }
        let cookie = options.cookies.then(|| headers.remove(COOKIE)).flatten();
        let path = target.uri.path_and_query().map(PathAndQuery::as_str);
        let form = match proxy {
            None => Form::Path,
            Some(_) => Form::Whole,
        };
        let line = match (form, path) {
            (Form::Path, Some(path)) => line(path),
            _ => line(&target.uri.to_string()),
        };
        let mut head = line.into_bytes();
        head.extend_from_slice(b"\r\n");
        for (name, value) in &headers {
            write_header(name, value.as_bytes(), &mut head);
        }
        let gzip_over = options.gzip_over;
        let template = Self {
            head,
            form,
            gzip_over,
        };
        (template, cookie, Secrets::of(&target.url, &headers))
    }

    /// Makes a request one to another URL of the same host and port.
    pub(super) fn redirect(&self, request: &mut Request, url: &Url) {
        request.set_line(&line(match self.form {
            Form::Path => path_and_query(url),
            Form::Whole => &url[..Position::AfterQuery],
        }));
    }

    /// The request with the document that `write` appends, of about `size` bytes.
    ///
    /// # Errors
    /// As `write`.
    pub(super) fn request(
        &self,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<Request, FormatError> {
        const GZIP: &[u8] = b"Content-Encoding: gzip\r\n";
        const LENGTH: &[u8] = b"Content-Length: ";
        const END: &[u8] = b"\r\n\r\n";
        const MAX_DIGITS: usize = 20;

        // The length stands before the body and is known behind it: the document is written where
        // it stays, and the head put before it from its end on.
        let room = self.head.len() + GZIP.len() + LENGTH.len() + MAX_DIGITS + END.len();
        let mut bytes = Vec::with_capacity(room + size);
        bytes.resize(room, 0);
        write(&mut bytes)?;
        let document = &bytes[room..];
        let zipped = match self.gzip_over {
            Some(size) if document.len() > size => Some(gzip(document)),
            _ => None,
        };
        let mut coding: &[u8] = b"";
        if let Some(zipped) = zipped {
            bytes.truncate(room);
            bytes.extend_from_slice(&zipped);
            coding = GZIP;
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
        Ok(Request {
            bytes,
            start,
            own,
            cookie: 0,
        })
    }
}

/// The first line of a request, without its end.
fn line(target: &str) -> String {
    format!("POST {target} HTTP/1.1")
}

/// Appends a header, its name in title case: some old servers compare names letter by letter.
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

/// The `Host` header for a URI.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let host = uri.host()?;
    let value = match uri.port_u16() {
        None | Some(80) => HeaderValue::from_str(host),
        Some(port) => HeaderValue::from_str(&format!("{host}:{port}")),
    };
    // The host of a URI has no characters that a header cannot have.
    value.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str, options: &ClientOptions, cookie: Option<&[u8]>, document: &str) -> Vec<u8> {
        let target = Target::parse(url).unwrap();
        let proxy = options.proxy.for_target(&target).unwrap();
        let (template, ..) = Template::new(&target, proxy.as_ref(), options);
        let request = template.request(0, |out| {
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
            let target = Target::parse(url).unwrap();
            let proxy = options.proxy.for_target(&target).unwrap();
            let (template, ..) = Template::new(&target, proxy.as_ref(), &options);
            let request = template.request(0, |out| {
                out.extend_from_slice(b"<x/>");
                Ok(())
            });
            let mut request = request.unwrap();
            for (path, cookie) in [
                ("/longer/path?q", Some("c=longer")),
                ("/", None),
                ("/a?b", Some("a=b")),
            ] {
                let url = Url::parse(&format!("http://h:81{path}")).unwrap();
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
    fn a_document_that_cannot_be_written_is_no_request() {
        let options = ClientOptions::default();
        let target = Target::parse("http://localhost").unwrap();
        let (template, ..) = Template::new(&target, None, &options);
        let error = || FormatError::new(rpc_core::FormatErrorKind::Unrepresentable, "no");
        assert!(template.request(0, |_| Err(error())).is_err());
    }
}
