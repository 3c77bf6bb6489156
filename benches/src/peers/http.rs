//! `add(3, 5)` as XML-RPC over HTTP, hand-written on sockets of std.

use anyhow::{Context as _, Result, bail, ensure};
use farcall::protocol::Format as _;
use farcall::transport::Address;
use farcall::xmlrpc::XmlRpc;

use super::bare_std::{self, Stream};
use crate::task::Task;
use crate::tls::{self, Certificate};

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
    pub(crate) fn connect(address: &Address, certificate: Option<&Certificate>) -> Result<Self> {
        let stream = bare_std::connect_tcp(address, tls::HTTP, certificate)?;
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n{CALL}",
            CALL.len()
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
                ensure!(filled < self.buffer.len(), "the reply is too long");
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

/// Checks that the server replies with 8, and returns the length of its reply.
pub(crate) fn check(server: &Address, certificate: Option<&Certificate>) -> Result<usize> {
    let mut client =
        Client::connect(server, certificate).context("cannot connect to the server")?;
    let document = String::from_utf8_lossy(client.call()?).into_owned();
    let is_eight = ["<int>8</int>", "<i4>8</i4>", "<i8>8</i8>"];
    ensure!(
        is_eight.iter().any(|eight| document.contains(eight)),
        "wrong reply: {document}"
    );
    Ok(document.len())
}

/// Returns the calls per second.
pub(crate) fn load(task: &Task) -> Result<f64> {
    let (address, certificate) = (task.address()?, task.certificate.as_ref());
    check(address, certificate)?;
    let mut client = Client::connect(address, certificate)?;
    task.rate(|| client.call().map(drop))
}
