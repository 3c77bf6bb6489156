//! Calls over HTTP, hand-written on sockets of std.

use anyhow::{Context as _, Result, bail, ensure};
use farcall::protocol::Format as _;
use farcall::transport::Address;
use farcall::xmlrpc::XmlRpc;

use super::bare_std::{self, Stream};
use crate::case::Post;
use crate::task::Task;
use crate::tls::{self, Certificate};

/// Returns `add(3, 5)` as XML-RPC.
pub(crate) fn xml() -> Post {
    Post {
        path: "/RPC2",
        content_type: "text/xml",
        body: CALL.to_owned(),
        is_right: |reply| {
            let is_eight = ["<int>8</int>", "<i4>8</i4>", "<i8>8</i8>"];
            is_eight.iter().any(|eight| reply.contains(eight))
        },
    }
}

/// The call as Farcall's client encodes it.
pub(crate) const CALL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodCall><methodName>add</methodName>\
    <params><param><value><int>3</int></value></param><param><value><int>5</int></value></param></params></methodCall>";

/// Returns the reply as Farcall's server encodes it.
pub(crate) fn reply() -> Result<Vec<u8>> {
    let mut reply = Vec::new();
    XmlRpc::default().encode_reply(&8, &mut reply)?;
    Ok(reply)
}

/// A connection that makes the call repeatedly.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(
        address: &Address,
        certificate: Option<&Certificate>,
        post: &Post,
    ) -> Result<Self> {
        let stream = bare_std::connect_tcp(address, tls::HTTP, certificate)?;
        let Post {
            path,
            content_type,
            body,
            ..
        } = post;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {content_type}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(Self {
            stream,
            request: request.into_bytes(),
            buffer: vec![0; 8192],
        })
    }

    /// Makes the call, and returns the reply document.
    pub(crate) fn call(&mut self) -> Result<&[u8]> {
        self.stream.write_all(&self.request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            ensure!(read > 0, "the server closed the connection");
            filled += read;
            if let Some((head, length)) = head(&self.buffer[..filled])? {
                if filled == head + length {
                    return Ok(&self.buffer[head..filled]);
                }
                let missing = (head + length).saturating_sub(self.buffer.len());
                self.buffer.extend(std::iter::repeat_n(0, missing));
            }
        }
    }
}

/// Returns the lengths of the head and the body of a response, if the head is complete.
fn head(response: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&response[..end])?;
    ensure!(
        head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.0 200"),
        "{head}"
    );
    for line in head.lines() {
        if let Some((name, length)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(Some((end + 4, length.trim().parse()?)));
        }
    }
    bail!("there is no length in {head}");
}

/// Checks the reply of the server, and returns its length.
pub(crate) fn check(
    server: &Address,
    certificate: Option<&Certificate>,
    post: &Post,
) -> Result<usize> {
    let mut client =
        Client::connect(server, certificate, post).context("cannot connect to the server")?;
    let document = String::from_utf8_lossy(client.call()?).into_owned();
    ensure!((post.is_right)(&document), "wrong reply: {document:.1000}");
    Ok(document.len())
}

/// Returns the requests per second.
pub(crate) fn load(task: &Task, post: &Post) -> Result<f64> {
    let (address, certificate) = (task.address()?, task.certificate.as_ref());
    check(address, certificate, post)?;
    let mut client = Client::connect(address, certificate, post)?;
    task.rate(|| client.call().map(drop))
}
