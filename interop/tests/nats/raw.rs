//! A client of NATS that sends any bytes: what strangers may publish.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::NatsServer;

/// Far more than a NATS server takes.
const SOON: Duration = Duration::from_secs(60);

/// A connection whose protocol is written by hand.
pub(crate) struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
    received: VecDeque<Received>,
    pongs: usize,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) subject: String,
    pub(crate) reply: Option<String>,
    /// The headers with their version line, as they came.
    pub(crate) headers: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(nats: &NatsServer) -> Self {
        let stream = TcpStream::connect(nats.address()).await.unwrap();
        let mut raw = Self {
            stream,
            unread: Vec::new(),
            received: VecDeque::new(),
            pongs: 0,
        };
        let connect =
            "{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}";
        raw.send(format!("CONNECT {connect}\r\n")).await;
        raw.settle().await;
        raw
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, subject: &str) {
        self.send(format!("SUB {subject} 1\r\n")).await;
        self.settle().await;
    }

    /// Publishes a message with headers, which may be none.
    pub(crate) async fn publish_with(
        &mut self,
        subject: impl AsRef<[u8]>,
        reply: impl AsRef<[u8]>,
        headers: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
    ) {
        let (headers, body) = (headers.as_ref(), body.as_ref());
        let line = [b"HPUB ", subject.as_ref(), b" ", reply.as_ref(), b" "].concat();
        let lengths = format!("{} {}\r\n", headers.len(), headers.len() + body.len());
        let message = [&line, lengths.as_bytes(), headers, body, b"\r\n"].concat();
        self.send(message).await;
    }

    pub(crate) async fn publish(
        &mut self,
        subject: impl AsRef<[u8]>,
        reply: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
    ) {
        let line = [b"PUB ", subject.as_ref(), b" ", reply.as_ref(), b" "].concat();
        let length = format!("{}\r\n", body.as_ref().len());
        let message = [&line, length.as_bytes(), body.as_ref(), b"\r\n"].concat();
        self.send(message).await;
    }

    /// Completes when the server has read everything, and all that it sent before is here.
    pub(crate) async fn settle(&mut self) {
        self.pongs = 0;
        self.send("PING\r\n").await;
        while self.pongs == 0 {
            self.read().await;
        }
    }

    /// The next message.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Received {
        loop {
            if let Some(received) = self.received.pop_front() {
                return received;
            }
            self.read().await;
        }
    }

    /// All messages that have come so far.
    pub(crate) async fn all(&mut self) -> Vec<Received> {
        self.settle().await;
        self.received.drain(..).collect()
    }

    /// Waits for bytes, and takes the whole messages in them.
    async fn read(&mut self) {
        let read = timeout(SOON, self.stream.read_buf(&mut self.unread)).await;
        let read = read.expect("the NATS server sends something").unwrap();
        assert!(read > 0, "the NATS server ended the connection");
        let mut taken = 0;
        while let Some(length) = self.take(taken) {
            taken += length;
        }
        self.unread.drain(..taken);
    }

    /// Takes the line at a place, with the message behind it, if it is whole. Returns its length.
    fn take(&mut self, place: usize) -> Option<usize> {
        let unread = &self.unread[place..];
        let end = unread.windows(2).position(|bytes| bytes == b"\r\n")?;
        let line = String::from_utf8_lossy(&unread[..end]).into_owned();
        let (rest, words) = (end + 2, line.split(' ').collect::<Vec<_>>());
        let (subject, lengths) = match words[..] {
            ["PONG"] => {
                self.pongs += 1;
                return Some(rest);
            }
            ["PING"] | ["INFO", ..] => return Some(rest),
            ["MSG", subject, .., length] => (subject, ["0", length]),
            ["HMSG", subject, .., headers, length] => (subject, [headers, length]),
            _ => panic!("the NATS server says {line}"),
        };
        let has_reply = words.len() == if words[0] == "MSG" { 5 } else { 6 };
        let [headers, length] = lengths.map(|length| length.parse::<usize>().unwrap());
        let bytes = unread.get(rest..rest + length)?;
        unread.get(rest + length + 1)?;
        self.received.push_back(Received {
            subject: subject.to_owned(),
            reply: has_reply.then(|| words[3].to_owned()),
            headers: bytes[..headers].to_vec(),
            body: bytes[headers..].to_vec(),
        });
        Some(rest + length + 2)
    }
}

impl Received {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let headers = String::from_utf8_lossy(&self.headers);
        let found = headers
            .split("\r\n")
            .filter_map(|line| line.split_once(": "));
        let mut found = found.filter(|(found, _)| *found == name);
        found.next().map(|(_, value)| value.to_owned())
    }
}
