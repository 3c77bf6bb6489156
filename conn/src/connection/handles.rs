//! Passing descriptors over connections on Unix sockets.

use std::future::poll_fn;
use std::os::fd::{AsFd, OwnedFd};

use tokio::time::timeout;

use super::{Connection, StreamReadHalf, StreamWriteHalf, while_writing};
use crate::codec::Codec;
use crate::descriptor::{
    ACKNOWLEDGEMENT, Acknowledge, CONFIRMATION_TIMEOUT, ConfirmationDecision, DescriptorError,
    DescriptorRead, Descriptors, SILENCE_TIMEOUT, expect_one, send_descriptor,
};
use crate::error::SendError;

/// A received descriptor that `recv_handle` has not returned yet.
#[derive(Debug)]
pub(crate) struct PendingDescriptor {
    pub(crate) handle: OwnedFd,
    /// `true` once it is decided whether the descriptor is confirmed.
    pub(crate) is_decided: bool,
}

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
        if !matches!(self.writer.stream, StreamWriteHalf::Unix(_)) {
            return Err(DescriptorError::NotUnix);
        }
        self.writer.flush().await?;
        let StreamWriteHalf::Unix(socket) = &mut self.writer.stream else {
            return Err(DescriptorError::NotUnix);
        };
        poll_fn(|cx| socket.poll_send(cx, |socket| send_descriptor(socket, &handle)))
            .await
            .map_err(SendError::Io)?;
        if self.reader.confirmations.record_sent::<C>(self.acknowledge) {
            match timeout(CONFIRMATION_TIMEOUT, self.reader.confirmation()).await {
                Ok(Ok(true)) => {}
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(false)) | Err(_) => return Err(DescriptorError::NotAcknowledged),
            }
        }
        Ok(())
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
        if !matches!(self.reader.stream, StreamReadHalf::Unix(_)) {
            return Err(DescriptorError::NotUnix);
        }
        if self.reader.descriptors != Descriptors::Receive {
            return Err(DescriptorError::NotReceiving);
        }
        if self.pending_descriptor.is_none() {
            let take = poll_fn(|cx| self.reader.poll_descriptor(cx));
            let handle = match while_writing(&mut self.writer, take).await? {
                DescriptorRead::End | DescriptorRead::Byte(_) => {
                    return Err(DescriptorError::NoDescriptor);
                }
                DescriptorRead::Descriptors {
                    announced,
                    descriptors,
                    is_truncated,
                } => expect_one(announced, descriptors, is_truncated)?,
            };
            self.pending_descriptor = Some(Box::new(PendingDescriptor {
                handle,
                is_decided: false,
            }));
        }
        self.confirm().await;
        self.writer.flush().await?;
        let pending = self.pending_descriptor.take();
        pending.map_or(Err(DescriptorError::NoDescriptor), |pending| {
            Ok(pending.handle)
        })
    }

    /// Confirms the pending descriptor, if the peer waits for a confirmation.
    async fn confirm(&mut self) {
        if self
            .pending_descriptor
            .as_ref()
            .is_none_or(|pending| pending.is_decided)
        {
            return;
        }
        let confirms = match self
            .reader
            .confirmations
            .decide::<C>(self.acknowledge, &self.peer)
        {
            ConfirmationDecision::Skip => false,
            ConfirmationDecision::Confirm => true,
            ConfirmationDecision::Watch => {
                let has_more = self.reader.poll(SILENCE_TIMEOUT).await;
                if has_more {
                    self.reader.confirmations.record_no_confirmation();
                }
                !has_more
            }
        };
        if let Some(pending) = &mut self.pending_descriptor {
            pending.is_decided = true;
        }
        if confirms {
            self.writer.encoder.push_raw(&[ACKNOWLEDGEMENT]);
        }
    }

    /// Sets whether the receiver of a descriptor confirms it. Default: [`Acknowledge::Auto`].
    pub const fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.acknowledge = acknowledge;
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
