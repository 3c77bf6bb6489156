//! Passing open files and sockets over Unix sockets.
//!
//! The form is that of CPython's `multiprocessing.reduction`: between two frames, one byte with the
//! number of descriptors, which travel beside it (`SCM_RIGHTS`). CPython from 3.14, and on macOS any,
//! waits for the byte `A` in return.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rpc_core::output::Quota;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::codec::{Codec, Pickle};
use crate::error::{RecvError, SendError};

/// How many descriptors wait to be asked for. More are closed as they come, so that a peer cannot
/// use up those of this process.
const MAX_WAITING: usize = 64;

pub(crate) const ACKNOWLEDGEMENT: u8 = b'A';

/// Whether the receiver of a descriptor confirms it. Both ends must agree: otherwise one waits for
/// ever, or takes the confirmation for a part of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// As Farcall's peers and CPython up to 3.13 on Linux.
    Never,
    /// As CPython from 3.14, and any on macOS.
    Always,
    /// As the peer does, going by the values received from it: pickles of protocol 5 are from CPython 3.14,
    /// others from before. Without any, as [`Never`](Self::Never).
    #[default]
    Auto,
}

/// Why a descriptor was not passed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The connection is not a Unix socket, and no other can pass descriptors.
    #[error("only Unix sockets pass descriptors")]
    NotUnix,
    /// The peer sent something else: a message, which can be received.
    #[error("the peer sent no descriptor")]
    NoDescriptor,
    /// The peer sent another number of descriptors than it said, or not exactly one, or this process
    /// cannot have more. They are closed.
    #[error(
        "the peer announced {announced} descriptors and {received} came, where one was expected"
    )]
    Count {
        /// How many the peer announced.
        announced: u8,
        /// How many came.
        received: usize,
    },
    /// The peer did not confirm the descriptor, but sent something else.
    #[error("the peer did not acknowledge the descriptor")]
    NotAcknowledged,
    /// The connection broke while sending.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The connection broke while receiving.
    #[error(transparent)]
    Recv(#[from] RecvError),
}

impl Acknowledge {
    /// Whether a descriptor is confirmed, where the peer's pickles have this protocol.
    pub(crate) fn applies<C: Codec>(self, pickle_protocol: u8) -> bool {
        /// What CPython 3.14 writes by default; those before it write 3 or 4.
        const PROTOCOL_OF_3_14: u8 = 5;
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Auto => C::NAME == Pickle::NAME && pickle_protocol >= PROTOCOL_OF_3_14,
        }
    }
}

/// What one read gave.
pub(crate) struct Received {
    pub(crate) bytes: usize,
    /// Whether there was no more.
    pub(crate) is_drained: bool,
}

/// Descriptors that came and were not asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Those of each byte that had some, in order.
    batches: VecDeque<Vec<OwnedFd>>,
}

impl Waiting {
    /// Reads from a socket once. A byte with descriptors is the last that one read gives.
    pub(crate) fn receive(&mut self, socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
        let room = buffer.len();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_WAITING))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffers = [IoSliceMut::new(buffer)];
        let received =
            rustix::net::recvmsg(socket, &mut buffers, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let mut batch: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                batch.extend(descriptors);
            }
        }
        let bytes = received.bytes;
        let is_drained = (1..room).contains(&bytes) && batch.is_empty();
        if !batch.is_empty() {
            self.keep(batch);
        }
        Ok(Received { bytes, is_drained })
    }

    fn keep(&mut self, mut batch: Vec<OwnedFd>) {
        let waiting: usize = self.batches.iter().map(Vec::len).sum();
        if waiting + batch.len() > MAX_WAITING {
            static CLOSED: Quota = Quota::new(10);
            if let Some(admitted) = CLOSED.admit() {
                let suppressed = admitted.suppressed();
                tracing::warn!(
                    suppressed,
                    "a peer sends descriptors that nobody asks for: closed"
                );
            }
            // The place stays, so that those behind it are not taken for it.
            batch.clear();
        }
        if self.batches.len() < MAX_WAITING {
            self.batches.push_back(batch);
        }
    }

    /// Whether descriptors came.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The one descriptor of a byte that announced so many.
    pub(crate) fn take(&mut self, announced: u8) -> Result<OwnedFd, DescriptorError> {
        let mut batch = self.batches.pop_front().unwrap_or_default();
        let received = batch.len();
        match batch.pop() {
            Some(handle) if batch.is_empty() && announced == 1 => Ok(handle),
            _ => Err(DescriptorError::Count {
                announced,
                received,
            }),
        }
    }

    /// Closes all.
    pub(crate) fn close(&mut self) {
        self.batches.clear();
    }
}

/// Sends a copy of a descriptor, and the byte it stands beside.
pub(crate) fn send(socket: impl AsFd, handle: impl AsFd) -> io::Result<usize> {
    let handle = [handle.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&handle));
    let count = [IoSlice::new(&[1])];
    Ok(rustix::net::sendmsg(
        socket,
        &count,
        &mut control,
        SendFlags::NOSIGNAL,
    )?)
}
