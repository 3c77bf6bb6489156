//! Passing descriptors over connections on Unix sockets.

use std::future::poll_fn;
use std::os::fd::{AsFd, OwnedFd};

use farcall_core::transport::Peer;

use super::io::{ReadStream, WriteStream};
use super::{Connection, Reader, Writer, while_writing};
use crate::codec::Codec;
use crate::descriptor::{
    ACKNOWLEDGEMENT, Acknowledge, CONFIRMATION_TIMEOUT, ConfirmationDecision, DescriptorError,
    Descriptors, PendingDescriptor, SILENCE_TIMEOUT,
};
use crate::error::{RecvError, SendError};

impl<S, R, C: Codec> Connection<S, R, C> {
    /// Sends a copy of an open file or socket to the peer, like `reduction.send_handle` in CPython.
    ///
    /// With [`Acknowledge::Always`] it waits for the confirmation of the peer for at most 30
    /// seconds; otherwise it does not wait.
    ///
    /// # Errors
    /// If the connection is not a Unix socket, or is broken; [`DescriptorError::NotAcknowledged`]
    /// if the peer did not confirm the descriptor in time.
    ///
    /// # Cancel safety
    /// The descriptor may have been sent. A later confirmation is discarded.
    pub async fn send_handle(&mut self, handle: impl AsFd) -> Result<(), DescriptorError> {
        send_handle::<C, _, _>(&mut self.reader, &mut self.writer, handle).await
    }

    /// Receives an open file or socket from the peer, like `reduction.recv_handle` in CPython. The
    /// descriptor is close-on-exec.
    ///
    /// The connection must be set to [receive](Descriptors::Receive) descriptors before.
    ///
    /// # Errors
    /// [`DescriptorError::NotReceiving`] if it is not. Other errors if the connection is not a Unix
    /// socket, is closed or broken, or the peer sent something other than a descriptor.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next call returns the descriptor.
    pub async fn recv_handle(&mut self) -> Result<OwnedFd, DescriptorError> {
        recv_handle::<C, _, _>(&mut self.reader, &mut self.writer, self.identity.peer()).await
    }

    /// Sets whether the receiver of a descriptor confirms it. Default: [`Acknowledge::Auto`].
    pub const fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.reader.confirmations.policy = acknowledge;
    }

    /// Sets whether descriptors that the peer sends are received or closed. Bytes that were already
    /// read are not affected, so call this before the first receive. It has no effect if the
    /// connection is not a Unix socket.
    ///
    /// Default: [`Descriptors::Close`], or the setting of the listener or client.
    pub const fn set_descriptors(&mut self, descriptors: Descriptors) {
        self.reader.descriptors = descriptors;
    }
}

/// Sends a copy of a descriptor, and waits for its confirmation if the program asks for that.
pub(crate) async fn send_handle<C: Codec, R: ReadStream, W: WriteStream>(
    reader: &mut Reader<R>,
    writer: &mut Writer<W>,
    handle: impl AsFd,
) -> Result<(), DescriptorError> {
    if !reader.stream.is_unix_socket() {
        return Err(DescriptorError::NotUnix);
    }
    writer.flush().await?;
    poll_fn(|cx| writer.stream.poll_send_descriptor(cx, handle.as_fd()))
        .await
        .map_err(SendError::Io)?;
    if reader.confirmations.record_sent::<C>() && !reader.confirmation(CONFIRMATION_TIMEOUT).await?
    {
        Err(DescriptorError::NotAcknowledged)
    } else {
        Ok(())
    }
}

/// Receives a descriptor, and confirms it if the peer waits for that.
pub(crate) async fn recv_handle<C: Codec, R: ReadStream, W: WriteStream>(
    reader: &mut Reader<R>,
    writer: &mut Writer<W>,
    peer: &Peer,
) -> Result<OwnedFd, DescriptorError> {
    if !reader.stream.is_unix_socket() {
        return Err(DescriptorError::NotUnix);
    }
    if reader.descriptors != Descriptors::Receive {
        return Err(DescriptorError::NotReceiving);
    }
    if reader.pending_descriptor.is_none() {
        let received = while_writing(writer, poll_fn(|cx| reader.poll_descriptor(cx)));
        let received = received.await?.ok_or(DescriptorError::NoDescriptor)?;
        let handle = received.only()?;
        reader.pending_descriptor = Some(Box::new(PendingDescriptor {
            handle,
            is_decided: false,
        }));
    }
    let is_decided = |pending: &PendingDescriptor| pending.is_decided;
    if !reader.pending_descriptor.as_deref().is_some_and(is_decided) {
        let confirms = expects_confirmation::<C, _>(reader, peer).await?;
        if let Some(pending) = &mut reader.pending_descriptor {
            pending.is_decided = true;
        }
        if confirms {
            writer.encoder.push_raw(&[ACKNOWLEDGEMENT]);
        }
    }
    writer.flush().await?;
    let pending = reader.pending_descriptor.take();
    pending.map_or(Err(DescriptorError::NoDescriptor), |pending| {
        Ok(pending.handle)
    })
}

/// Returns `true` if the peer waits for the confirmation of the descriptor that it has sent.
async fn expects_confirmation<C: Codec, R: ReadStream>(
    reader: &mut Reader<R>,
    peer: &Peer,
) -> Result<bool, RecvError> {
    match reader.confirmations.decide::<C>(peer) {
        ConfirmationDecision::Skip => Ok(false),
        ConfirmationDecision::Confirm => Ok(true),
        ConfirmationDecision::Watch => {
            let more = reader.within(SILENCE_TIMEOUT, Reader::poll_readable).await;
            let is_silent = more.map_err(RecvError::Io)?.is_none();
            if !is_silent {
                reader.confirmations.record_no_confirmation();
            }
            Ok(is_silent)
        }
    }
}
