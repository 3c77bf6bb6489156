//! Messages in a byte stream.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use farcall_core::protocol::time;
use serde::de::IgnoredAny;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use super::{Message, MessageHold, ReadError, ReadMessage, SessionAccount, WriteMessage};

/// Maximum bytes of the headers before a message. Language servers send about 30.
const MAX_HEAD: usize = 4096;

/// Bytes of room for each read.
const READ: usize = 8 << 10;

/// Maximum bytes that are collected before they are written.
const COLLECTED: usize = 16 << 10;

/// Minimum bytes that a peer must take in each timeout of writing.
const PROGRESS: usize = 64 << 10;

/// The way in which a byte stream is divided into messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// A message is a line: `{…}\n`. It cannot contain line breaks, which JSON needs nowhere. Empty
    /// lines are skipped. As most programs have it that speak JSON-RPC over plain sockets. A server
    /// ends the connection at a line that is not JSON at all, such as one of a request of HTTP.
    #[default]
    Lines,
    /// A message has a header with its length in bytes: `Content-Length: 46\r\n\r\n{…}`. As the
    /// Language Server Protocol has it (LSP 3.17, Base Protocol). Its other header,
    /// `Content-Type`, may name the charset UTF-8 only.
    Headers,
}

/// Receives messages from a byte stream.
pub(crate) struct FramedReader<R> {
    io: R,
    framing: Framing,
    buffer: BytesMut,
    /// Bytes of the buffer that have no line break.
    scanned: usize,
    /// Length of the message after headers that were read.
    length: Option<usize>,
    hold: MessageHold,
    since: Option<Instant>,
    is_strict: bool,
}

impl<R> FramedReader<R> {
    pub(crate) fn new(io: R, framing: Framing) -> Self {
        Self {
            io,
            framing,
            buffer: BytesMut::new(),
            scanned: 0,
            length: None,
            hold: MessageHold::default(),
            since: None,
            is_strict: false,
        }
    }

    /// Fails at a line that is not JSON at all, such as those of a request of HTTP: a web page can
    /// send one to any port, with a call as its body.
    pub(crate) const fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Takes a message that has arrived.
    fn take(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        match self.framing {
            Framing::Lines => self.take_line(max),
            Framing::Headers => self.take_body(max),
        }
    }

    fn take_line(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        loop {
            let end = memchr::memchr(b'\n', &self.buffer[self.scanned..]);
            let end = end.map(|end| self.scanned + end);
            if end.unwrap_or(self.buffer.len()) > max {
                return Err(ReadError::TooLarge(max));
            }
            let Some(end) = end else {
                self.scanned = self.buffer.len();
                return Ok(None);
            };
            self.scanned = 0;
            let line = self.buffer.split_to(end);
            self.buffer.advance(1);
            if !line.trim_ascii().is_empty() {
                return self.line(line).map(Some);
            }
        }
    }

    fn line(&self, line: BytesMut) -> Result<Bytes, ReadError> {
        if line.starts_with(b"HTTP/1.") {
            return Err(ReadError::Malformed(HTTP));
        }
        // An object or array with an error is one message, which is answered as such.
        let is_message = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
        if self.is_strict && !is_message && serde_json::from_slice::<IgnoredAny>(&line).is_err() {
            return Err(ReadError::Malformed("a line is not JSON"));
        }
        Ok(line.freeze())
    }

    fn take_body(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        let length = match self.length {
            Some(length) => length,
            None => {
                let start = &self.buffer[..self.buffer.len().min(MAX_HEAD)];
                let Some(end) = memchr::memmem::find(start, b"\r\n\r\n") else {
                    if start.len() == MAX_HEAD {
                        return Err(ReadError::Malformed("the headers are over 4096 bytes"));
                    }
                    // A peer that speaks something else is told at once.
                    if !is_begin_of_header(start) {
                        return Err(ReadError::Malformed(NO_HEADER));
                    }
                    return Ok(None);
                };
                let length = content_length(&start[..end])?;
                self.buffer.advance(end + 4);
                if length > max {
                    return Err(ReadError::TooLarge(max));
                }
                *self.length.insert(length)
            }
        };
        if self.buffer.len() < length {
            return Ok(None);
        }
        self.length = None;
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Takes what is left at the end of the stream.
    fn take_last(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        let is_empty = self.buffer.trim_ascii().is_empty() && self.length.is_none();
        if is_empty {
            return Ok(None);
        }
        match self.framing {
            // The line break of the last line may be missing.
            Framing::Lines if self.buffer.len() <= max => {
                self.scanned = 0;
                let line = self.buffer.split();
                self.line(line).map(Some)
            }
            _ => Err(ReadError::Malformed("the connection ends within a message")),
        }
    }
}

const HTTP: &str =
    "a line is of an answer of HTTP, whose URLs begin with `json+http://` or `ws://`";

const NO_HEADER: &str = "there is no header `Content-Length: ` with a number of bytes";

/// Returns `true` for the first bytes of headers, which are those of a name. A request line of HTTP
/// has a space before any colon.
fn is_begin_of_header(start: &[u8]) -> bool {
    start
        .iter()
        .take_while(|byte| **byte != b':')
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Returns the length that the headers before a message tell.
fn content_length(head: &[u8]) -> Result<usize, ReadError> {
    const MALFORMED: ReadError = ReadError::Malformed(NO_HEADER);
    let head = str::from_utf8(head).map_err(|_| MALFORMED)?;
    let mut length = None;
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or(MALFORMED)?;
        if !is_begin_of_header(name.as_bytes()) {
            return Err(MALFORMED);
        }
        let value = value.trim_matches([' ', '\t']);
        if name.eq_ignore_ascii_case("content-length") {
            let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let number = value.parse().ok().filter(|_| is_number);
            // Twice could be read differently by someone in between.
            if length.replace(number.ok_or(MALFORMED)?).is_some() {
                return Err(MALFORMED);
            }
        } else if name.eq_ignore_ascii_case("content-type") {
            let value = value.to_ascii_lowercase();
            let charset = value.split_once("charset=").map(|(_, charset)| charset);
            let charset = charset.map(|charset| charset.trim_matches(['"', ' ']));
            if !matches!(charset, None | Some("utf-8" | "utf8")) {
                return Err(ReadError::Malformed("the charset is not UTF-8"));
            }
        }
    }
    length.ok_or(MALFORMED)
}

impl<R: AsyncRead + Send + Unpin + 'static> ReadMessage for FramedReader<R> {
    async fn read(
        &mut self,
        max: usize,
        account: &Arc<SessionAccount>,
    ) -> Result<Option<Message>, ReadError> {
        loop {
            let taken = self.take(max)?;
            if let Some(document) = taken {
                return Ok(Some(self.message(document)));
            }
            if self.buffer.is_empty() && self.length.is_none() {
                self.since = None;
                if self.buffer.capacity() > 4 * READ {
                    // An idle connection keeps no memory of a large message.
                    self.buffer = BytesMut::new();
                }
            } else if self.since.is_none() {
                self.since = Some(Instant::now());
            }
            self.hold.resize(account, self.buffer.len())?;
            if self.buffer.capacity() - self.buffer.len() < READ / 2 {
                self.buffer.reserve(READ);
            }
            if self.io.read_buf(&mut self.buffer).await? == 0 {
                let last = self.take_last(max)?;
                return Ok(last.map(|document| self.message(document)));
            }
        }
    }

    async fn drain(&mut self) {
        self.buffer = BytesMut::new();
        while matches!(self.io.read_buf(&mut self.buffer).await, Ok(1..)) {
            self.buffer.clear();
        }
    }

    fn incomplete_since(&self) -> Option<Instant> {
        self.since
    }

    fn heard_at(&self) -> Option<Instant> {
        None
    }
}

impl<R> FramedReader<R> {
    fn message(&mut self, document: Bytes) -> Message {
        self.since = None;
        Message {
            document,
            hold: std::mem::take(&mut self.hold),
        }
    }
}

/// Sends messages over a byte stream.
pub(crate) struct FramedWriter<W> {
    io: W,
    framing: Framing,
    buffer: Vec<u8>,
    timeout: Option<Duration>,
}

impl<W> FramedWriter<W> {
    /// A peer must take 64 KiB, or a fifth of a message if that is more, within each timeout.
    pub(crate) const fn new(io: W, framing: Framing, timeout: Option<Duration>) -> Self {
        Self {
            io,
            framing,
            buffer: Vec::new(),
            timeout,
        }
    }
}

impl<W: AsyncWrite + Unpin> FramedWriter<W> {
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(PROGRESS.max(bytes.len() / 5)) {
            let timer = || {
                self.timeout
                    .map(|timeout| sleep(timeout.min(time::LONGEST)))
            };
            let written = time::within(self.io.write_all(part), timer).await;
            written.unwrap_or_else(|| Err(too_slow()))?;
        }
        Ok(())
    }
}

fn too_slow() -> io::Error {
    let message = "the peer reads the messages too slowly";
    io::Error::new(io::ErrorKind::TimedOut, message)
}

impl<W: AsyncWrite + Send + Unpin + 'static> WriteMessage for FramedWriter<W> {
    async fn write(&mut self, mut document: Bytes) -> io::Result<()> {
        match self.framing {
            Framing::Headers => {
                let head = format!("Content-Length: {}\r\n\r\n", document.len());
                self.buffer.extend_from_slice(head.as_bytes());
            }
            // A raw method may have laid out its result. Strings have no line breaks.
            Framing::Lines if document.contains(&b'\n') => {
                let spaced = document.iter().map(|byte| match byte {
                    b'\n' => b' ',
                    byte => *byte,
                });
                document = spaced.collect();
            }
            Framing::Lines => {}
        }
        if document.len() <= COLLECTED {
            self.buffer.extend_from_slice(&document);
        } else {
            self.flush().await?;
            self.write_all(&document).await?;
        }
        if self.framing == Framing::Lines {
            self.buffer.push(b'\n');
        }
        if self.buffer.len() > COLLECTED {
            self.flush().await?;
        }
        Ok(())
    }

    async fn ping(&mut self) -> io::Result<()> {
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.write_all(&buffer).await?;
        buffer.clear();
        self.buffer = buffer;
        self.io.flush().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.io.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::Budget;

    use super::*;

    async fn read_all(bytes: &[u8], framing: Framing, max: usize) -> (Vec<String>, Option<String>) {
        let account = Arc::new(SessionAccount::new(Budget::default()));
        let mut reader = FramedReader::new(io::Cursor::new(bytes.to_vec()), framing).strict();
        let mut messages = Vec::new();
        loop {
            match reader.read(max, &account).await {
                Ok(Some(message)) => {
                    messages.push(String::from_utf8_lossy(&message.document).into_owned());
                }
                Ok(None) => return (messages, None),
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_messages() {
        let cases = [
            (
                &b"{}\n[1]\r\n\n  \n{}"[..],
                &["{}", "[1]\r", "{}"][..],
                None,
            ),
            (b"", &[], None),
            (b"\n\n", &[], None),
            (
                b"12345678\n123456789\n",
                &["12345678"],
                Some("limit of 8 bytes"),
            ),
            (b"123456789", &[], Some("limit of 8 bytes")),
            (
                b"{}\nHTTP/1.1\n",
                &["{}"],
                Some("answer of HTTP, whose URLs begin with `json+http://`"),
            ),
            (
                b"5\n{\n\"\"\nx y\n{}",
                &["5", "{", "\"\""],
                Some("not JSON"),
            ),
            (b"P /:1\r\n{}\n", &[], Some("not JSON")),
            (b" x", &[], Some("not JSON")),
        ];
        for (bytes, expected, error) in cases {
            let (messages, found) = read_all(bytes, Framing::Lines, 8).await;
            assert_eq!(messages, expected);
            assert_eq!(found.is_some(), error.is_some(), "{found:?}");
            assert!(error.is_none_or(|error| found.unwrap().contains(error)));
        }
    }

    #[tokio::test]
    async fn headers_tell_the_length() {
        let cases = [
            (
                "Content-Length: 2\r\n\r\n{}content-length:3\r\n\r\n[1]",
                2,
                "",
            ),
            (
                "Content-Type: x; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
                1,
                "",
            ),
            ("Content-Length: 2\r\n\r\n{", 0, "within a message"),
            ("Content-Le", 0, "within a message"),
            ("Content-Length: -1\r\n\r\n", 0, "no header"),
            ("Content-Length: +1\r\n\r\n", 0, "no header"),
            ("Content-Length: \r\n\r\n", 0, "no header"),
            (
                "Content-Length: 99999999999999999999\r\n\r\n",
                0,
                "no header",
            ),
            ("Content-Length: 9\r\n\r\n", 0, "limit of 8 bytes"),
            (
                "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
                0,
                "no header",
            ),
            (
                "Content-Type: x; charset=utf-16\r\nContent-Length: 2\r\n\r\n{}",
                0,
                "charset",
            ),
            ("X: y\r\n\r\n{}", 0, "no header"),
            ("{\"jsonrpc\":", 0, "no header"),
            ("\r\n\r\n{}", 0, "no header"),
            // A path may have a colon.
            (
                "POST /:80 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
                0,
                "no header",
            ),
        ];
        for (bytes, count, error) in cases {
            let (messages, found) = read_all(bytes.as_bytes(), Framing::Headers, 8).await;
            assert_eq!(messages.len(), count, "{bytes:?}");
            let found = found.unwrap_or_default();
            assert!(
                found.contains(error) && found.is_empty() == error.is_empty(),
                "{found}"
            );
        }
        let long = format!("X: {}", "x".repeat(5000));
        let (_, found) = read_all(long.as_bytes(), Framing::Headers, 8).await;
        assert!(found.unwrap().contains("4096"));
    }

    #[tokio::test]
    async fn messages_survive_both_framings() {
        for framing in [Framing::Lines, Framing::Headers] {
            let mut writer = FramedWriter::new(Vec::new(), framing, None);
            let messages = ["[1,\n2]".to_owned(), "5".repeat(300_000), "{}".to_owned()];
            for message in &messages {
                let document = Bytes::copy_from_slice(message.as_bytes());
                writer.write(document).await.unwrap();
            }
            writer.flush().await.unwrap();
            let (read, error) = read_all(&writer.io, framing, 1 << 20).await;
            assert_eq!(error, None);
            assert_eq!(read.len(), 3);
            assert_eq!(read[1..], messages[1..]);
            assert!(!read[0].contains('\n') || framing == Framing::Headers);
        }
    }
}
