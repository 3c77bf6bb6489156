//! Calls that are never repeated: each is one connection and one request.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Calls a method with one integer and returns the integer of the reply.
pub(crate) fn call(address: SocketAddr, method: &str, n: i64) -> io::Result<i64> {
    exchange(TcpStream::connect(address)?, method, n)
}

/// The same over an open connection.
pub(crate) fn exchange(mut io: impl Read + Write, method: &str, n: i64) -> io::Result<i64> {
    let body = format!(
        "<methodCall><methodName>{method}</methodName><params><param><value><int>{n}</int></value>\
         </param></params></methodCall>"
    );
    let length = body.len();
    write!(
        io,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut reply = String::new();
    io.read_to_string(&mut reply)?;
    let number = reply.split_once("<int>").and_then(|(_, rest)| {
        let (number, _) = rest.split_once("</int>")?;
        number.parse().ok()
    });
    number.ok_or_else(|| io::Error::other(format!("no number: {reply:?}")))
}
