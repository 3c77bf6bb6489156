//! Descriptors over connections on Unix sockets.

use std::future::poll_fn;
use std::os::fd::{AsFd, OwnedFd};

use super::{Connection, Incoming, Outgoing};
use crate::codec::Codec;
use crate::descriptor::{ACKNOWLEDGEMENT, Acknowledge, DescriptorError, send};
use crate::error::SendError;

impl<S, R, C: Codec> Connection<S, R, C> {
    /// Sends a copy of an open file or socket to the peer, as `reduction.send_handle` in CPython.
    ///
    /// # Errors
    /// If the connection is not a Unix socket, or broke.
    ///
    /// # Cancel safety
    /// The descriptor may have been sent. Where the peer is to acknowledge it, the connection must not
    /// be used any more.
    pub async fn send_handle(&mut self, handle: impl AsFd) -> Result<(), DescriptorError> {
        self.writer.flush().await?;
        let Outgoing::Unix(socket) = &mut self.writer.outgoing else {
            return Err(DescriptorError::NotUnix);
        };
        poll_fn(|cx| socket.poll_send(cx, |socket| send(socket, &handle)))
            .await
            .map_err(SendError::Io)?;
        if self.acknowledges() && self.reader.byte().await? != ACKNOWLEDGEMENT {
            return Err(DescriptorError::NotAcknowledged);
        }
        Ok(())
    }

    /// Receives an open file or socket from the peer, as `reduction.recv_handle` in CPython. It is closed
    /// in programs that this one executes.
    ///
    /// # Errors
    /// If the connection is not a Unix socket, or ended, or the peer sent something else.
    ///
    /// # Cancel safety
    /// Nothing is lost while it is waited for. Where it is to be acknowledged, the descriptor is closed if the
    /// future is dropped while that is sent.
    pub async fn recv_handle(&mut self) -> Result<OwnedFd, DescriptorError> {
        if !matches!(self.reader.incoming, Incoming::Unix(_)) {
            return Err(DescriptorError::NotUnix);
        }
        let announced = self.reader.peek_byte().await?;
        let Incoming::Unix(incoming) = &mut self.reader.incoming else {
            return Err(DescriptorError::NotUnix);
        };
        if incoming.waiting.is_empty() {
            return Err(DescriptorError::NoDescriptor);
        }
        self.reader.decoder.byte();
        let handle = incoming.waiting.take(announced)?;
        if self.acknowledges() {
            self.writer.send_raw(&[ACKNOWLEDGEMENT]).await?;
        }
        Ok(handle)
    }

    /// Whether the receiver of a descriptor confirms it. Default: [`Acknowledge::Auto`].
    pub const fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.acknowledge = acknowledge;
    }

    fn acknowledges(&self) -> bool {
        self.acknowledge.applies::<C>(self.reader.pickle_protocol)
    }
}
