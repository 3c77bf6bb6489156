//! CGI: one request from a web server, one answer to it, and the program ends (RFC 3875).

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use rpc_core::Peer;

use super::Server;

/// Answers the one request that a web server started this program for: its head is in the
/// environment, its body in the standard input, and the answer goes to the standard output.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = xmlrpc::Server::new();
/// server.register_function("add", |a: i64, b: i64| a + b)?;
/// xmlrpc::cgi::serve(&server).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn serve(server: &Server) -> io::Result<()> {
    respond(
        server,
        std::env::vars(),
        io::stdin().lock(),
        io::stdout().lock(),
    )
    .await
}

/// As [`serve`], with the environment, input and output given.
///
/// The path is that after the program's own (`PATH_INFO`), or `/`. Reading and writing block the
/// thread: a CGI program has nothing else to do.
///
/// # Errors
/// If the input cannot be read or the output cannot be written.
pub async fn respond(
    server: &Server,
    variables: impl IntoIterator<Item = (String, String)>,
    input: impl Read,
    mut output: impl Write,
) -> io::Result<()> {
    let variables: HashMap<String, String> = variables.into_iter().collect();
    let length = variables
        .get("CONTENT_LENGTH")
        .and_then(|length| length.trim().parse().ok());
    // One byte over the limit is enough to be refused for.
    let limit = (server.options.max_body as u64).saturating_add(1);
    let mut body = Vec::new();
    input
        .take(length.unwrap_or(0).min(limit))
        .read_to_end(&mut body)?;

    let mut request = Request::new(Full::new(Bytes::from(body)));
    let method = variables
        .get("REQUEST_METHOD")
        .map(|method| Method::from_bytes(method.as_bytes()));
    *request.method_mut() = method.transpose().map_err(invalid)?.unwrap_or_default();
    let path = variables.get("PATH_INFO").filter(|path| !path.is_empty());
    *request.uri_mut() = path.map_or("/", String::as_str).parse().map_err(invalid)?;
    *request.headers_mut() = headers(&variables);
    request.extensions_mut().insert(peer(&variables));

    let (parts, body) = server.respond(request).await.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let reason = parts.status.canonical_reason().unwrap_or_default();
    write!(output, "Status: {} {reason}\r\n", parts.status.as_u16())?;
    for (name, value) in &parts.headers {
        write!(output, "{name}: ")?;
        output.write_all(value.as_bytes())?;
        output.write_all(b"\r\n")?;
    }
    write!(output, "{CONTENT_LENGTH}: {}\r\n\r\n", body.len())?;
    output.write_all(&body)?;
    output.flush()
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The headers of the request: `HTTP_ACCEPT_ENCODING` was `Accept-Encoding`.
fn headers(variables: &HashMap<String, String>) -> HeaderMap {
    let named = variables.iter().filter_map(|(variable, value)| {
        let name = match variable.as_str() {
            "CONTENT_TYPE" => CONTENT_TYPE,
            variable => {
                let name = variable.strip_prefix("HTTP_")?.replace('_', "-");
                HeaderName::from_bytes(name.as_bytes()).ok()?
            }
        };
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    named.filter(|(_, value)| !value.is_empty()).collect()
}

fn peer(variables: &HashMap<String, String>) -> Peer {
    let address: Option<IpAddr> = variables
        .get("REMOTE_ADDR")
        .and_then(|address| address.parse().ok());
    let port = variables
        .get("REMOTE_PORT")
        .and_then(|port| port.parse().ok())
        .unwrap_or(0);
    address.map_or(Peer::Unknown, |address| {
        Peer::Tcp(SocketAddr::new(address, port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(variables: &[(&str, &str)], body: &str) -> String {
        let server = Server::new();
        server
            .register_function("who", |cx: rpc_core::Context| {
                format!("{} {}", cx.peer(), cx.header("x-test").unwrap_or("-"))
            })
            .unwrap();
        let variables = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let mut output = Vec::new();
        respond(&server, variables, body.as_bytes(), &mut output)
            .await
            .unwrap();
        String::from_utf8(output).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_answered_from_environment_and_input() {
        let body = "<methodCall><methodName>who</methodName></methodCall>";
        let length = body.len().to_string();
        let answer = run(
            &[
                ("REQUEST_METHOD", "POST"),
                ("CONTENT_TYPE", "text/xml"),
                ("CONTENT_LENGTH", &length),
                ("REMOTE_ADDR", "192.0.2.1"),
                ("REMOTE_PORT", "4711"),
                ("HTTP_X_TEST", "yes"),
            ],
            &format!("{body}what follows is not read"),
        )
        .await;
        let (head, document) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("Status: 200 OK\r\ncontent-type: text/xml\r\n"),
            "{head}"
        );
        assert!(head.contains(&format!("content-length: {}", document.len())));
        assert!(
            document.contains("<string>192.0.2.1:4711 yes</string>"),
            "{document}"
        );
    }

    #[tokio::test]
    async fn anything_but_post_is_refused() {
        let answer = run(&[("REQUEST_METHOD", "GET")], "").await;
        assert!(
            answer.starts_with("Status: 405 Method Not Allowed\r\n"),
            "{answer}"
        );
    }
}
