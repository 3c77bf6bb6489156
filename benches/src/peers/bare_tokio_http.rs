//! Hand-written HTTP on tokio's sockets, which only finds the end of each request.

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bare_tokio::{self, Stream, Use};
use super::{Transport, http};

/// Answers every request with the same bytes.
#[derive(Clone)]
struct Constant(Vec<u8>);

impl Use for Constant {
    type Output = ();

    async fn on(self, mut stream: impl Stream) -> Result<()> {
        let mut buffer = vec![0; 8192];
        let mut filled = 0;
        loop {
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                read => filled += read,
            }
            if is_whole(&buffer[..filled])? {
                stream.write_all(&self.0).await?;
                stream.flush().await?;
                filled = 0;
            }
        }
    }
}

/// Returns `true` if this is a complete request. Pipelined requests are not supported.
fn is_whole(request: &[u8]) -> Result<bool> {
    let Some(head) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        ensure!(request.len() < 8192, "the head is too long");
        return Ok(false);
    };
    let name = b"ontent-";
    let length = request[..head].windows(15).find(|bytes| {
        bytes[1..8].eq_ignore_ascii_case(name) && bytes[8..].eq_ignore_ascii_case(b"length:")
    });
    let length = length.context("a request without a length")?;
    let start = length.as_ptr().addr() - request.as_ptr().addr() + length.len();
    let digits = request[start..head].trim_ascii_start();
    let end = digits.iter().position(|digit| !digit.is_ascii_digit());
    let length: usize = std::str::from_utf8(&digits[..end.unwrap_or(digits.len())])?.parse()?;
    Ok(request.len() >= head + 4 + length)
}

pub(crate) fn serve(workers: usize) -> Result<()> {
    let reply = http::reply()?;
    let mut response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\
         date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
        reply.len()
    )
    .into_bytes();
    response.extend(reply);
    bare_tokio::serve(Transport::Tcp, workers, Constant(response))
}
