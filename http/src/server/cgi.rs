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

use super::request::reject;
use super::{HttpServer, Rejection};

/// Answers the request for which a web server started this program. The head of the request is in
/// the environment, its body in standard input, and the response is written to standard output.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = farcall::xmlrpc::Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// farcall::http::cgi::serve(&server).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn serve(server: &impl AsRef<HttpServer>) -> io::Result<()> {
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
    server: &impl AsRef<HttpServer>,
    variables: impl IntoIterator<Item = (N, V)>,
    input: impl Read,
    mut output: impl Write,
) -> io::Result<()>
where
    N: Into<OsString>,
    V: Into<OsString>,
{
    let server = server.as_ref();
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
    let request = match rejection {
        Some(rejection) => Err(rejection),
        None => variables.request(path, Full::new(Bytes::from(body))),
    };
    let caller = variables.caller();

    let (parts, body) = match request {
        Err(rejection) => {
            let (parts, body) = reject(rejection, &caller).into_parts();
            (parts, body.into_inner().unwrap_or_default())
        }
        Ok(mut request) => {
            request.extensions_mut().insert(caller.clone());
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
    ///
    /// # Errors
    /// The response to send, if a header has a value that HTTP does not allow. Without that header,
    /// such as one that tells of which page it is, the request would be another one.
    pub(super) fn request<B>(&self, path: Uri, body: B) -> Result<Request<B>, Rejection> {
        let mut request = Request::new(body);
        let method = Method::from_bytes(self.bytes("REQUEST_METHOD").unwrap_or_default());
        *request.method_mut() = method.unwrap_or_default();
        *request.uri_mut() = path;
        *request.headers_mut() = self.headers()?;
        if let Some(length) = self.length() {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        Ok(request)
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

    /// Returns the headers of the request: `HTTP_ACCEPT_ENCODING` was `Accept-Encoding`. A header
    /// without a value is there, as over HTTP.
    fn headers(&self) -> Result<HeaderMap, Rejection> {
        let named = self.0.iter().filter_map(|(variable, value)| {
            let name = match str::from_utf8(variable).ok()? {
                "CONTENT_TYPE" if value.is_empty() => return None,
                "CONTENT_TYPE" => CONTENT_TYPE,
                // The variables without the prefix are the ones that count.
                "HTTP_CONTENT_TYPE" | "HTTP_CONTENT_LENGTH" => return None,
                variable => {
                    let name = variable.strip_prefix("HTTP_")?.replace('_', "-");
                    HeaderName::from_bytes(name.as_bytes()).ok()?
                }
            };
            let value = HeaderValue::from_bytes(value).map_err(|_| {
                let text = format!("the header {name} has a value that HTTP does not allow");
                Rejection::new(StatusCode::BAD_REQUEST, text)
            });
            Some(value.map(|value| (name, value)))
        });
        named.collect()
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
