//! Tunnels through HTTP proxies (`CONNECT`, RFC 9110, 9.3.6).

use std::io;
use std::time::Instant;

use http::{HeaderValue, StatusCode};
use httparse::{EMPTY_HEADER, Status};

use crate::client::response::{Buffer, MAX_HEAD, MAX_HEADERS};
use crate::client::stream::{Stream, write_all};
use crate::client::url::HttpUrl;

/// The request for a tunnel to a server.
pub(in crate::client) struct ConnectRequest(Vec<u8>);

/// A proxy that opens no tunnel.
#[derive(Debug, thiserror::Error)]
enum NoTunnel {
    #[error("the proxy opens no tunnel: HTTP status {0}{hint}", hint = hint(*.0))]
    Refused(StatusCode),
    #[error("the proxy closed the connection before it opened a tunnel")]
    Closed,
    #[error("the answer of the proxy is not an HTTP response")]
    Malformed,
    #[error("the head of the answer of the proxy has more than {MAX_HEAD} bytes")]
    TooLarge,
    #[error("the proxy sent data before the server did")]
    Unexpected,
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            " (the credentials for the proxy are missing or wrong)"
        }
        _ => "",
    }
}

impl From<NoTunnel> for io::Error {
    fn from(error: NoTunnel) -> Self {
        Self::other(error)
    }
}

impl ConnectRequest {
    /// Creates the request for a tunnel to the server of a URL. The credentials are for the proxy:
    /// the server never sees them.
    pub(in crate::client) fn new(url: &HttpUrl, authorization: Option<&HeaderValue>) -> Self {
        let place = format!("{}:{}", url.host(), url.port());
        let mut bytes = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
        if let Some(authorization) = authorization {
            bytes.extend_from_slice(b"Proxy-Authorization: ");
            bytes.extend_from_slice(authorization.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        Self(bytes)
    }

    /// Opens the tunnel: bytes that are written to the stream afterwards go to the server.
    ///
    /// # Errors
    /// If the proxy does not open it, and an error of kind `TimedOut` if the deadline passes.
    pub(in crate::client) async fn open(
        &self,
        stream: &mut impl Stream,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        write_all(stream, &self.0, deadline).await?;
        let mut buffer = Buffer::new();
        let mut read = 0;
        loop {
            match stream.read(buffer.space(), deadline).await? {
                0 => return Err(NoTunnel::Closed.into()),
                length => buffer.fill(length),
            }
            while let Some((status, length)) = parse(buffer.unread())? {
                buffer.consume(length);
                read += length;
                if status.is_success() {
                    // The server does not speak before the client.
                    return match buffer.unread() {
                        [] => Ok(()),
                        _ => Err(NoTunnel::Unexpected.into()),
                    };
                }
                if !status.is_informational() {
                    return Err(NoTunnel::Refused(status).into());
                }
            }
            if read + buffer.unread().len() >= MAX_HEAD {
                return Err(NoTunnel::TooLarge.into());
            }
        }
    }
}

/// Returns the status and the length of the head at the start of `bytes`, or `None` if it is
/// incomplete. Its headers are ignored: a tunnel has no body, whatever they say.
fn parse(bytes: &[u8]) -> Result<Option<(StatusCode, usize)>, NoTunnel> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(Status::Complete(length)) => {
            let status = StatusCode::from_u16(response.code.unwrap_or_default());
            let status = status.map_err(|_| NoTunnel::Malformed)?;
            Ok(Some((status, length)))
        }
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(NoTunnel::Malformed),
    }
}
