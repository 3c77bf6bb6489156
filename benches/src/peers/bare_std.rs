//! The limit of blocking code: bare sockets of std.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use anyhow::{Result, ensure};
use farcall::transport::Address;
use rustls::client::Resumption;
use rustls::{ClientConnection, ServerConnection, StreamOwned};

use super::Transport;
use crate::messages::announce;
use crate::task::Task;
use crate::tls::{self, Certificate};

/// A byte stream of any kind.
pub(crate) trait Stream: Read + Write + Send + 'static {}

impl<T: Read + Write + Send + 'static> Stream for T {}

/// Serves one connection after the other, on this thread.
pub(crate) fn serve(
    transport: Transport,
    service: impl Fn(&mut dyn Stream) -> Result<()>,
) -> Result<()> {
    match transport.address() {
        Address::Unix(path) => {
            let listener = UnixListener::bind(&path)?;
            announce(&Address::Unix(path))?;
            loop {
                service(&mut listener.accept()?.0)?;
            }
        }
        address => {
            let listener = TcpListener::bind(address.to_string())?;
            let tls = match Certificate::of_part() {
                Some(certificate) => Some(certificate.server(None)?),
                None => None,
            };
            announce(&Address::Tcp(listener.local_addr()?))?;
            loop {
                let (mut stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                match tls.clone() {
                    Some(tls) => {
                        let tls = ServerConnection::new(tls)?;
                        service(&mut StreamOwned::new(tls, stream))?;
                    }
                    None => service(&mut stream)?,
                }
            }
        }
    }
}

/// Opens a connection.
pub(crate) fn connect(task: &Task) -> Result<Box<dyn Stream>> {
    match task.address()? {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path)?)),
        address => connect_tcp(address, None, task.certificate.as_ref()),
    }
}

/// Opens a connection over TCP, with TLS if the server has a certificate.
pub(crate) fn connect_tcp(
    address: &Address,
    protocol: Option<&str>,
    certificate: Option<&Certificate>,
) -> Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address.to_string())?;
    stream.set_nodelay(true)?;
    let Some(certificate) = certificate else {
        return Ok(Box::new(stream));
    };
    let config = certificate.client(protocol, Resumption::disabled())?;
    let tls = ClientConnection::new(config, tls::server_name())?;
    Ok(Box::new(StreamOwned::new(tls, stream)))
}

pub(crate) fn serve_echo(transport: Transport, bytes: usize) -> Result<()> {
    serve(transport, |stream| {
        let mut message = vec![0; bytes];
        while stream.read_exact(&mut message).is_ok() {
            stream.write_all(&message)?;
        }
        Ok(())
    })
}

pub(crate) fn load_echo(task: &Task, bytes: usize) -> Result<f64> {
    let mut stream = connect(task)?;
    let message: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
    let mut reply = vec![0; bytes];
    let rate = task.rate(|| {
        stream.write_all(&message)?;
        Ok(stream.read_exact(&mut reply)?)
    })?;
    ensure!(reply == message, "the echo is another message");
    Ok(rate)
}

/// Reads messages of one size into an existing buffer, and acknowledges each with a byte.
pub(crate) fn serve_bulk(transport: Transport, size: usize) -> Result<()> {
    serve(transport, |stream| {
        let mut message = vec![0; size];
        while stream.read_exact(&mut message).is_ok() {
            stream.write_all(&[1])?;
        }
        Ok(())
    })
}

pub(crate) fn load_bulk(task: &Task, size: usize) -> Result<f64> {
    let mut stream = connect(task)?;
    let message = vec![1; size];
    task.rate(|| {
        stream.write_all(&message)?;
        Ok(stream.read_exact(&mut [0])?)
    })
}
