//! Listening and connecting without async code.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::transport::{Address, Peer};
use tokio::runtime::{Builder, Runtime};

use super::Connection;
use super::reader::Reader;
use super::stream::Stream;
use super::writer::Writer;
use crate::client::{ClientBuilder, ConnectError};
use crate::codec::Codec;
use crate::connection::{self, Incoming, MAX_MESSAGE, Outgoing};
use crate::listener::{BindError, ListenerBuilder};

/// Accepts connections, as [`conn::Listener`](crate::Listener). It comes from
/// [`ListenerBuilder::wait`].
///
/// Peers prove the key in a thread of the listener's own, while the program does something else.
#[derive(Debug)]
pub struct Listener {
    listener: crate::Listener,
    // Behind the listener, which is closed while its runtime still runs.
    runtime: Runtime,
}

impl Listener {
    /// The next peer that proved the key.
    ///
    /// # Errors
    /// If the peer's socket cannot be made to block. What a peer does wrong is never an error here.
    pub fn accept<S, R, C: Codec>(&mut self) -> io::Result<Connection<S, R, C>> {
        let accepted = self.runtime.block_on(self.listener.accept())?;
        accepted.into_blocking()
    }

    /// Where peers reach this listener.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        self.listener.local_address()
    }

    /// Who was accepted last.
    #[must_use]
    pub const fn last_accepted(&self) -> Option<&Peer> {
        self.listener.last_accepted()
    }

    /// Closes the listener: when it returns, the port is free and the socket file is gone.
    pub fn close(self) {
        self.runtime.block_on(self.listener.close());
    }
}

impl ListenerBuilder {
    /// Listens, for programs without async code.
    ///
    /// # Errors
    /// As with `.await`.
    ///
    /// # Panics
    /// Within async code, which must not be made to wait.
    pub fn wait(self) -> Result<Listener, BindError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("listener")
            .enable_all()
            .build()?;
        let listener = runtime.block_on(self.into_future())?;
        Ok(Listener { listener, runtime })
    }
}

impl<S: 'static, R: 'static, C: Codec> ClientBuilder<S, R, C> {
    /// Connects, for programs without async code.
    ///
    /// # Errors
    /// As with `.await`. Transports other than sockets are for async code alone.
    ///
    /// # Panics
    /// Within async code, which must not be made to wait.
    pub fn wait(self) -> Result<Connection<S, R, C>, ConnectError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(self.into_future())?;
        let _context = runtime.enter();
        Ok(connection.into_blocking()?)
    }
}

impl<S, R, C: Codec> connection::Connection<S, R, C> {
    /// The same connection for code that is not async. Nothing that was received or left to send is lost.
    ///
    /// # Errors
    /// If it is not a socket, or is broken.
    pub fn into_blocking(mut self) -> io::Result<Connection<S, R, C>> {
        if let Some(error) = self.reader.failed {
            return Err(error);
        }
        let stream = match (self.reader.incoming, self.writer.outgoing) {
            (Incoming::Tcp(incoming), Outgoing::Tcp(outgoing)) => {
                let tcp = incoming.reunite(outgoing).map_err(io::Error::other)?;
                let tcp = tcp.into_std()?;
                tcp.set_nonblocking(false)?;
                Stream::Tcp(tcp)
            }
            (Incoming::Unix(incoming), Outgoing::Unix(outgoing)) => {
                Stream::Unix(incoming.reunite(outgoing)?)
            }
            _ => {
                let message = "only sockets can be used without async code";
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
        };
        if let Some(idle) = &self.reader.idle {
            // The system takes no time for none.
            let time = idle.time().max(Duration::from_micros(1));
            stream.set_read_timeout(Some(time))?;
        }
        let stream = Arc::new(stream);
        let mut reader = Reader::new(Arc::clone(&stream), self.reader.max_message);
        reader.decoder = self.reader.decoder;
        reader.share = self.reader.share.take();
        reader.descriptors = self.reader.descriptors;
        reader.confirmations = self.reader.confirmations;
        let mut writer = Writer::new(stream);
        writer.encoder = self.writer.encoder;
        writer.broken = self.writer.broken;
        writer.share = self.writer.share.take();
        let mut connection = Connection::from_parts(reader, writer, self.peer);
        connection.codec = self.codec;
        connection.acknowledge = self.acknowledge;
        connection.arrived = self.arrived;
        Ok(connection)
    }
}

impl<S, R, C: Codec> From<UnixStream> for Connection<S, R, C> {
    /// A connection on a socket that blocks, without any authentication.
    fn from(socket: UnixStream) -> Self {
        Self::on(Stream::Unix(socket), Peer::Unix(None))
    }
}

impl<S, R, C: Codec> From<TcpStream> for Connection<S, R, C> {
    /// A connection on a socket that blocks, without any authentication.
    fn from(socket: TcpStream) -> Self {
        let peer = socket.peer_addr().map_or(Peer::Unknown, Peer::Tcp);
        Self::on(Stream::Tcp(socket), peer)
    }
}

impl<S, R, C: Codec> Connection<S, R, C> {
    fn on(stream: Stream, peer: Peer) -> Self {
        let stream = Arc::new(stream);
        let reader = Reader::new(Arc::clone(&stream), MAX_MESSAGE);
        Self::from_parts(reader, Writer::new(stream), peer)
    }
}
