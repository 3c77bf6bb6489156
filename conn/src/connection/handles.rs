//! Descriptors over connections on Unix sockets.

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

/// A descriptor that came, on its way to the program.
#[derive(Debug)]
pub(crate) struct PendingDescriptor {
    pub(crate) handle: OwnedFd,
    /// Whether the peer was told, as far as it is to be.
    pub(crate) is_decided: bool,
}

impl<S, R, C: Codec> Connection<S, R, C> {
    /// Sends a copy of an open file or socket to the peer, as `reduction.send_handle` in CPython.
    ///
    /// It waits for no confirmation unless [`Acknowledge::Always`] is set, and then for 30 seconds at most.
    ///
    /// # Errors
    /// If the connection is not a Unix socket, or broke; [`DescriptorError::NotAcknowledged`] if the peer was to confirm
    /// the descriptor and did not.
    ///
    /// # Cancel safety
    /// The descriptor may have been sent. A confirmation that comes later is dropped.
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

    /// Receives an open file or socket from the peer, as `reduction.recv_handle` in CPython. It is closed
    /// in programs that this one executes.
    ///
    /// The connection must be told before that it [receives](Descriptors::Receive) descriptors.
    ///
    /// # Errors
    /// [`DescriptorError::NotReceiving`] if it was not; if the connection is not a Unix socket, or ended, or the peer
    /// sent something else.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next call has the descriptor.
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
        self.answer().await;
        self.writer.flush().await?;
        let pending = self.pending_descriptor.take();
        pending.map_or(Err(DescriptorError::NoDescriptor), |pending| {
            Ok(pending.handle)
        })
    }

    /// Has the descriptor that arrived confirmed, if the peer waits for that.
    async fn answer(&mut self) {
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

    /// Whether the receiver of a descriptor confirms it. Default: [`Acknowledge::Auto`].
    pub const fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.acknowledge = acknowledge;
    }

    /// What becomes of descriptors that the peer sends. What was read before is not changed by it: call this before
    /// anything is received. It changes nothing where the connection is not a Unix socket.
    ///
    /// Default: [`Descriptors::Close`], or what the listener or client says.
    pub const fn set_descriptors(&mut self, descriptors: Descriptors) {
        self.reader.descriptors = descriptors;
    }
}
