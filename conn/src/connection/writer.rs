//! Sending: frames to a byte stream.

use std::io::{self, IoSlice};

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::stream::Outgoing;
use crate::codec::Codec;
use crate::error::SendError;
use crate::frame::{Encoder, Header};

/// Up to here, copying a message behind its header is cheaper than a write of several pieces.
pub(crate) const COPIED: usize = 16 * 1024;

/// The sending half of every kind of connection.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) outgoing: Outgoing,
    pub(crate) encoder: Encoder,
    pub(crate) broken: bool,
}

impl Writer {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self {
            outgoing,
            encoder: Encoder::new(),
            broken: false,
        }
    }

    /// Sends a value. If the future is dropped, the message is either not begun, or its rest is
    /// written before anything else.
    pub(crate) async fn send<T: Serialize + ?Sized>(
        &mut self,
        codec: &impl Codec,
        value: &T,
    ) -> Result<(), SendError> {
        if self.is_pending() {
            self.flush().await?;
        }
        self.encoder
            .push_with(|out| codec.encode(value, out))
            .map_err(SendError::Encode)?;
        self.flush().await
    }

    /// Sends the slices as one message.
    pub(crate) async fn send_vectored(&mut self, slices: &[&[u8]]) -> Result<(), SendError> {
        if self.is_pending() {
            self.flush().await?;
        }
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if length <= COPIED {
            let pushed: Result<(), SendError> = self.encoder.push_with(|out| {
                slices.iter().for_each(|slice| out.extend_from_slice(slice));
                Ok(())
            });
            pushed?;
            return self.flush().await;
        }
        let header = Header::new(length as u64);
        let mut pieces = vec![IoSlice::new(header.as_bytes())];
        pieces.extend(slices.iter().map(|slice| IoSlice::new(slice)));
        Partial {
            writer: self,
            pieces,
            begun: false,
        }
        .write()
        .await
    }

    /// Sends bytes outside of any frame.
    #[cfg(unix)]
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.encoder.push_raw(bytes);
        self.flush().await
    }

    /// Writes what earlier sends have left.
    pub(crate) async fn flush(&mut self) -> Result<(), SendError> {
        if self.broken {
            return Err(SendError::Broken);
        }
        if self.encoder.unwritten().is_empty() {
            return Ok(());
        }
        while !self.encoder.unwritten().is_empty() {
            let written = self.outgoing.write(self.encoder.unwritten()).await;
            let count = self.progress(written)?;
            self.encoder.wrote(count);
        }
        self.flush_stream().await
    }

    /// Whether there is anything to do before a message is sent.
    const fn is_pending(&self) -> bool {
        self.broken || !self.encoder.is_empty()
    }

    /// Whether an earlier send has left something.
    pub(crate) fn has_unwritten(&self) -> bool {
        !self.encoder.unwritten().is_empty() && !self.broken
    }

    /// Sockets and pipes need no flush; TLS and the like do.
    async fn flush_stream(&mut self) -> Result<(), SendError> {
        if !matches!(self.outgoing, Outgoing::Other(_)) {
            return Ok(());
        }
        let flushed = self.outgoing.flush().await;
        self.progress(flushed.map(|()| 1)).map(|_| ())
    }

    /// After an error in the middle of a message no other can follow.
    fn progress(&mut self, written: io::Result<usize>) -> Result<usize, SendError> {
        let error = match written {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(count) => return Ok(count),
            Err(error) => error,
        };
        self.broken = true;
        Err(SendError::Io(error))
    }

    /// Writes what is left and tells the peer that no more will come.
    pub(crate) async fn shutdown(&mut self) -> Result<(), SendError> {
        self.flush().await?;
        match self.outgoing.shutdown().await {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result.map_err(SendError::Io),
        }
    }
}

/// A message on its way from the caller's slices. If that is given up in the middle, the writer keeps
/// a copy of the rest.
struct Partial<'a, 'b> {
    writer: &'a mut Writer,
    pieces: Vec<IoSlice<'b>>,
    begun: bool,
}

impl Partial<'_, '_> {
    async fn write(mut self) -> Result<(), SendError> {
        while !self.pieces.is_empty() {
            let written = if self.writer.outgoing.is_write_vectored() {
                self.writer.outgoing.write_vectored(&self.pieces).await
            } else {
                self.writer.outgoing.write(&self.pieces[0]).await
            };
            match self.writer.progress(written) {
                Ok(count) => self.advance(count),
                Err(error) => {
                    self.pieces.clear();
                    return Err(error);
                }
            }
        }
        self.writer.flush_stream().await
    }

    fn advance(&mut self, count: usize) {
        self.begun = true;
        let mut rest = self.pieces.as_mut_slice();
        IoSlice::advance_slices(&mut rest, count);
        let left = rest.len();
        self.pieces.drain(..self.pieces.len() - left);
    }
}

impl Drop for Partial<'_, '_> {
    fn drop(&mut self) {
        if self.begun {
            for piece in &self.pieces {
                self.writer.encoder.push_raw(piece);
            }
        }
    }
}
