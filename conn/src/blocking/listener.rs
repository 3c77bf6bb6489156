//! Listening and connecting in blocking code.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use farcall_core::CannotBlock;
use farcall_core::protocol::blocking::wait;
use farcall_core::transport::{Address, Peer};

use super::Connection;
use super::half::{BlockingReadHalf, BlockingWriteHalf};
use super::stream::{BlockingStream, StreamKind};
use crate::codec::Codec;
use crate::connect::{ConnectError, ConnectionBuilder};
#[cfg(feature = "_tls")]
use crate::connection::replace_stream;
use crate::connection::{self, Reader, StreamReadHalf, StreamWriteHalf, Writer};
use crate::listener::{BindError, ListenerBuilder};

/// The blocking form of [`farcall_conn::Listener`](crate::Listener), returned by
/// [`ListenerBuilder::wait`].
///
/// Handshakes run on the thread that all blocking objects of the process share, independently of
/// the program.
pub struct Listener {
    listener: crate::Listener,
}

impl Listener {
    /// Accepts the next connection whose handshake succeeded.
    ///
    /// # Errors
    /// If the socket cannot be switched to blocking mode; also in async code. Failures of peers are
    /// never returned.
    pub fn accept<S, R, C: Codec>(&mut self) -> io::Result<Connection<S, R, C>> {
        wait(async { self.listener.accept().await?.into_blocking() })?
    }

    /// Returns the address at which peers reach this listener.
    #[must_use]
    pub const fn local_address(&self) -> &Address {
        self.listener.local_address()
    }

    /// Returns the peer that was accepted last.
    #[must_use]
    pub const fn last_accepted(&self) -> Option<&Peer> {
        self.listener.last_accepted()
    }

    /// Closes the listener. When it returns, the port is free and the socket file is removed.
    /// Dropping the listener does the same a moment later.
    ///
    /// # Errors
    /// In async code. The listener is dropped then.
    pub fn close(self) -> Result<(), CannotBlock> {
        wait(self.listener.close())
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listener.fmt(f)
    }
}

impl ListenerBuilder {
    /// Opens a blocking listener.
    ///
    /// # Errors
    /// As with `.await`; also in async code.
    pub fn wait(self) -> Result<Listener, BindError> {
        let listener = wait(self.into_future())??;
        Ok(Listener { listener })
    }
}

impl<S: 'static, R: 'static, C: Codec> ConnectionBuilder<S, R, C> {
    /// Connects, and blocks until the connection is established.
    ///
    /// # Errors
    /// As with `.await`; also in async code. Only sockets are supported; other transports need
    /// async code.
    pub fn wait(self) -> Result<Connection<S, R, C>, ConnectError> {
        let dialer = self.dialer.clone();
        let connection = wait(self.into_future())??;
        connection
            .into_blocking()
            .map_err(|error| dialer.unreachable(error))
    }
}

impl<S, R, C: Codec> connection::Connection<S, R, C> {
    /// Converts the connection to a blocking one. No received or unsent bytes are lost.
    ///
    /// # Errors
    /// If the connection is not a socket, or is broken.
    pub fn into_blocking(self) -> io::Result<Connection<S, R, C>> {
        let (reader, writer) = (self.reader, self.writer);
        if let Some(error) = reader.deferred_error {
            return Err(error);
        }
        let (receiving, sending) = match (reader.stream, writer.stream) {
            #[cfg(feature = "_tls")]
            (StreamReadHalf::Tls(read_half), StreamWriteHalf::Tls(write_half)) => {
                let (read_half, write_half) =
                    replace_stream(*read_half, *write_half, |read_half, write_half| {
                        Ok(into_system(read_half, write_half)?.split())
                    })?;
                (
                    BlockingReadHalf::Tls(Box::new(read_half)),
                    BlockingWriteHalf::Tls(Box::new(write_half)),
                )
            }
            (read_half, write_half) => {
                let (read_half, write_half) = into_system(read_half, write_half)?.split();
                (
                    BlockingReadHalf::System(read_half),
                    BlockingWriteHalf::System(write_half),
                )
            }
        };
        if let Some(idle) = &reader.idle {
            // The system takes a timeout of zero for none.
            let time = idle.time().max(Duration::from_micros(1));
            receiving.set_timeout(Some(time))?;
        }
        let reader = Reader {
            decoder: reader.decoder,
            descriptors: reader.descriptors,
            confirmations: reader.confirmations,
            pending_descriptor: reader.pending_descriptor,
            ..Reader::new(receiving, reader.max_message, reader.account)
        };
        let writer = Writer {
            encoder: writer.encoder,
            broken: writer.broken,
            unflushed: writer.unflushed,
            ..Writer::new(sending, writer.account)
        };
        Ok(Connection::from_parts(
            reader,
            writer,
            self.codec,
            self.identity,
        ))
    }
}

/// Converts a stream to a blocking one, if it is a socket.
fn into_system(
    read_half: StreamReadHalf,
    write_half: StreamWriteHalf,
) -> io::Result<BlockingStream> {
    Ok(match (read_half, write_half) {
        (StreamReadHalf::Tcp(read_half), StreamWriteHalf::Tcp(write_half)) => {
            let tcp = read_half.reunite(write_half).map_err(io::Error::other)?;
            let tcp = tcp.into_std()?;
            tcp.set_nonblocking(false)?;
            BlockingStream::new(StreamKind::Tcp, tcp.into())
        }
        (StreamReadHalf::Unix(read_half), StreamWriteHalf::Unix(write_half)) => {
            BlockingStream::new(StreamKind::Unix, read_half.reunite(write_half)?)
        }
        _ => {
            let message = "only connections on sockets can be converted to blocking ones";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
    })
}

impl<S, R, C: Codec> From<UnixStream> for Connection<S, R, C> {
    /// Creates a connection on a blocking socket, without authentication.
    fn from(socket: UnixStream) -> Self {
        let stream = BlockingStream::new(StreamKind::Unix, socket.into());
        Self::on(stream, Peer::Unix(None))
    }
}

impl<S, R, C: Codec> From<TcpStream> for Connection<S, R, C> {
    /// Creates a connection on a blocking socket, without authentication.
    fn from(socket: TcpStream) -> Self {
        let peer = socket.peer_addr().map_or(Peer::Unknown, Peer::Tcp);
        Self::on(BlockingStream::new(StreamKind::Tcp, socket.into()), peer)
    }
}

impl<S, R, C: Codec> Connection<S, R, C> {
    fn on(stream: BlockingStream, peer: Peer) -> Self {
        let (read_half, write_half) = stream.split();
        let reader = Reader::over(BlockingReadHalf::System(read_half));
        let writer = Writer::over(BlockingWriteHalf::System(write_half));
        Self::from_parts(reader, writer, C::default(), peer.into())
    }
}
