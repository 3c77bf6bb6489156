//! Plain HTTP, for requests that our clients cannot send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use url::Url;

/// Maximum time for a server to answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The response of a server.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// Returns a header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut named = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.trim())
    }
}

/// Posts a document over a new connection, with additional headers.
pub(crate) fn post(url: &Url, headers: &str, document: &str) -> Result<Reply> {
    let address = url.socket_addrs(|| None)?;
    let mut stream = TcpStream::connect(&*address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nConnection: close\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        url.path(),
        document.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(document.as_bytes())?;
    let mut reply = Vec::new();
    match stream.read_to_end(&mut reply) {
        // A server need not read the whole body of a request that it refuses.
        Err(error) if error.kind() == ErrorKind::ConnectionReset && !reply.is_empty() => {}
        result => _ = result.context("the server does not answer and close")?,
    }
    let reply = String::from_utf8_lossy(&reply);
    let parts = reply.split_once("\r\n\r\n");
    let (head, body) = parts.with_context(|| format!("not an HTTP response: `{reply}`"))?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(Reply {
        status: status.with_context(|| format!("no status in `{head}`"))?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
