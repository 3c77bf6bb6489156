//! CGI (RFC 3875): one request from a web server, and one response to it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use bytes::Bytes;
use farcall_core::Identity;
use farcall_core::transport::Peer;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::http::reject;
use super::{Rejection, Server};

/// Answers the request for which a web server started this program. The head of the request is in
/// the environment, its body in standard input, and the response is written to standard output.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = farcall::xmlrpc::Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// farcall::xmlrpc::cgi::serve(&server).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn serve(server: &Server) -> io::Result<()> {
    respond(
        server,
        std::env::vars_os(),
        io::stdin().lock(),
        io::stdout().lock(),
    )
    .await
}

/// Like [`serve`], with the given environment, input and output.
///
/// The path is `PATH_INFO`, the part after the program's own path, or `/`. Reading and writing
/// block the thread, because a CGI program has nothing else to do. Variables need not be UTF-8,
/// because every header of a request becomes one.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn respond<N, V>(
    server: &Server,
    variables: impl IntoIterator<Item = (N, V)>,
    input: impl Read,
    mut output: impl Write,
) -> io::Result<()>
where
    N: Into<OsString>,
    V: Into<OsString>,
{
    let variables = CgiVariables::new(variables);
    let length = variables.length();
    // One byte over the limit is enough to reject the body.
    let limit = (server.options.max_body as u64).saturating_add(1);
    let mut body = Vec::new();
    input
        .take(length.unwrap_or(0).min(limit))
        .read_to_end(&mut body)?;
    let rejection = length.and_then(|length| check_length(length, body.len() as u64, limit));

    let path = variables
        .path_info()
        .unwrap_or_else(|| Uri::from_static("/"));
    let mut request = variables.request(path, Full::new(Bytes::from(body)));
    let caller = variables.caller();
    request.extensions_mut().insert(caller.clone());

    let (parts, body) = match rejection {
        Some(rejection) => {
            let (parts, body) = reject(rejection, &caller).into_parts();
            (parts, body.into_inner().unwrap_or_default())
        }
        None => {
            let (parts, body) = server.respond(request).await.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?;
            (parts, body.to_bytes())
        }
    };
    output.write_all(&response_head(&parts, body.len()))?;
    output.write_all(&body)?;
    output.flush()
}

/// Returns the head of a response with a body of `length` bytes: that of HTTP, with the status as a
/// header.
pub(super) fn response_head(parts: &Parts, length: usize) -> Vec<u8> {
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut head = format!("Status: {} {reason}\r\n", parts.status.as_u16()).into_bytes();
    for (name, value) in &parts.headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(format!("{CONTENT_LENGTH}: {length}\r\n\r\n").as_bytes());
    head
}

/// Rejects a body that is longer than the limit, or shorter than declared.
fn check_length(declared: u64, received: u64, limit: u64) -> Option<Rejection> {
    if declared >= limit {
        let text = format!("the body is over the limit of {} bytes", limit - 1);
        return Some(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    (received < declared).then(|| {
        let text = format!("the body is incomplete: {received} of {declared} bytes");
        Rejection::new(StatusCode::BAD_REQUEST, text)
    })
}

/// The variables of a request, as bytes, because clients control many of them.
pub(crate) struct CgiVariables(HashMap<Vec<u8>, Vec<u8>>);

impl CgiVariables {
    fn new<N: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let bytes = |text: OsString| text.into_encoded_bytes();
        let owned = |(name, value): (N, V)| (bytes(name.into()), bytes(value.into()));
        Self(variables.into_iter().map(owned).collect())
    }

    pub(super) const fn from_bytes(variables: HashMap<Vec<u8>, Vec<u8>>) -> Self {
        Self(variables)
    }

    /// Returns the value of a variable. An empty one counts as unset (RFC 3875, 4.1).
    fn bytes(&self, name: &str) -> Option<&[u8]> {
        let value = self.0.get(name.as_bytes())?;
        (!value.is_empty()).then_some(value)
    }

    /// Returns the length of the body, which consists of digits only (RFC 3875, 4.1.2).
    pub(super) fn length(&self) -> Option<u64> {
        let digits = self.bytes("CONTENT_LENGTH")?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        self.parsed("CONTENT_LENGTH")
    }

    /// Returns the request for a path.
    pub(super) fn request<B>(&self, path: Uri, body: B) -> Request<B> {
        let mut request = Request::new(body);
        let method = Method::from_bytes(self.bytes("REQUEST_METHOD").unwrap_or_default());
        *request.method_mut() = method.unwrap_or_default();
        *request.uri_mut() = path;
        *request.headers_mut() = self.headers();
        if let Some(length) = self.length() {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        request
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        str::from_utf8(self.bytes(name)?).ok()?.trim().parse().ok()
    }

    /// Returns the part of the path after the program's own, percent-encoded as in a request. The
    /// web server has decoded it.
    pub(super) fn path_info(&self) -> Option<Uri> {
        let encoded = percent_encode(self.bytes("PATH_INFO")?, SPECIAL).to_string();
        // There is no service at `*`, as at any path that is invalid in a request.
        Some(encoded.parse().unwrap_or_else(|_| Uri::from_static("*")))
    }

    /// Returns the path and query of the request, as the client sent them.
    pub(super) fn request_uri(&self) -> Option<Uri> {
        let path = self.bytes("REQUEST_URI")?;
        // Not a whole URL, whose host would count instead of the header.
        let path = path.starts_with(b"/").then(|| Uri::try_from(path).ok());
        Some(path.flatten().unwrap_or_else(|| Uri::from_static("*")))
    }

    /// Returns the headers of the request: `HTTP_ACCEPT_ENCODING` was `Accept-Encoding`.
    fn headers(&self) -> HeaderMap {
        let named = self.0.iter().filter_map(|(variable, value)| {
            let name = match str::from_utf8(variable).ok()? {
                "CONTENT_TYPE" => CONTENT_TYPE,
                // The variables without the prefix are the ones that count.
                "HTTP_CONTENT_TYPE" | "HTTP_CONTENT_LENGTH" => return None,
                variable => {
                    let name = variable.strip_prefix("HTTP_")?.replace('_', "-");
                    HeaderName::from_bytes(name.as_bytes()).ok()?
                }
            };
            Some((name, HeaderValue::from_bytes(value).ok()?))
        });
        named.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Returns the identity of the client, as the web server knows it. A header of the request
    /// cannot imitate the variables, since those of headers begin with `HTTP_`.
    pub(super) fn caller(&self) -> Identity {
        let address = self.parsed::<IpAddr>("REMOTE_ADDR");
        let port = self.parsed("REMOTE_PORT").unwrap_or(0);
        let peer = address.map_or(Peer::Unknown, |address| {
            Peer::Tcp(SocketAddr::new(address, port))
        });
        let mut caller = Identity::from(peer);
        if let Some(user) = self.parsed::<String>("REMOTE_USER") {
            caller.set_subject(user);
        }
        caller
    }
}

/// Characters that must be percent-encoded in the path of a request.
const SPECIAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(variables: &[(&str, &str)], body: &str) -> String {
        let server = Server::new();
        server
            .register_function("who", |cx: farcall_core::Context| {
                format!("{} {}", cx.identity(), cx.header("x-test").unwrap_or("-"))
            })
            .unwrap();
        let mut output = Vec::new();
        let variables = variables.iter().copied();
        respond(&server, variables, body.as_bytes(), &mut output)
            .await
            .unwrap();
        String::from_utf8(output).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_answered_from_environment_and_input() {
        let body = "<methodCall><methodName>who</methodName></methodCall>";
        let length = body.len().to_string();
        let response = run(
            &[
                ("REQUEST_METHOD", "POST"),
                ("CONTENT_TYPE", "text/xml"),
                ("CONTENT_LENGTH", &length),
                ("REMOTE_ADDR", "192.0.2.1"),
                ("REMOTE_PORT", "4711"),
                ("REMOTE_USER", "ada"),
                ("HTTP_REMOTE_USER", "eve"),
                ("HTTP_X_TEST", "yes"),
            ],
            &format!("{body}what follows is not read"),
        )
        .await;
        let (head, document) = response.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("Status: 200 OK\r\ncontent-type: text/xml\r\n"),
            "{head}"
        );
        assert!(head.contains(&format!("content-length: {}", document.len())));
        assert!(
            document.contains("<string>192.0.2.1:4711, subject \"ada\" yes</string>"),
            "{document}"
        );
    }

    #[tokio::test]
    async fn a_body_must_have_its_declared_length() {
        let body = "<methodCall><methodName>who</methodName></methodCall>";
        let length = body.len();
        for (declared, status) in [
            (length.to_string(), "200 OK"),
            ((length + 1).to_string(), "400 Bad Request"),
            ((16 << 20).to_string(), "400 Bad Request"),
            (((16 << 20) + 1).to_string(), "413 Payload Too Large"),
            (u64::MAX.to_string(), "413 Payload Too Large"),
            (format!("+{length}"), "411 Length Required"),
            (format!("-{length}"), "411 Length Required"),
        ] {
            let variables = [("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", &*declared)];
            let response = run(&variables, body).await;
            assert!(
                response.starts_with(&format!("Status: {status}\r\n")),
                "{declared}: {response}"
            );
        }
    }

    #[tokio::test]
    async fn anything_but_post_is_refused() {
        let response = run(&[("REQUEST_METHOD", "GET")], "").await;
        assert!(
            response.starts_with("Status: 405 Method Not Allowed\r\n"),
            "{response}"
        );
    }

    #[tokio::test]
    async fn any_variables_are_answered() {
        let body = "<methodCall><methodName>who</methodName></methodCall>";
        let length = body.len().to_string();
        for (name, value, status) in [
            ("REQUEST_METHOD", "", "405"),
            ("REQUEST_METHOD", "P\u{e9}ST", "405"),
            ("PATH_INFO", "/a b", "404"),
            ("PATH_INFO", "/\u{e9}\n?#%", "404"),
            ("PATH_INFO", "//", "404"),
            ("PATH_INFO", "nowhere", "404"),
            ("PATH_INFO", "*", "404"),
            ("PATH_INFO", "/RPC2", "200"),
            ("CONTENT_LENGTH", "", "411"),
            ("CONTENT_LENGTH", "-1", "411"),
            ("CONTENT_LENGTH", "\u{e9}", "411"),
            ("CONTENT_LENGTH", "99999999999999999999", "411"),
            ("CONTENT_LENGTH", "18446744073709551615", "413"),
            ("CONTENT_LENGTH", "0", "200"),
            ("CONTENT_TYPE", "\u{e9}", "415"),
            ("REMOTE_ADDR", "\u{e9}", "200"),
            ("REMOTE_PORT", "99999", "200"),
            ("HTTP_", "x", "200"),
            ("HTTP_\u{e9}", "x", "200"),
            ("HTTP_X", "\u{e9}", "200"),
            ("HTTP_X", "a\nb", "200"),
            ("HTTP_HOST", "evil.example", "200"),
            ("HTTP_ORIGIN", "http://evil.example", "403"),
        ] {
            let mut variables = vec![
                ("REQUEST_METHOD", "POST"),
                ("CONTENT_TYPE", "text/xml"),
                ("CONTENT_LENGTH", &length),
            ];
            variables.retain(|(other, _)| *other != name);
            variables.push((name, value));
            let response = run(&variables, body).await;
            let expected = format!("Status: {status} ");
            assert!(
                response.starts_with(&expected),
                "{name}={value}: {response}"
            );
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn bytes_that_are_not_utf_8_arrive_unchanged() {
        use std::os::unix::ffi::OsStringExt as _;

        let server = Server::new();
        let header = |cx: farcall_core::Context| {
            let value = cx.headers().and_then(|headers| headers.get("x-test"));
            value.map(|value| value.as_bytes().to_vec().len())
        };
        server.register_function("header", header).unwrap();
        let body = "<methodCall><methodName>header</methodName></methodCall>";
        let length = body.len().to_string();
        let variables = [
            (&b"REQUEST_METHOD"[..], &b"POST"[..]),
            (b"CONTENT_TYPE", b"text/xml"),
            (b"CONTENT_LENGTH", length.as_bytes()),
            (b"HTTP_X_TEST", b"\xff\xfe\xe9"),
            (b"HTTP_\xff", b"\xff"),
            (b"\xff", b"\xff"),
            (b"REMOTE_ADDR", b"\xff"),
            (b"PATH_INFO", b"/RPC2"),
        ];
        let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let variables = variables.map(|(name, value)| (os(name), os(value)));
        let mut output = Vec::new();
        respond(&server, variables, body.as_bytes(), &mut output)
            .await
            .unwrap();
        let response = String::from_utf8(output).unwrap();
        assert!(response.contains("<int>3</int>"), "{response}");
    }
}
